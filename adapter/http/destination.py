"""Where an HTTP response goes: into a result that the sender of the event reads, or a stream."""

import logging
from collections.abc import Callable, Collection
from typing import Any

from adapter.http.exchange import Response
from adapter.http.prelude import CONTENT_TYPE, Headers, HeadTooLarge, prelude
from adapter.responder import Responder, ResponseStream

logger = logging.getLogger("adapter.http")

# What may take a stream; `ADAPTER_STREAMS` names those of a function that do.
URL, REST, HTTP_API = "url", "rest", "http-api"
LOCAL_API = "local"  # the id of the HTTP API of `adapter run`: no other one streams


def front_of(event: dict[str, Any]) -> str:
    """Name what sent an event, as far as it may take a stream; empty for the others."""
    context = event.get("requestContext") or {}
    if event.get("version") == "2.0":
        if ".lambda-url." in str(context.get("domainName")):
            return URL
        return HTTP_API if context.get("apiId") == LOCAL_API else ""
    return REST if "resource" in event and "elb" not in context else ""


class ResultDestination:
    """Answers with a whole result; `to_result` writes it in the sender's shape."""

    streams = False

    def __init__(self, responder: Responder, to_result: Callable[[Response], Any]) -> None:
        self.responder = responder
        self._to_result = to_result

    async def answer(self, response: Response) -> None:
        """See `Destination`."""
        await self.responder.respond(self._to_result(response))

    async def stream(self, status: int, headers: list[tuple[bytes, bytes]]) -> ResponseStream:
        """Refuse: `streams` says so."""
        raise RuntimeError(f"a response with status {status} and {len(headers)} headers is whole")


class StreamDestination:
    """Answers in Lambda's streaming format, in which a gateway that streams takes every response.

    `whole` takes whole responses in its place where the gateway is one that `adapter run` lets
    stream and AWS does not. `excluded` are names of headers, in lower case, that stay here.
    """

    streams = True

    def __init__(
        self,
        responder: Responder,
        *,
        several: bool,
        excluded: Collection[str] = (),
        whole: ResultDestination | None = None,
    ) -> None:
        self._responder = responder
        self._several = several
        self._excluded = frozenset(name.encode() for name in excluded)
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
            head, body = self._prelude(500, [(b"content-type", b"text/plain")]), _SERVER_ERROR
        stream = await self._responder.stream(CONTENT_TYPE)
        try:
            await stream.write(head + body)
        except OSError:
            return  # nobody waits for it
        await stream.end()

    async def stream(self, status: int, headers: list[tuple[bytes, bytes]]) -> ResponseStream:
        """See `Destination`. Raises `HeadTooLarge`, and OSError where nobody waits any more."""
        head = self._prelude(status, headers)
        return _AfterPrelude(await self._responder.stream(CONTENT_TYPE), head)

    def _prelude(self, status: int, headers: Headers) -> bytes:
        kept = [(name, value) for name, value in headers if name.lower() not in self._excluded]
        return prelude(status, kept, several=self._several)


_SERVER_ERROR = b"Internal Server Error"


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
