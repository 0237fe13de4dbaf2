"""The server half of Lambda's Runtime API: what a function's process asks for its work.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, one listening port for each
environment, because the protocol itself does not say which environment is asking.
"""

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from adapter import http1
from adapter.local.exchange import Exchange
from adapter.local.invocation import MAX_PAYLOAD, failure

_VERSION = "/2018-06-01/runtime/"
_HOST = "127.0.0.1"
_PIECE = 64 * 1024
_REMEMBERED = 100  # ids of past invocations, to tell a late post from a wrong one


class Observer(Protocol):
    """What an environment wants to know of its Runtime API."""

    def polled(self) -> None:
        """The runtime asks for an invocation; the first time, its init is over."""

    def waiting(self) -> None:
        """There is none: the runtime will wait for one."""

    def begin(self, exchange: Exchange) -> int:
        """The runtime is about to get an invocation; return its deadline, Unix ms."""
        ...

    def init_failed(self, payload: bytes) -> None:
        """The runtime gave up; `payload` is its error object."""


class _Past(Enum):
    """What became of an invocation that is over."""

    ANSWERED = "answered"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class _Poll:
    """A runtime's request for the next invocation, waiting."""

    reader: asyncio.StreamReader
    found: asyncio.Future[Exchange]

    @property
    def alive(self) -> bool:
        return not self.reader.at_eof() and not self.found.done()


