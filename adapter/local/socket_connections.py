"""The WebSocket clients of this process, by connection: what API Gateway keeps of its own.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from starlette.types import Send

from adapter.local.socket_event import SocketRequest
from adapter.sockets.connections import Gone
from adapter.sockets.event import Address

NORMAL = 1000


class Client:
    """A client from its request until its connection has ended; reached on its own event loop.

    `began` is when it came, and `active` when something was last sent either way, in the seconds of
    that loop's clock.
    """

    def __init__(self, request: SocketRequest) -> None:
        self.request = request
        self.last_active = request.opened
        self._loop = asyncio.get_running_loop()
        self.began = self.active = self._loop.time()
        self._send: Send | None = None
        self._sending = asyncio.Lock()
        self.closed_with: int | None = None  # by us

    def open(self, send: Send) -> None:
        """Say that the client was accepted: only now it can be reached."""
        self._send = send

    @property
    def is_here(self) -> bool:
        """Whether it can be reached."""
        return self._send is not None

    def touch(self) -> None:
        """Say that something was sent."""
        self.active = self._loop.time()
        self.last_active = datetime.now(UTC)

    def gone(self) -> None:
        """Say that the connection has ended."""
        self._send = None

    async def post(self, text: str) -> None:
        """Send a text. Raises `Gone`."""
        await self._here(self._post({"type": "websocket.send", "text": text}))

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """End the connection. Raises `Gone`."""
        await self._here(self._close(code, reason))

    async def _close(self, code: int, reason: str) -> None:
        await self._post({"type": "websocket.close", "code": code, "reason": reason})
        self.closed_with = code
        self._send = None

    async def _post(self, message: dict[str, Any]) -> None:
        async with self._sending:
            if self._send is None:
                raise Gone(self.request.connection_id)
            try:
                await self._send(message)
            except (OSError, RuntimeError) as error:
                raise Gone(self.request.connection_id) from error
        self.touch()

    async def _here(self, work: Coroutine[Any, Any, None]) -> None:
        if asyncio.get_running_loop() is self._loop:
            await work
        else:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


clients: dict[str, Client] = {}  # of this process, whichever server has them: ids are random


class ProcessConnections:
    """Reaches the clients of this process; see `Connections`."""

    async def post(self, address: Address, text: str) -> None:
        """See `Connections`."""
        await client_of(address.connection_id).post(text)

    async def delete(self, address: Address) -> None:
        """See `Connections`."""
        await client_of(address.connection_id).close()

    def close(self) -> None:
        """See `Connections`; the clients are not its own."""


def client_of(connection_id: str) -> Client:
    """Return a client. Raises `Gone` where there is none."""
    try:
        return clients[connection_id]
    except KeyError:
        raise Gone(connection_id) from None
