"""Where most HTTP responses go: into a result that the sender of the event reads."""

import logging
from collections.abc import Callable
from typing import Any

from adapter import json_bytes
from adapter.http.detect import Source, source_of
from adapter.http.response import LAMBDA_BYTES, Headers, Response, plain_response
from adapter.responder import Responder, ResponseStream

logger = logging.getLogger("adapter.http")

LOCAL_API = "local"  # the id of the HTTP API of `adapter run`: no other one streams
# What is smaller by this factor fits: one byte takes six as JSON, such as \u0000, and the rest is
# for the frame around it.
_SURELY_FITS = 12


def front_of(event: dict[str, Any]) -> str:
    """Name what sent an event, as far as it may take a stream; empty for the others."""
    source = source_of(event)
    if source in (Source.URL, Source.REST):
        return str(source.value)
    local = source is Source.HTTP_API and event["requestContext"].get("apiId") == LOCAL_API
    return str(Source.HTTP_API.value) if local else ""


class ResultDestination:
    """Answers with a whole result, of `most_bytes` at most; `to_result` shapes it for the sender.

    A larger one is answered with a 500 that names the limit.
    """

    streams = False

    def __init__(
        self,
        responder: Responder,
        to_result: Callable[[Response], Any],
        most_bytes: int = LAMBDA_BYTES,
    ) -> None:
        self.responder = responder
        self._to_result = to_result
        self._most_bytes = most_bytes

    async def answer(self, response: Response) -> None:
        """See `Destination`."""
        result = self._to_result(response)
        content = len(response["body"])
        content += sum(2 * len(name) + len(value) + 8 for name, value in response["headers"])
        if content * _SURELY_FITS > self._most_bytes:
            size = len(json_bytes.dump(result))
            if size > self._most_bytes:
                result = self._to_result(_too_large(size, self._most_bytes))
        await self.responder.respond(result)

    async def stream(self, status: int, headers: Headers) -> ResponseStream:
        """Refuse: `streams` says so."""
        raise RuntimeError(f"a response with status {status} and {len(headers)} headers is whole")


def _too_large(size: int, most_bytes: int) -> Response:
    text = (
        f"The response takes {size} bytes as JSON; {most_bytes} may leave here "
        f"({most_bytes / 1024 / 1024:.3g} MB). Stream it through a function URL or a REST API "
        "that streams, or send less."
    )
    logger.error("%s", text)
    return plain_response(500, text)