class RuntimeApi:
    """Serves one environment; any number of its requests for work may wait at once."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._queued: deque[Exchange] = deque()
        self._polls: deque[_Poll] = deque()
        self._running: dict[str, Exchange] = {}
        self._past: OrderedDict[str, _Past] = OrderedDict()

    async def start(self) -> str:
        """Listen on a free port and return `host:port`, the value of AWS_LAMBDA_RUNTIME_API."""
        self._server = await asyncio.start_server(
            self._connected,
            _HOST,
            0,
            limit=http1.MAX_LINE,
        )
        return f"{_HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Hang up on the runtime. Nothing is answered any more."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._connections.values():
            writer.transport.abort()
        for poll in self._polls:
            poll.found.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def unanswered(self) -> list[Exchange]:
        """The invocations that the runtime has, and those it has not asked for yet."""
        return [*self._running.values(), *self._queued]

    @property
    def waiting(self) -> bool:
        """Whether the runtime waits for an invocation."""
        return any(poll.alive for poll in self._polls)

    @property
    def busy(self) -> bool:
        """Whether the runtime owes an answer."""
        return bool(self._running or self._queued)

    def deliver(self, exchange: Exchange) -> None:
        """Hand over an invocation, to a waiting request or else to the next one."""
        while self._polls:
            poll = self._polls.popleft()
            if poll.alive:
                poll.found.set_result(exchange)
                self._running[exchange.request_id] = exchange
                return
            poll.found.cancel()
        self._queued.append(exchange)

    def expire(self, exchange: Exchange) -> None:
        """Forget an invocation whose time is over; an answer to it comes too late."""
        if self._running.get(exchange.request_id) is exchange:
            self._end(exchange, _Past.EXPIRED)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: the one asyncio makes reports its cancellation as an error (3.11).
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(self._disconnected)

    def _disconnected(self, task: asyncio.Task[None]) -> None:
        writer = self._connections.pop(task)  # named, or it is gone before its transport is closed
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await http1.read_head(reader)) is not None:
                if head.headers.get("expect", "").lower() == "100-continue":
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                writer.write(await self._respond(head, reader))
                await writer.drain()
                if not head.keep_alive:
                    return
        except (OSError, asyncio.CancelledError):
            return  # the process has gone, or is being ended; its environment knows

    async def _respond(self, head: http1.Head, reader: asyncio.StreamReader) -> bytes:
        match (head.first, head.second.removeprefix(_VERSION).split("/")):
            case ("GET", ["invocation", "next"]):
                return await self._next(reader)
            case ("POST", ["invocation", request_id, "response" | "error" as what]):
                return await self._finish(request_id, what, head, reader)
            case ("POST", ["init", "error"]):
                self._observer.init_failed(await http1.read_body(reader, head.headers))
                return _accepted()
        await _read_bounded(reader, head.headers)
        return _error(404, "InvalidPath", f"{head.first} {head.second} is not part of the API")

    async def _next(self, reader: asyncio.StreamReader) -> bytes:
        self._observer.polled()
        if self._queued:
            exchange = self._queued.popleft()
            self._running[exchange.request_id] = exchange
        else:
            poll = _Poll(reader, asyncio.get_running_loop().create_future())
            self._polls.append(poll)
            self._observer.waiting()
            exchange = await poll.found
        deadline = self._observer.begin(exchange)
        return http1.response_bytes(
            200,
            _invocation_headers(exchange, deadline),
            exchange.invocation.payload,
        )

    async def _finish(
        self,
        request_id: str,
        what: str,
        head: http1.Head,
        reader: asyncio.StreamReader,
    ) -> bytes:
        exchange = self._running.get(request_id)
        claimed = head.headers.get("lambda-runtime-invocation-id")
        try:
            body = await _read_bounded(reader, head.headers)
        except http1.ProtocolError:
            if exchange is not None:
                exchange.fail("Runtime.TruncatedResponse", "Response payload was cut off")
                self._end(exchange, _Past.ANSWERED)
            raise
        if exchange is None or self._running.get(request_id) is not exchange:
            return self._refusal(request_id)
        if claimed not in (None, exchange.invocation_id):
            return _error(400, "InvalidInvocationId", f"{claimed} is not the invocation running")
        self._end(exchange, _Past.ANSWERED)
        return _settle(exchange, what, body)

    def _end(self, exchange: Exchange, past: _Past) -> None:
        del self._running[exchange.request_id]
        self._past[exchange.request_id] = past
        while len(self._past) > _REMEMBERED:
            self._past.popitem(last=False)

    def _refusal(self, request_id: str) -> bytes:
        match self._past.get(request_id):
            case _Past.EXPIRED:
                return _error(410, "ErrorRuntimeInvokeTimeout", f"{request_id} has timed out")
            case _Past.ANSWERED:
                return _error(403, "InvalidStateTransition", f"{request_id} is answered already")
        return _error(400, "InvalidRequestID", f"{request_id} was not given to this runtime")


def _settle(exchange: Exchange, what: str, body: bytes | None) -> bytes:
    if body is None:
        message = (
            f"Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD} bytes)"
        )
        exchange.report(failure("Function.ResponseSizeTooLarge", f"{message}.").payload)
        return _error(413, "RequestEntityTooLarge", message)
    if what == "error":
        exchange.report(body)
    else:
        exchange.respond(body)
    return _accepted()


async def _read_bounded(
    reader: asyncio.StreamReader,
    headers: dict[str, str],
) -> bytes | None:
    """Read a body; None where it is above the limit, with the rest of it read and dropped."""
    kept: list[bytes] = []
    size = 0
    async for chunk in _pieces(reader, headers):
        size += len(chunk)
        if size <= MAX_PAYLOAD:
            kept.append(chunk)
        else:
            kept.clear()
    return b"".join(kept) if size <= MAX_PAYLOAD else None


async def _pieces(
    reader: asyncio.StreamReader,
    headers: dict[str, str],
) -> AsyncIterator[bytes]:
    if "content-length" not in headers:
        async for chunk in http1.body_chunks(reader, headers):
            yield chunk
        return
    left = int(headers["content-length"])
    while left:
        piece = await reader.read(min(left, _PIECE))
        if not piece:
            raise http1.ProtocolError("connection closed inside a body")
        left -= len(piece)
        yield piece


def _invocation_headers(exchange: Exchange, deadline_ms: int) -> dict[str, str]:
    invocation = exchange.invocation
    headers = {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
        "Lambda-Runtime-Invocation-Id": exchange.invocation_id,
        "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
        "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
        "Lambda-Runtime-Trace-Id": invocation.trace_id,
    }
    if invocation.client_context:
        headers["Lambda-Runtime-Client-Context"] = invocation.client_context
    return headers


def _accepted() -> bytes:
    return http1.response_bytes(202, {"content-type": "application/json"}, b'{"status":"OK"}')


def _error(status: int, error_type: str, message: str) -> bytes:
    body = json.dumps({"errorType": error_type, "errorMessage": message}).encode()
    return http1.response_bytes(status, {"content-type": "application/json"}, body)
