"""A Runtime API that does what a test tells it to, and keeps every byte that it was sent."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from adapter import http1
from adapter.loop_thread import LoopThread
from adapter.runtime.client import RuntimeApi, RuntimeApiLost
from adapter.runtime.context import FunctionSettings
from adapter.runtime.loop import Handler, serve
from tests.http1_streams import read_head

PATIENCE_S = 20.0
KEPT = 1024 * 1024  # bytes of a body; of a longer one only the end


@dataclass
class Post:
    """A request of the runtime other than its polls, as far as it has come."""

    head: http1.Head
    writer: asyncio.StreamWriter = field(repr=False)
    received: bytes = b""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def what(self) -> str:
        """The last part of the path: "response" or "error"."""
        return self.head.second.rpartition("/")[2]

    async def until(self, text: bytes) -> None:
        """Wait until the body holds `text`."""
        async with asyncio.timeout(PATIENCE_S), self.arrived:
            await self.arrived.wait_for(lambda: text in self.received)


@dataclass
class Poll:
    """A request for an invocation, held until the test answers it."""

    head: http1.Head
    writer: asyncio.StreamWriter

    def give(self, event: Any, request_id: str = "id-1", **headers: str) -> None:
        """Hand out an invocation; bytes are sent as they are."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        self.say(200, {"lambda-runtime-aws-request-id": request_id, **said}, body)

    def say(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """Answer with anything."""
        self.writer.write(http1.response_bytes(status, headers or {}, body))

    def hang_up(self) -> None:
        """Cut the connection."""
        self.writer.transport.abort()


class ScriptedRuntimeApi:
    """Serves any number of connections; `post_status` answers posts, `reading` gates bodies."""

    def __init__(self) -> None:
        self.polls: asyncio.Queue[Poll] = asyncio.Queue()
        self.posts: asyncio.Queue[Post] = asyncio.Queue()
        self.post_status: Callable[[Post], int] = lambda _post: 202
        self.reading = asyncio.Event()
        self.reading.set()
        self.connections = 0
        self.address = ""
        self.server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def poll(self) -> Poll:
        """Wait for the next poll."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.polls.get()

    async def post(self, *, whole: bool = True) -> Post:
        """Wait for the next post; `whole` waits for its end too."""
        async with asyncio.timeout(PATIENCE_S):
            post = await self.posts.get()
            if whole:
                await post.ended.wait()
            return post

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(lambda _task: writer.transport.abort())

    def stop_listening(self) -> None:
        """Be gone for new connections, and cut those that wait."""
        if self.server is not None:
            self.server.close()
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Cut every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while (head := await read_head(reader)) is not None:
                if head.first == "GET":
                    self.polls.put_nowait(Poll(head, writer))
                else:
                    await self._receive(Post(head, writer), reader)

    async def _receive(self, post: Post, reader: asyncio.StreamReader) -> None:
        self.posts.put_nowait(post)
        chunked = "transfer-encoding" in post.head.headers
        length = int(post.head.headers.get("content-length", 0))
        while not _is_whole(post.received) if chunked else len(post.received) < length:
            await self.reading.wait()
            piece = await reader.read(65_536)
            if not piece:
                return
            async with post.arrived:
                post.received = (post.received + piece)[-KEPT:]
                post.arrived.notify_all()
        post.ended.set()
        if status := self.post_status(post):
            post.writer.write(http1.response_bytes(status, {}, b"{}"))
        else:
            post.writer.transport.abort()


def _is_whole(body: bytes) -> bool:
    """Whether a chunked body has ended; no test sends one that holds this."""
    last = body.rfind(b"0\r\n")
    return body.startswith(b"0\r\n") or (
        last >= 2 and body[last - 2 : last] == b"\r\n" and body.endswith(b"\r\n\r\n")
    )


@contextlib.asynccontextmanager
async def scripted() -> AsyncIterator[ScriptedRuntimeApi]:
    """Listen."""
    api = ScriptedRuntimeApi()
    server = await asyncio.start_server(api.connected, "127.0.0.1", 0, limit=http1.MAX_LINE)
    api.server = server
    api.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield api
    finally:
        server.close()
        await api.close()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def serving(
    handler: Handler,
    concurrency: int = 1,
) -> AsyncIterator[tuple[ScriptedRuntimeApi, asyncio.Task[None]]]:
    """Run the loop against a scripted Runtime API."""
    async with scripted() as api:
        settings = FunctionSettings(name="Probe", max_concurrency=concurrency)
        apis = [RuntimeApi(api.address) for _ in range(concurrency)]
        loop = asyncio.create_task(serve(apis, handler, settings))
        try:
            yield api, loop
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving_in_a_thread(handler: Handler) -> AsyncIterator[ScriptedRuntimeApi]:
    """Run the loop that waits without giving its event loop a turn, as in a process of its own."""
    async with scripted() as api:
        thread = LoopThread("runtime")
        settings = FunctionSettings(name="Probe")
        work = thread.submit(serve([RuntimeApi(api.address, blocking=True)], handler, settings))
        try:
            yield api
        finally:
            api.stop_listening()
            with contextlib.suppress(RuntimeApiLost):
                await asyncio.wrap_future(work)
            await asyncio.to_thread(thread.stop)
