"""Where HTTP responses go that a gateway takes piece by piece."""

import logging
from collections.abc import Callable

from adapter.http.destination import ResultDestination
from adapter.http.prelude import CONTENT_TYPE, HeadTooLarge, prelude
from adapter.http.response import Headers, Response, server_error
from adapter.responder import Responder, ResponseStream

logger = logging.getLogger("adapter.http")


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
