"""Connections to a server that are kept alive, and what they hold of memory."""

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from adapter.http1 import READ_AHEAD, ProtocolError
from adapter.messages import Messages

if TYPE_CHECKING:
    import ssl

CONNECT_S = 5.0
PIECE = 64 * 1024  # bytes that are read at once where it is not known how many will come
MOST_AT_ONCE = 8 * 1024 * 1024  # bytes for which there is room before they come; Lambda has 6 MB
_NOTHING = memoryview(b"")


def keep_freed_memory() -> None:
    """Let glibc keep up to 16 MB that were freed for what is received and sent next.

    It gives back what is more than twice the largest block that it ever mapped and freed. A call of
    1 MB frees more, and to be given it again, page by page, took nearly half of its processor time.
    Nothing is ever written to this block, so that it costs no memory itself.
    https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    bytes(MOST_AT_ONCE)


class Connection(Messages, asyncio.BufferedProtocol):
    """One client connection of an event loop.

    A protocol of its own: asyncio's stream objects cost a function about as much as all of the
    adapter's other work for an invocation. A buffered one, which receives a body where it stays: to
    put pieces together takes a handle call of 1 MB up to a third longer.
    """

    def __init__(self) -> None:
        super().__init__()
        self._transport: asyncio.Transport
        self._ended = False
        self._paused = False
        self._piece = memoryview(bytearray(PIECE))
        self._missing = _NOTHING  # what of a body that is waited for is not there yet
        self._arrival: asyncio.Future[None] | None = None
        self._full = False
        self._writers: list[asyncio.Future[None]] = []
        self._on_hang_up: Callable[[], None] | None = None

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        tls: "ssl.SSLContext | None" = None,
    ) -> "Connection":
        """Connect. Raises OSError where nobody listens, TimeoutError after 5 s of silence."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_S):
            _, connection = await loop.create_connection(cls, host, port, ssl=tls)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport
        # A long call is silent, and what lies between forgets silent connections.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """See `asyncio.BufferedProtocol`."""
        return self._missing or self._piece

    def buffer_updated(self, nbytes: int) -> None:
        """See `asyncio.BufferedProtocol`."""
        if self._missing:
            self._missing = self._missing[nbytes:]
            if not self._missing:
                _wake(self._arrival)
            return
        self._received += self._piece[:nbytes]
        if len(self._received) > READ_AHEAD and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        _wake(self._arrival)

    def eof_received(self) -> None:
        """See `asyncio.Protocol`."""
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """See `asyncio.Protocol`."""
        self._end()
        self.resume_writing()

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._full = True

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._full = False
        for writer in self._writers:
            _wake(writer)

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        _wake(self._arrival)
        if self._on_hang_up is not None:
            self._on_hang_up()

    async def send(self, data: bytes) -> None:
        """Send bytes; waits while the peer is behind. Raises OSError where it has hung up."""
        self._transport.write(data)
        if self._full:
            writer = asyncio.get_running_loop().create_future()
            self._writers.append(writer)
            try:
                await writer
            finally:
                self._writers.remove(writer)
        if self._ended:
            raise ConnectionResetError("the peer has hung up")

    async def _more(self, where: str) -> None:
        """Wait until more has arrived. Raises `ProtocolError` where nothing will."""
        before = len(self._received)
        await self._arrives(where)
        if len(self._received) == before:
            raise ProtocolError(f"connection closed {where}")

    async def _exactly(self, size: int) -> bytes:
        if size <= len(self._received):
            return self._take(size)
        parts: list[bytearray] = []
        while size:
            parts.append(await self._filled(min(size, MOST_AT_ONCE)))
            size -= len(parts[-1])
        return b"".join(parts)

    async def _filled(self, size: int) -> bytearray:
        """Receive so many bytes where they stay, without a word before the last."""
        filled = bytearray(size)
        received = self._take(min(size, len(self._received)))
        filled[: len(received)] = received
        self._missing = memoryview(filled)[len(received) :]
        if self._missing:
            await self._arrives("inside a body")
        if self._missing:
            raise ProtocolError("connection closed inside a body")
        self._missing = _NOTHING  # an empty view of a body would hold all of it
        return filled

    async def _arrives(self, where: str) -> None:
        """Wait until something has, or nothing will. Raises `ProtocolError` where it is known."""
        if self._ended:
            raise ProtocolError(f"connection closed {where}")
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        self._arrival = asyncio.get_running_loop().create_future()
        await self._arrival

    def on_hang_up(self, call: Callable[[], None] | None) -> None:
        """Call when the peer hangs up, also while nothing is being read; None: no more."""
        self._on_hang_up = call
        if call is not None and self._ended:
            call()

    @property
    def closed_by_peer(self) -> bool:
        """Whether the peer has hung up, or said something unasked, since the last response."""
        return self._ended or self._transport.is_closing() or bool(self._received)

    def close(self) -> None:
        """Close at once; nothing is waited for."""
        self.usable = False
        self._on_hang_up = None
        if self._full:  # what the peer has not taken would keep it open
            self._transport.abort()
        else:
            self._transport.close()


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
