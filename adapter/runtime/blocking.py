"""A connection that waits without an event loop.

A function that serves one invocation at a time has nothing else to do while it waits for the next,
and Lambda freezes it then. Waiting in the kernel costs a third of what an event loop's turns do.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from adapter.connection import CONNECT_S, PIECE
from adapter.http1 import ProtocolError
from adapter.messages import Messages


class BlockingConnection(Messages):
    """Its coroutine methods never give the event loop a turn."""

    def __init__(self, connected: socket.socket) -> None:
        super().__init__()
        self._socket = connected
        self._watched = False
        self._hung_up = False

    @classmethod
    async def open(cls, host: str, port: int) -> "BlockingConnection":
        """Connect. Raises OSError where nobody listens, TimeoutError after 5 s of silence."""
        # As bytes: with text Python loads the codec of international names first, at a cold start.
        address: tuple[Any, int] = (host.encode(), port)
        connected = socket.create_connection(address, CONNECT_S)
        connected.settimeout(None)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(connected)

    async def send(self, data: bytes) -> None:
        """Send bytes. Raises OSError where the peer has hung up."""
        self._socket.sendall(data)

    async def _more(self, where: str) -> None:
        received = self._socket.recv(PIECE)
        if not received:
            raise ProtocolError(f"connection closed {where}")
        self._received += received

    def on_hang_up(self, call: Callable[[], None] | None) -> None:
        """Call when the peer hangs up while the event loop runs; None: no more."""
        if call is None and not self._watched:
            return  # on Lambda always
        loop = asyncio.get_running_loop()
        # Its number, because Python 3.11 describes a socket twice where it is not watched yet.
        number = self._socket.fileno()
        if self._watched:
            self._watched = False
            loop.remove_reader(number)
        if call is not None:
            self._watched = True
            loop.add_reader(number, self._readable, call)

    def _readable(self, call: Callable[[], None]) -> None:
        self._hung_up = True
        self.on_hang_up(None)  # or it is called in every turn of the loop
        call()

    @property
    def closed_by_peer(self) -> bool:
        """Whether the peer was seen to hang up. The kernel is not asked: the next request tells."""
        return self._hung_up

    def close(self) -> None:
        """Close at once."""
        self.usable = False
        if self._watched:
            self.on_hang_up(None)
        self._socket.close()
