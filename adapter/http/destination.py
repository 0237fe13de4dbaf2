"""Where an HTTP response goes: into a result that the sender of the event reads, or a stream."""

import logging
from collections.abc import Callable
from typing import Any

from adapter import json_bytes
from adapter.http.detect import Source, source_of
from adapter.http.gateways import LAMBDA_BYTES
from adapter.http.prelude import CONTENT_TYPE, HeadTooLarge, prelude
from adapter.http.response import Headers, Response, plain_response, server_error
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


class StreamDestination:
    """Answers in Lambda's streaming format, in which a gateway that streams takes every response.

    `whole` takes whole responses in its place where the gateway is one that `adapter run` lets
    stream and AWS does not. `kept` returns the headers that leave.
    """

    streams = True

    def __init__(
        self,
        responder: Responder,
        *,
        several: bool,
        kept: Callable[[Headers], Headers],
        whole: ResultDestination | None = None,
    ) -> None:
        self._responder = responder
        self._several = several
        self._kept = kept
        self._whole = whole

    async def answer(self, response: Response) -> None:
        """See `Destination`."""
        if self._whole is not None:
            await self._whole.answer(response)
            return
        try:
            head, body = self._prelude(response["status"], response["headers"]), response["body"]
        except HeadTooLarge as error:
            logger.error("%s", error)  # noqa: TRY400 - the traceback would be ours
            response = server_error()
            head, body = self._prelude(500, response["headers"]), response["body"]
        stream = await self._responder.stream(CONTENT_TYPE)
        try:
            await stream.write(head + body)
        except OSError:
            return  # nobody waits for it
        await stream.end()

    async def stream(self, status: int, headers: Headers) -> ResponseStream:
        """See `Destination`. Raises `HeadTooLarge`, and what the responder raises."""
        head = self._prelude(status, headers)
        return _AfterPrelude(await self._responder.stream(CONTENT_TYPE), head)

    def _prelude(self, status: int, headers: Headers) -> bytes:
        return prelude(status, self._kept(headers), several=self._several)


class _AfterPrelude:
    """A stream whose prelude leaves with its first piece: two small packets cost more than one."""

    def __init__(self, stream: ResponseStream, head: bytes) -> None:
        self._stream = stream
        self._head = head
        self.end = stream.end
        self.fail = stream.fail

    async def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        await self._stream.write(data)


def _too_large(size: int, most_bytes: int) -> Response:
    text = (
        f"The response takes {size} bytes as JSON; {most_bytes} may leave here "
        f"({most_bytes / 1024 / 1024:.3g} MB). Stream it through a function URL or a REST API "
        "that streams, or send less."
    )
    logger.error("%s", text)
    return plain_response(500, text)
