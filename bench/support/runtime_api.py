"""Lambda's Runtime API, as small and fast as it can be in Python, the same for every client.

One blocking thread a connection, HTTP/1.1 with keep-alive, each answer in one packet. All messages
of a batch are built before its clock starts. It checks nothing and limits nothing (Lambda takes
6 MB): what it costs is the same for every client, and small.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import contextlib
import itertools
import queue
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:bench"
PREFIX = "/2018-06-01/runtime/invocation/"
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n"
EXTENSION = "/2020-01-01/extension/"  # the Lambda Web Adapter is one
REGISTRATION = b'{"functionName":"bench","functionVersion":"$LATEST","handler":"web.app"}'
REGISTERED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Lambda-Extension-Identifier: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(REGISTRATION), REGISTRATION)
)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PIECE = 64 * 1024
SPIN_S = 0.002
LOOKS_S = 1.0  # how often it is seen whether the runtime still lives


@dataclass(slots=True)
class Served:
    """One invocation: when it was handed out and answered (seconds of `time.monotonic`), and how.

    `pieces` are the parts of a streamed answer with the time of their arrival; `trailers` tell
    whether it was broken off. A batch that keeps no bodies has their sizes only.
    """

    request_id: str
    message: bytes
    handed_out: float = 0.0
    answered: float = 0.0
    outcome: str = ""
    size: int = 0
    body: bytes = b""
    streamed: bool = False
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    trailers: bytes = b""

    @property
    def succeeded(self) -> bool:
        return self.outcome == "response" and not self.trailers


@dataclass(slots=True)
class Head:
    method: bytes
    path: str
    length: int = 0
    chunked: bool = False
    expects: bool = False


class Reader:
    """Reads from a connection and knows what it has not handed on. Raises EOFError at the end."""

    def __init__(self, connection: socket.socket) -> None:
        self.unread = b""
        self._connection = connection

    def until(self, separator: bytes) -> bytes:
        """Read up to a separator, which is dropped."""
        while separator not in self.unread:
            self._more()
        found, _, self.unread = self.unread.partition(separator)
        return found

    def exactly(self, size: int) -> bytes:
        """Read so many bytes."""
        missing = size - len(self.unread)
        if missing > 0:
            rest = self._connection.recv(missing, socket.MSG_WAITALL)
            if len(rest) < missing:
                raise EOFError
            found, self.unread = self.unread + rest, b""
            return found
        found, self.unread = self.unread[:size], self.unread[size:]
        return found

    def _more(self) -> None:
        if not (piece := self._connection.recv(PIECE)):
            raise EOFError
        self.unread += piece


class FakeRuntimeApi:
    """Hands out batches of events and keeps the answers.

    With `spins` it waits awake while an invocation runs. An idle virtual CPU takes longer to wake
    than an invocation takes, and how long is chance; asleep, that is what would be measured.
    """

    def __init__(self, *, spins: bool = False) -> None:
        self._spins = spins
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.polls: list[float] = []  # when a connection first asked for an event
        self._batch: dict[str, Served] = {}
        self._to_hand_out: queue.SimpleQueue[Served | None] = queue.SimpleQueue()
        self._answers = itertools.count(1)
        self._last = 0
        self._all_answered = threading.Event()
        self._keep_bodies = True
        self._numbers = itertools.count(1)
        self._connections: list[socket.socket] = []
        self.init_error = b""
        threading.Thread(target=self._accept, daemon=True).start()

    def serve(
        self,
        events: Sequence[bytes],
        *,
        keep_bodies: bool = True,
        timeout_s: float = 120.0,
        lives: Callable[[], bool] = lambda: True,
    ) -> list[Served]:
        """Hand out events, to whoever asks, and wait until all are answered.

        `lives` says whether there is still somebody who asks. Raises RuntimeError where not, or
        where the function could not start, and TimeoutError.
        """
        batch = [self._invocation(event) for event in events]
        self._batch = {served.request_id: served for served in batch}
        self._answers = itertools.count(1)
        self._last = len(batch)
        self._keep_bodies = keep_bodies
        self._all_answered.clear()
        for served in batch:
            self._to_hand_out.put(served)
        end = time.monotonic() + timeout_s
        while not self._all_answered.wait(LOOKS_S):
            answered = f"{sum(bool(one.outcome) for one in batch)} of {len(batch)} answers"
            if not lives():
                raise RuntimeError(f"the runtime has ended after {answered}")
            if time.monotonic() > end:
                raise TimeoutError(f"{answered} after {timeout_s} s")
        if self.init_error:
            raise RuntimeError(f"init error: {self.init_error.decode()}")
        return batch

    def close(self) -> None:
        """Hang up on everybody."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # which ends `accept`; `close` does not
        self._listener.close()
        for connection in self._connections:
            self._to_hand_out.put(None)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _invocation(self, event: bytes) -> Served:
        number = next(self._numbers)
        request_id = f"8476a536-e9f4-11e8-9739-{number:012x}"
        head = (
            "HTTP/1.1 200 OK\r\n"
            "Content-Type: application/json\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {int((time.time() + 900) * 1000)}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {ARN}\r\n"
            "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0\r\n"
            f"Lambda-Runtime-Invocation-Id: {number:032x}\r\n"
            f"Content-Length: {len(event)}\r\n\r\n"
        )
        return Served(request_id, head.encode() + event)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._connections.append(connection)
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        reader = Reader(connection)
        polls = iter((True,))  # the first of a connection counts
        with contextlib.suppress(OSError, EOFError):
            readable = select.poll()
            readable.register(connection, select.POLLIN)
            while True:
                head = read_head(reader)
                if head.path.startswith(EXTENSION):
                    take_extension(connection, reader, head)
                elif head.method == b"GET":
                    if next(polls, False):
                        self.polls.append(time.monotonic())
                    self._hand_out(connection)
                else:
                    if head.expects:
                        connection.sendall(CONTINUE)
                    self._take(head, reader)
                    connection.sendall(ACCEPTED)
                if self._spins and not reader.unread:
                    wait_awake(readable)

    def _hand_out(self, connection: socket.socket) -> None:
        """Wait for an event and send it. Raises EOFError where none will come."""
        if (served := self._to_hand_out.get()) is None:
            raise EOFError
        served.handed_out = time.monotonic()
        connection.sendall(served.message)

    def _take(self, head: Head, reader: Reader) -> None:
        request_id, _, outcome = head.path.removeprefix(PREFIX).partition("/")
        if (served := self._batch.get(request_id)) is None:
            self.init_error = reader.exactly(head.length)
            self.polls.append(0.0)
            self._all_answered.set()  # nobody will answer
            return
        if head.chunked:
            self._take_stream(served, reader)
        else:
            body = reader.exactly(head.length)
            served.answered = time.monotonic()
            served.size = len(body)
            if self._keep_bodies:
                served.body = body
        served.outcome = outcome
        if next(self._answers) == self._last:
            self._all_answered.set()

    def _take_stream(self, served: Served, reader: Reader) -> None:
        served.streamed = True
        for piece in chunks(reader):
            served.size += len(piece)
            if self._keep_bodies:
                served.pieces.append((time.monotonic(), piece))
        served.answered = time.monotonic()
        while line := reader.until(b"\r\n"):
            served.trailers += line
        served.body = b"".join(piece for _, piece in served.pieces)


def take_extension(connection: socket.socket, reader: Reader, head: Head) -> None:
    """Register an extension. Where it asks for events, wait for its end: there are none."""
    if head.method == b"GET":
        while True:
            reader.exactly(1)
    reader.exactly(head.length)
    connection.sendall(REGISTERED)


def wait_awake(readable: select.poll) -> None:
    """Wait for the next request without sleeping, for a moment."""
    end = time.monotonic() + SPIN_S
    while not readable.poll(0) and time.monotonic() < end:
        pass


def read_head(reader: Reader) -> Head:
    """Read request line and headers."""
    start, *lines = reader.until(b"\r\n\r\n").split(b"\r\n")
    method, path, _ = start.split(b" ", 2)
    head = Head(method, path.decode())
    for line in lines:
        name, _, value = line.lower().partition(b":")
        if name == b"content-length":
            head.length = int(value)
        elif name == b"transfer-encoding":
            head.chunked = b"chunked" in value
        elif name == b"expect":
            head.expects = True
    return head


def chunks(reader: Reader) -> Iterator[bytes]:
    """Yield the chunks of a body, without its trailers."""
    while size := int(reader.until(b"\r\n").split(b";")[0], 16):
        yield reader.exactly(size)
        reader.exactly(2)
