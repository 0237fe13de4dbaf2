"""Kept-alive connections to Lambda's API.

A request is sent at most once. It goes to another connection only where it surely never arrived: a
kept-alive one that the peer had closed before we wrote to it.
"""

import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Mapping

from adapter.calls.endpoint import Endpoint
from adapter.connection import Connection
from adapter.http1 import Response
from adapter.messages import ResponseBody

IDLE_S = 4.0  # for which an unused connection is trusted to be still there


class NotConnected(ConnectionError):
    """There is no connection, so nothing was sent."""


class Pool:
    """The idle connections of one event loop to one endpoint."""

    def __init__(self, where: Endpoint) -> None:
        self.endpoint = where
        self._idle: list[tuple[Connection, float]] = []  # and since when, Unix time in seconds
        self._closed = False
        self._tls: ssl.SSLContext | None = None

    async def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Response:
        """Send a request and read the whole response.

        Raises OSError, and `NotConnected` where it was not sent.
        """
        async with self._connection() as connection:
            return await connection.request(method, target, headers, body)

    @contextlib.asynccontextmanager
    async def open(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> AsyncIterator[ResponseBody]:
        """Send a request and enter with the beginning of the response; raises as `request` does.

        Left before the end of the response, it closes the connection.
        """
        async with self._connection() as connection:
            yield await connection.open_response(method, target, headers, body)

    def close(self) -> None:
        """Close what is idle now, and later what is not."""
        self._closed = True
        for connection, _ in self._idle:
            connection.close()
        self._idle.clear()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        connection = self._idle_connection() or await self._new_connection()
        try:
            yield connection
        finally:
            if connection.usable and not self._closed:
                self._idle.append((connection, time.time()))
            else:
                connection.close()

    def _idle_connection(self) -> Connection | None:
        while self._idle:
            connection, since = self._idle.pop()
            # An environment may have been frozen meanwhile: what the peer did then is not seen yet.
            if not connection.closed_by_peer and time.time() - since < IDLE_S:
                return connection
            connection.close()
        return None

    async def _new_connection(self) -> Connection:
        if self.endpoint.tls and self._tls is None:
            self._tls = ssl.create_default_context()
        try:
            return await Connection.open(self.endpoint.host, self.endpoint.port, self._tls)
        except ssl.SSLError:
            raise  # the same would happen again
        except OSError as error:
            raise NotConnected(str(error)) from error
