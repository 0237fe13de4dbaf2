"""A small Lambda API over a real socket that does what a test tells it to, good or bad."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapter import http1
from adapter.loop_thread import LoopThread
from tests.http1_streams import read_body, read_head


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """Bytes to send, and whether to hang up then."""

    data: bytes = b""
    hang_up: bool = False


def result(value: Any, *, hang_up: bool = False, **headers: str) -> Reply:
    """Answer with a value; `hang_up` closes without having said so."""
    return Reply(http1.response_bytes(200, headers, json.dumps(value).encode()), hang_up)


def function_error(body: bytes) -> Reply:
    """Answer with a function error."""
    return Reply(http1.response_bytes(200, {"X-Amz-Function-Error": "Unhandled"}, body))


def refusal(status: int, kind: str, body: bytes) -> Reply:
    """Refuse the request as Lambda does."""
    headers = {"x-amzn-ErrorType": kind} if kind else {}
    return Reply(http1.response_bytes(status, headers, body))


CUT = Reply(hang_up=True)


class Feed:
    """A response that a test sends piece by piece; `left` is set when the caller hangs up first."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.left = threading.Event()
        self._loop = loop
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()

    def send(self, *pieces: bytes) -> None:
        """Send pieces, each a chunk of its own."""
        for piece in pieces:
            self._put(b"%x\r\n%s\r\n" % (len(piece), piece))

    def end(self) -> None:
        """Send the end; the connection stays open."""
        self._put(_END)

    def cut(self) -> None:
        """Hang up."""
        self._put(None)

    def _put(self, data: bytes | None) -> None:
        self._loop.call_soon_threadsafe(self._pieces.put_nowait, data)

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Send what is fed; returns whether to go on with this connection."""
        leaving = asyncio.ensure_future(reader.read(1))  # nothing comes before the end
        sending = asyncio.ensure_future(self._send(writer))
        await asyncio.wait({leaving, sending}, return_when=asyncio.FIRST_COMPLETED)
        if not sending.done() or isinstance(sending.exception(), ConnectionError):
            self.left.set()
        for task in (leaving, sending):
            task.cancel()
        await asyncio.gather(leaving, sending, return_exceptions=True)
        last = None if self.left.is_set() else sending.result()
        writer.write(last or b"")
        return last is not None

    async def _send(self, writer: asyncio.StreamWriter) -> bytes | None:
        """Send all but the last piece, which says that nothing follows."""
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while (piece := await self._pieces.get()) not in (None, _END):
            assert piece is not None
            writer.write(piece)
            await writer.drain()
        return piece


_END = b"0\r\n\r\n"


class LambdaServer:
    """Sends `script` in order to whoever asks; without one, the first argument of the call.

    `ran` has the arguments of the calls that ran so. At most `at_most` run at a time, for a moment
    each; others are throttled, and `on_refusal` is called.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.ran: list[Any] = []
        self.at_most: int | None = None
        self.on_refusal: Callable[[], Any] = lambda: None
        self._running = 0
        self.connections = 0
        self.script: deque[Reply | Feed] = deque()
        self.before_reply: Callable[[], Any] = lambda: None
        self.greeting = b""
        self.barrier: asyncio.Barrier | None = None
        self.hung_up = threading.Event()
        self._thread = LoopThread("lambda-server")
        self._server = self._thread.submit(asyncio.start_server(self._serve, "127.0.0.1")).result()

        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"

    def feed(self) -> Feed:
        """Answer the next request with what the test feeds."""
        feed = Feed(self._thread.loop)
        self.script.append(feed)
        return feed

    def stop(self) -> None:
        """Stop listening and hang up."""
        if not self._thread.loop.is_closed():
            self._thread.loop.call_soon_threadsafe(self._server.close)
            self._thread.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(self.greeting)
        try:
            while head := await read_head(reader):
                body = await read_body(reader, head.headers)
                received = Received(head.first, head.second, head.headers, body)
                self.requests.append(received)
                self.before_reply()
                if self.barrier:
                    await self.barrier.wait()
                if not await self._reply(received, reader, writer):
                    break
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()
        await writer.wait_closed()
        self.hung_up.set()

    async def _reply(
        self,
        received: Received,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        reply = self.script.popleft() if self.script else await self._run(received)
        if isinstance(reply, Feed):
            return await reply.run(reader, writer)
        writer.write(reply.data)
        return not reply.hang_up

    async def _run(self, received: Received) -> Reply:
        if self.at_most is not None and self._running >= self.at_most:
            self.on_refusal()
            return refusal(429, "TooManyRequestsException", b'{"Message": "Rate Exceeded."}')
        self._running += 1
        self.ran.append(received.event["args"])
        if self.at_most is not None:
            await asyncio.sleep(0.005)
        self._running -= 1
        if received.headers.get("x-amz-invocation-type") == "Event":
            return Reply(http1.response_bytes(202, {}))
        return result(received.event["args"][0])
