"""A function that answers what a test says, when it says so, and the fronts before it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from adapter.http.prelude import CONTENT_TYPE
from adapter.local.invocation import Answer, Invocation, ThrottledError, collected, failure
from adapter.local.listener import Listener, bind, url_of
from tests.local.world import function_plan


class Scripted:
    """Answers every invocation alike: whole by `answer`, or else piece by piece.

    A test puts pieces into the stream with `send` and ends it with `end` or `fail`. `taken` counts
    the pieces that were read. `cancelled` is set when an invocation was left before its end.
    """

    def __init__(self, answer: Answer | None = None, content_type: str = CONTENT_TYPE) -> None:
        self.plan = function_plan()
        self.throttled = False
        self.answer = answer
        self.content_type = content_type
        self.opened = asyncio.Event()
        self.opened.set()
        self.entered = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.finished = asyncio.Event()
        self.taken = 0
        self.events: list[dict[str, Any]] = []
        self._pieces: asyncio.Queue[bytes | Answer] = asyncio.Queue()

    def send(self, *pieces: bytes) -> None:
        """Put pieces into the stream."""
        for piece in pieces:
            self._pieces.put_nowait(piece)

    def end(self, **facts: Any) -> None:
        """Complete the stream."""
        self._pieces.put_nowait(Answer(payload=b"", **facts))

    def fail(self, error_type: str = "Function.Broken") -> None:
        """Break the stream off."""
        self._pieces.put_nowait(failure(error_type, "on purpose"))

    @contextlib.asynccontextmanager
    async def open(self, invocation: Invocation) -> AsyncIterator["ScriptedReply"]:
        """See `Invocable`."""
        if self.throttled:
            raise ThrottledError
        self.events.append(json.loads(invocation.payload))
        self.entered.set()
        reply = ScriptedReply(self, self.answer)
        try:
            await self.opened.wait()
            yield reply
        finally:
            (self.finished if reply.done else self.cancelled).set()

    async def invoke(self, invocation: Invocation) -> Answer:
        """See `Invocable`."""
        async with self.open(invocation) as reply:
            return await collected(reply)

    async def invoke_when_free(self, invocation: Invocation) -> Answer:
        """See `ServedFunction`."""
        return await self.invoke(invocation)

    async def next_piece(self) -> bytes | Answer:
        """Wait for what comes next."""
        piece = await self._pieces.get()
        self.taken += 1
        return piece


class ScriptedReply:
    """See `Reply`."""

    def __init__(self, function: Scripted, answer: Answer | None) -> None:
        self.streamed = answer is None
        self.content_type = function.content_type if self.streamed else ""
        self._function = function
        self._answer = answer

    @property
    def done(self) -> bool:
        """Whether it was read to its end."""
        return self._answer is not None

    @property
    def answer(self) -> Answer:
        """See `Reply`."""
        if self._answer is None:
            raise RuntimeError("the stream has not ended")
        return self._answer

    async def pieces(self) -> AsyncIterator[bytes]:
        """See `Reply`."""
        while self._answer is None:
            piece = await self._function.next_piece()
            if isinstance(piece, Answer):
                self._answer = piece
            else:
                yield piece


@contextlib.asynccontextmanager
async def listening(application: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on a free port."""
    bound = bind("127.0.0.1", 0, "--port")
    listener = Listener({bound: application})
    listener.start()
    try:
        yield url_of(bound)
    finally:
        await listener.stop()


class Client:
    """A client that sends and reads plain bytes, and so sees what a client library would hide."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, url: str) -> AsyncIterator["Client"]:
        """Connect, and hang up in the end."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def ask(
        self,
        path: str = "/",
        *headers: str,
        method: str = "GET",
        version: str = "1.1",
    ) -> None:
        """Send a request without a body."""
        lines = (f"{method} {path} HTTP/{version}", "Host: localhost", *headers, "", "")
        self.writer.write("\r\n".join(lines).encode())

    def hang_up(self) -> None:
        """Go at once."""
        self.writer.transport.abort()

    async def head(self) -> "Head":
        """Read status and headers."""
        return Head((await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1"))

    async def chunk(self) -> bytes:
        """Read one chunk of a chunked body; b"" is its end."""
        size = int((await self.reader.readuntil(b"\r\n")).strip(), 16)
        data = await self.reader.readexactly(size + 2)
        return data[:-2]

    async def rest(self) -> bytes:
        """Read until the server closes."""
        return await self.reader.read()


class Head:
    """Status and headers of a response, names in lower case."""

    def __init__(self, text: str) -> None:
        first, *lines = text.rstrip("\r\n").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.pairs = [(name.lower(), value) for name, _, value in map(_split, lines)]

    def __getitem__(self, name: str) -> str:
        return dict(self.pairs)[name]

    def __contains__(self, name: str) -> bool:
        return name in dict(self.pairs)

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(": ")


def prelude(text: str = "{}", body: bytes = b"") -> bytes:
    """Begin a response in Lambda's streaming format."""
    return text.encode() + bytes(8) + body
