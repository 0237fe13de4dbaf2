"""uvicorn, asked over a socket: what a deployment is without Lambda."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn

from tests.gateways.request import Request
from tests.gateways.response import Response

PATIENCE_S = 20.0


class BrokenOff(Exception):
    """The response was not complete when the connection ended."""


@dataclass(frozen=True)
class ReferenceServer:
    """A client of the server."""

    address: tuple[str, int]

    def ask(self, request: Request) -> Response:
        """Send a request, wait for the response. Raises `BrokenOff`."""
        client = h11.Connection(h11.CLIENT)
        target = request.path + (f"?{request.query}" if request.query else "")
        head = h11.Request(
            method=request.method,
            target=target,
            headers=[(n.encode(), v.encode("latin-1")) for n, v in request.headers],
        )
        messages = (head, h11.Data(data=request.body), h11.EndOfMessage())
        with socket.create_connection(self.address, PATIENCE_S) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _FORGET)
            connection.sendall(b"".join(client.send(message) or b"" for message in messages))
            return _response(client, connection)


# Thousands of connections that were closed in order would leave no port for the next one.
_FORGET = struct.pack("ii", 1, 0)


def _response(client: h11.Connection, connection: socket.socket) -> Response:
    head, body = None, b""
    while True:
        try:
            event: Any = client.next_event()
        except h11.RemoteProtocolError as error:
            raise BrokenOff from error
        if event is h11.NEED_DATA:
            client.receive_data(connection.recv(65536))
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return Response(head.status_code, _pairs(head), body)
        else:
            raise BrokenOff(repr(event))


def _pairs(head: h11.Response) -> tuple[tuple[str, str], ...]:
    return tuple((n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in head.headers)


@contextlib.contextmanager
def reference_server(app: Any) -> Iterator[ReferenceServer]:
    """Serve an application in a thread: plain HTTP/1.1, and no header that uvicorn would add."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield ReferenceServer(listening.getsockname())
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
