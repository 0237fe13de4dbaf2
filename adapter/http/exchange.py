"""One request through an ASGI application, its response collected or sent on as it comes.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import asyncio
import logging
from collections.abc import MutableMapping
from enum import Enum, auto
from typing import Any, Protocol

from adapter.http import response as rules
from adapter.http.lifespan import ASGIApp, Message
from adapter.http.response import Response
from adapter.responder import ResponseStream

logger = logging.getLogger("adapter.http")

_WITHOUT_BODY = frozenset({204, 304})  # RFC 9110, 15.3.5 and 15.4.5


class State(Enum):
    """How far the response is.

    REQUEST: nothing of it is there. BODY: its start is. OPENING: its stream is being opened.
    STREAM: it leaves piece by piece. COMPLETE: all of it is there. GONE: nobody takes what the
    application still sends.
    """

    REQUEST = auto()
    BODY = auto()
    OPENING = auto()
    STREAM = auto()
    COMPLETE = auto()
    GONE = auto()


# By these names Python 3.11 finds them five times as fast.
REQUEST, BODY, OPENING, STREAM, COMPLETE, GONE = State
_OVER = (COMPLETE, GONE)


class Destination(Protocol):
    """Where responses go."""

    @property
    def streams(self) -> bool:
        """Whether a response may be sent piece by piece."""
        ...

    async def answer(self, response: Response) -> None:
        """Take a whole response."""

    async def stream(self, status: int, headers: list[tuple[bytes, bytes]]) -> ResponseStream:
        """Take the start of a response whose body follows piece by piece."""
        ...


class Exchange:
    """Runs one request. An application that fails, or answers nothing, becomes a 500, or a refusal.

    The response leaves when it is complete, or, where its first body message says that more will
    follow and the destination takes it, piece by piece. The application may go on afterwards. Until
    the first body message nothing leaves, as ASGI has it, so that an error can still be told. A
    response that HTTP does not allow, or whose body is not as long as announced, is a failure.

    With `raise_errors` an application's exception is raised where the response can still be taken
    back: a whole one with a status of 5xx is kept until the application has ended.
    """

    def __init__(
        self,
        scope: MutableMapping[str, Any],
        body: bytes,
        destination: Destination,
        *,
        raise_errors: bool = False,
    ) -> None:
        self._scope = scope
        self._destination = destination
        self._raise_errors = raise_errors
        self._request: Message | None = {
            "type": "http.request",
            "body": body,
            "more_body": False,
        }
        self._state = REQUEST
        self.complete = False  # nothing is left to wait for but its delivery
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._length: int | None = None  # as announced
        self._size = 0
        self._chunks: list[bytes] = []
        self._kept: Response | None = None  # until the application has ended
        # Made where somebody waits: that the response is over for the application, that it is
        # complete, and that its stream is open.
        self._sent: asyncio.Event | None = None
        self._completed: asyncio.Event | None = None
        self._opening: asyncio.Event | None = None
        self._stream: ResponseStream | None = None

    def _become(self, state: State) -> None:
        self._state = state
        if state in _OVER:
            if self._sent is not None:
                self._sent.set()
            if self._kept is None:
                self._complete()

    def _complete(self) -> None:
        self.complete = True
        if self._completed is not None:
            self._completed.set()

    async def run(self, app: ASGIApp) -> None:
        """Run the application to its end, background tasks included.

        An error after the response is complete is logged; the response stands. Raises MemoryError,
        which is about the environment, and with `raise_errors` what the application raised.
        """
        try:
            await app(self._scope, self._receive, self._send)
        except MemoryError:
            raise
        except asyncio.CancelledError:
            if self._kept is not None:
                await self._release(self._kept)
            raise
        except Exception as error:  # noqa: BLE001 - whatever the application raises
            await self._failed(error, "the application failed")
        else:
            if self._state not in _OVER:
                text = "the application returned without completing its response"
                await self._failed(RuntimeError(text), text)
            elif self._kept is not None:
                await self._release(self._kept)

    async def _failed(self, error: Exception, what: str) -> None:
        """Tell the client as far as that is still possible, and the log once."""
        from adapter.http.prelude import HeadTooLarge  # noqa: PLC0415 - failures only
        from adapter.http.refusals import refusal_of  # noqa: PLC0415 - as that
        from adapter.http.unawaited import NotAwaited  # noqa: PLC0415 - as that

        if isinstance(error, rules.InvalidResponse | HeadTooLarge | NotAwaited):
            # A framework has sent it, after the user's code has ended: no frame would be theirs.
            error = type(error)(f"the response of {self._route} cannot be sent: {error}")
            what = str(error)
        await self._opened()
        if self._state is GONE:
            if self._kept is not None:
                await self._release(self._kept)
            return
        # Whether the client has nothing of the response yet.
        nothing_left = self._kept is not None or self._state in (REQUEST, BODY)
        self._kept = None
        if nothing_left and (refusal := refusal_of(error)) is not None:
            logger.warning("%s: %s", what, error)
            await self._instead(refusal)
        elif nothing_left and self._raise_errors:
            self._become(GONE)
            raise error
        elif self._state is STREAM and self._stream is not None:
            self._become(GONE)
            await self._stream.fail(error)  # who sends it logs it
        else:
            logger.error("%s", what, exc_info=error if error.__traceback__ else None)
            if nothing_left:
                await self._instead(rules.server_error())

    @property
    def _route(self) -> str:
        """Name the route that was served, as far as the application's framework says."""
        path = getattr(self._scope.get("route"), "path", None) or self._scope.get("path")
        text = f"{self._scope.get('method')} {repr(path)[1:-1]:.200}"
        endpoint = self._scope.get("endpoint")
        name = getattr(endpoint, "__qualname__", None)
        return f"{text} ({endpoint.__module__}.{name})" if endpoint and name else text

    async def settled(self, running: asyncio.Task[None]) -> None:
        """Wait until the response is complete or `running`, the application, has ended."""
        if self.complete:
            return
        self._completed = asyncio.Event()
        complete = asyncio.create_task(self._completed.wait())
        try:
            await asyncio.wait({complete, running}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            complete.cancel()

    async def give_up(self, response: Response) -> None:
        """Answer in the application's place; what it still sends is refused."""
        before = self._state
        self._become(GONE)
        if self._kept is not None:
            await self._release(self._kept)
        if before in _OVER:
            return
        await self._opened()
        if self._stream is not None:
            await self._stream.fail(TimeoutError(str(response["body"], "utf-8")))
        else:
            await self._instead(response)

    async def _instead(self, response: Response) -> None:
        """Answer in the application's place; a HEAD request has no body either way."""
        if self._state is not GONE:
            self._become(COMPLETE)
        if self._scope.get("method") == "HEAD":
            response = {**response, "body": b""}
        await self._destination.answer(response)

    async def _receive(self) -> Message:
        if self._request is not None:
            message, self._request = self._request, None
            return message
        if self._state not in _OVER:
            self._sent = self._sent or asyncio.Event()
            await self._sent.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if self._state is GONE:
            raise ConnectionError(_NOBODY)
        if self._state is REQUEST and kind == "http.response.start":
            self._status = rules.checked_status(message["status"])
            self._headers = rules.checked_headers(message.get("headers", ()))
            if self._status == 204:  # must not have one: RFC 9110, section 8.6
                self._headers = [pair for pair in self._headers if pair[0] != b"content-length"]
            self._length = rules.content_length(self._headers)
            self._state = BODY
        elif self._state in (BODY, STREAM) and kind == "http.response.body":
            await self._body(_body(message), more=bool(message.get("more_body")))
        else:
            raise RuntimeError(f"ASGI message {kind!r} is not allowed in state {self._state.name}.")

    async def _body(self, data: bytes, *, more: bool) -> None:
        if self._without_body:
            await self._finish()
            if more:  # an endless body for nobody must not run on
                self._become(GONE)
            return
        self._count(data, more=more)
        if self._state is STREAM or (more and self._destination.streams):
            await self._pass_on(data, more=more)
        else:
            self._chunks.append(data)
            if not more:
                await self._finish()

    def _count(self, data: bytes, *, more: bool) -> None:
        self._size += len(data)
        if self._length is None:
            return
        if self._size > self._length or (self._size < self._length and not more):
            raise rules.InvalidResponse(
                f"content-length is {self._length}, the body has {self._size} bytes"
                + (" so far" if more else ""),
            )

    @property
    def _without_body(self) -> bool:
        return self._scope.get("method") == "HEAD" or self._status in _WITHOUT_BODY

    async def _pass_on(self, data: bytes, *, more: bool) -> None:
        stream = self._stream or await self._open()
        try:
            await stream.write(data)
        except OSError:
            self._become(GONE)
            raise
        if not more and self._state is STREAM:
            self._become(COMPLETE)  # a time limit is not that of the delivery
            await stream.end()

    async def _open(self) -> ResponseStream:
        self._become(OPENING)
        self._opening = asyncio.Event()
        try:
            stream = await self._destination.stream(self._status, self._headers)
            self._stream = stream
        finally:
            if self._state is OPENING:
                self._become(BODY if self._stream is None else STREAM)
            self._opening.set()
        if self._state is GONE:
            raise ConnectionError(_NOBODY)
        return stream

    async def _opened(self) -> None:
        """Wait until it is known whether a stream that is being opened is the answer."""
        if self._opening is not None:
            await self._opening.wait()

    async def _finish(self) -> None:
        body = b"".join(self._chunks)
        response = {"status": self._status, "headers": self._headers, "body": body}
        if self._raise_errors and self._status >= 500:
            self._kept = response
            self._become(COMPLETE)
        else:
            self._become(COMPLETE)
            await self._release(response)

    async def _release(self, response: Response) -> None:
        self._kept = None
        self._complete()
        await self._destination.answer(response)


_NOBODY = "nobody takes the response any more"


def _body(message: Message) -> bytes:
    data = message.get("body", b"")
    if not isinstance(data, bytes | bytearray | memoryview):
        raise rules.InvalidResponse(f"body must be bytes, found {data!r:.100}")
    return bytes(data)
