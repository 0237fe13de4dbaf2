"""The server's end of a runtime's connection, without tasks and without streams."""

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Self

from adapter.http1 import READ_AHEAD, Head, ProtocolError
from adapter.messages import Messages


class RuntimeConnection(Messages, asyncio.Protocol):
    """A connection and the coroutine that answers its requests, `serve`.

    The coroutine is no task. It goes on inside the very call that brings what it waits for, and
    waits for nothing but `event`: each request would pay for futures and tasks, and for the turns
    of the event loop that they take. The connection is closed at its end.
    """

    def __init__(self, serve: Callable[[Self], Coroutine[Any, Any, None]]) -> None:
        super().__init__()
        self.ended = False  # nothing more will come
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport
        self._made = False
        self._serving = serve(self)
        self._waits = True  # to begin
        self._paused = False
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport
        self._made = True
        if not self.usable:  # closed before it was made
            transport.abort()
            return
        self.go_on()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._received += data
        if len(self._received) > READ_AHEAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self.go_on()

    def eof_received(self) -> bool:
        """See `asyncio.Protocol`; what was asked before is answered still."""
        self.ended = True
        self.go_on()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """See `asyncio.Protocol`."""
        self.ended = True
        self._full = False
        if not self.closed.done():  # who waited for it may have been cancelled
            self.closed.set_result(None)
        self.go_on()

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._full = True

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._full = False
        self.go_on()

    def go_on(self) -> None:
        """Let the coroutine see whether what it waits for has happened."""
        if not self._waits:  # it looks itself, or has ended
            return
        self._waits = False
        try:
            self._serving.send(None)
        except StopIteration:
            self._transport.close()
        except BaseException:
            self._transport.abort()
            raise

    @types.coroutine
    def event(self) -> Generator[None, None, None]:
        """Wait until something has happened: bytes or the end have come, or `go_on` was called."""
        self._waits = True
        yield

    async def head(self) -> Head | None:
        """Read the head of a request; None where the runtime has hung up instead.

        Raises `ProtocolError` for anything else that is none.
        """
        if not self._received and not await self._arrival():
            return None
        return await self._head()

    async def send(self, data: bytes) -> None:
        """Send bytes; waits while the runtime is behind."""
        self._transport.write(data)
        while self._full:
            await self.event()

    async def _more(self, where: str) -> None:
        if not await self._arrival():
            raise ProtocolError(f"connection closed {where}")

    async def _arrival(self) -> bool:
        """Wait until more has come; say whether it has."""
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        before = len(self._received)
        while len(self._received) == before and not self.ended:
            await self.event()
        return len(self._received) > before

    def close(self) -> None:
        """Close at once; what was not sent yet is not sent any more."""
        self.usable = False
        if self._made:
            self._transport.abort()
