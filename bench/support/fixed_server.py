"""An HTTP server that does nothing but answer, in a process of its own.

To a POST of a call event it answers as Lambda's Invoke API would for a function that returns its
first argument; to a GET as the route `/items/7?q=books` of handlers/web.py. An answer is made from
the first request of its kind and kept, so what a request costs is to read it and to write the
answer. One thread, epoll, no signature is looked at. While requests come it waits awake: a sleeping
virtual CPU takes longer to wake than a request takes, and that would be measured instead.
"""

import contextlib
import json
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

ITEM = b'{"item_id":7,"q":"books"}'
PIECE = 1024 * 1024
SPIN_S = 0.002
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")


@contextlib.contextmanager
def fixed_server() -> Iterator[str]:
    """Run the server; its CPUs are those of the calling process. Enter with its `host:port`."""
    command = [sys.executable, "-m", "bench.support.fixed_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(f"127.0.0.1:{listener.getsockname()[1]}", flush=True)
    _Server(listener).serve()


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    size: int = 0  # of the request that is being received, once its head is there
    waits: bool = False  # until the client takes the rest of an answer


class _Server:
    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._connections: dict[int, _Connection] = {}
        self._epoll = select.epoll()
        self._epoll.register(listener, select.EPOLLIN)
        self._answers: dict[tuple[bytes, int], bytes] = {}

    def serve(self) -> None:
        last = 0.0
        while True:
            awake = time.monotonic() - last < SPIN_S
            found = self._epoll.poll(0 if awake else None)
            for number, happened in found:
                self._handle(number, happened)
            if found:
                last = time.monotonic()

    def _handle(self, number: int, happened: int) -> None:
        if number == self._listener.fileno():
            self._accept()
            return
        connection = self._connections[number]
        try:
            if happened & select.EPOLLOUT:
                self._send(connection)
            else:
                self._receive(connection)
        except (OSError, EOFError):
            del self._connections[number]
            connection.socket.close()

    def _accept(self) -> None:
        accepted, _ = self._listener.accept()
        accepted.settimeout(0)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections[accepted.fileno()] = _Connection(accepted)
        self._epoll.register(accepted, select.EPOLLIN)

    def _receive(self, connection: _Connection) -> None:
        piece = connection.socket.recv(PIECE)
        if not piece:
            raise EOFError
        received = connection.received
        received += piece
        if not connection.size:
            end = received.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(received, 0, end)
            connection.size = end + 4 + (int(length[1]) if length else 0)
        if len(received) >= connection.size:
            connection.unsent = memoryview(self._answer(received, connection.size))
            del received[: connection.size]
            connection.size = 0
            self._send(connection)

    def _send(self, connection: _Connection) -> None:
        with contextlib.suppress(BlockingIOError):
            sent = connection.socket.send(connection.unsent)
            connection.unsent = connection.unsent[sent:]
        if bool(connection.unsent) is not connection.waits:  # the client is behind, or no more
            connection.waits = not connection.waits
            wanted = select.EPOLLOUT if connection.waits else select.EPOLLIN
            self._epoll.modify(connection.socket, wanted)

    def _answer(self, request: bytearray, size: int) -> bytes:
        key = bytes(request[: request.index(b"\r\n")]), size
        if key not in self._answers:
            _, _, event = bytes(request[:size]).partition(b"\r\n\r\n")
            body = json.dumps(json.loads(event)["args"][0]).encode() if event else ITEM
            self._answers[key] = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )
        return self._answers[key]


if __name__ == "__main__":
    main()
