"""The server half of Lambda's Runtime API: what a function's process asks for its work.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, one listening port for each
environment, because the protocol itself does not say which environment is asking.
"""

import asyncio
import contextlib
import json
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from adapter import http1
from adapter.local.exchange import Exchange
from adapter.local.invocation import error_message_of, too_large
from adapter.local.posted import Posted, drop, pass_on, read_whole

_VERSION = "/2018-06-01/runtime/"
_HOST = "127.0.0.1"
_REMEMBERED = 100  # ids of past invocations, to tell a late post from a wrong one
# After the end of a connection that an answer was wanted from: for the news that the process has
# ended, or for the answer over another one.
_LAST_WORDS_S = 2.0
_INVOCATION_ID = "lambda-runtime-invocation-id"
_RESPONSE_MODE = "lambda-runtime-function-response-mode"
# Ours, where AWS has nothing: a runtime that asks for it with its request for an invocation learns
# by the end of that very connection that nobody waits for the answer any more.
_HANG_UP = ("adapter-hang-up", "cancel")
_INIT = "adapter-init"  # ours too: how long the parts of the init took, on the first request


class Observer(Protocol):
    """What an environment wants to know of its Runtime API."""

    def polled(self, init: Mapping[str, float]) -> None:
        """The runtime asks for an invocation; the first time, its init is over.

        `init` says how many milliseconds the parts of the init took, where the runtime tells.
        """

    def waiting(self) -> None:
        """There is none: the runtime will wait for one."""

    def begin(self, exchange: Exchange) -> int:
        """The runtime is about to get an invocation; return its deadline, Unix ms."""
        ...

    def lost(self, exchange: Exchange) -> None:
        """A connection has ended that an answer was wanted from, or was coming over."""

    def init_failed(self, payload: bytes) -> None:
        """The runtime gave up; `payload` is its error object."""


class _Past(Enum):
    """What became of an invocation that is over."""

    ANSWERED = "answered"
    EXPIRED = "expired"


@dataclass(slots=True)
class _Connection:
    """A connection of the runtime; `carried` is the invocation that its end would cancel."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    carried: Exchange | None = None


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
        self._lost: dict[Exchange, tuple[str, str]] = {}
        self._past: OrderedDict[str, _Past] = OrderedDict()
        self._closed = False

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
        self._closed = True
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
    def running(self) -> int:
        """How many invocations the runtime has."""
        return len(self._running)

    @property
    def queued(self) -> int:
        """How many invocations it has not asked for yet."""
        return len(self._queued)

    @property
    def waiting(self) -> int:
        """How many invocations the runtime waits for."""
        return sum(poll.alive for poll in self._polls)

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
        if self._has(exchange):
            self._end(exchange, _Past.EXPIRED)

    def cancel(self, exchange: Exchange) -> None:
        """Take back an invocation that nobody waits for any more.

        A runtime that cannot be told is let run to its answer, which is accepted: AWS's client ends
        the process where it is refused.
        """
        if exchange in self._queued:
            self._queued.remove(exchange)
        elif self._has(exchange) and exchange.hang_up is not None:
            self._end(exchange, _Past.EXPIRED)
            exchange.hang_up()

    def give_up(self) -> None:
        """Wait no longer for answers whose connection was lost: they will not come any more."""
        for exchange in list(self._lost):
            self._give_up(exchange)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: the one asyncio makes reports its cancellation as an error (3.11).
        task = asyncio.get_running_loop().create_task(self._serve(_Connection(reader, writer)))
        self._connections[task] = writer
        task.add_done_callback(self._disconnected)

    def _disconnected(self, task: asyncio.Task[None]) -> None:
        writer = self._connections.pop(task)  # named, or it is gone before its transport is closed
        writer.transport.abort()

    async def _serve(self, connection: _Connection) -> None:
        try:
            await self._answer_requests(connection)
        except (OSError, asyncio.CancelledError):
            pass  # the process has gone, or is being ended; its environment knows
        finally:
            if (lost := connection.carried) is not None:
                await self._cut_off(lost, "Runtime.ConnectionLost", "The runtime has hung up")

    async def _answer_requests(self, connection: _Connection) -> None:
        writer = connection.writer
        while (head := await http1.read_head(connection.reader)) is not None:
            if head.headers.get("expect", "").lower() == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            writer.write(await self._respond(head, connection))
            await writer.drain()
            # After a stream a runtime closes, and what follows too long a one is not read.
            if not head.keep_alive or _RESPONSE_MODE in head.headers:
                return

    async def _respond(self, head: http1.Head, connection: _Connection) -> bytes:
        reader = connection.reader
        match (head.first, head.second.removeprefix(_VERSION).split("/")):
            case ("GET", ["invocation", "next"]):
                return await self._next(head.headers, connection)
            case ("POST", ["invocation", request_id, "response" | "error" as what]):
                return await self._post(request_id, what, head.headers, reader)
            case ("POST", ["init", "error"]):
                self._observer.init_failed(await http1.read_body(reader, head.headers))
                return _accepted()
        await drop(reader, head.headers)
        return _error(404, "InvalidPath", f"{head.first} {head.second} is not part of the API")

    async def _next(self, asked: Mapping[str, str], connection: _Connection) -> bytes:
        self._observer.polled(_init_parts(asked.get(_INIT, "")))
        exchange = await self._take(connection.reader)
        headers = _invocation_headers(exchange, self._observer.begin(exchange))
        name, value = _HANG_UP
        connection.carried = None
        if asked.get(name) == value:
            connection.carried = exchange
            exchange.hang_up = connection.writer.transport.abort
            headers[name] = value
        return http1.response_bytes(200, headers, exchange.invocation.payload)

    async def _take(self, reader: asyncio.StreamReader) -> Exchange:
        while True:
            if self._queued:
                exchange = self._queued.popleft()
                self._running[exchange.request_id] = exchange
                return exchange
            poll = _Poll(reader, asyncio.get_running_loop().create_future())
            self._polls.append(poll)
            self._observer.waiting()
            exchange = await poll.found
            if not exchange.ended:
                return exchange
            self.expire(exchange)  # cancelled before the runtime got it

    async def _post(
        self,
        request_id: str,
        what: str,
        headers: Mapping[str, str],
        reader: asyncio.StreamReader,
    ) -> bytes:
        exchange = self._running.get(request_id)
        mode = headers.get(_RESPONSE_MODE, "") if what == "response" else ""
        refusal = self._refusal(request_id, exchange, headers.get(_INVOCATION_ID), mode)
        if exchange is None or refusal is not None:
            await drop(reader, headers)
            return refusal or self._stale(request_id)
        try:
            if mode:
                exchange.stream(headers.get("content-type", ""))
                posted = await pass_on(reader, headers, exchange.write)
            else:
                posted = await read_whole(reader, headers, failed=what == "error")
        except OSError:
            truncated = "Runtime.TruncatedResponse", "Response payload was cut off"
            await self._cut_off(exchange, *truncated)
            raise
        if not self._has(exchange):  # it ended meanwhile
            return self._stale(request_id)
        self._end(exchange, _Past.ANSWERED)
        return _settle(exchange, posted)

    def _refusal(
        self,
        request_id: str,
        exchange: Exchange | None,
        claimed: str | None,
        mode: str,
    ) -> bytes | None:
        if exchange is None:
            return self._stale(request_id)
        if claimed not in (None, exchange.invocation_id):
            return _error(400, "InvalidInvocationId", f"{claimed} is not the invocation running")
        if mode not in ("", "streaming"):
            message = f"the response mode must be streaming, not {mode!r:.50}"
            return _error(400, "Runtime.InvalidResponseModeHeader", message)
        if exchange.streamed:
            return _error(403, "InvalidStateTransition", f"{request_id} is being answered already")
        return None

    async def _cut_off(self, exchange: Exchange, error_type: str, message: str) -> None:
        """Fail an invocation whose answer does not come.

        By what ended the process, if that is why, or else by the cut itself. A runtime that has
        lost its connection may answer over another one meanwhile.
        """
        if self._closed or not self._has(exchange) or exchange in self._lost:
            return
        self._lost[exchange] = (error_type, message)
        self._observer.lost(exchange)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(exchange.finished(), _LAST_WORDS_S)
        self._give_up(exchange)

    def _give_up(self, exchange: Exchange) -> None:
        error = self._lost.pop(exchange, None)
        if error is None or not self._has(exchange):
            return
        self._end(exchange, _Past.EXPIRED)
        exchange.fail(*error)
        if self.waiting:
            self._observer.waiting()

    def _has(self, exchange: Exchange) -> bool:
        return self._running.get(exchange.request_id) is exchange

    def _end(self, exchange: Exchange, past: _Past) -> None:
        del self._running[exchange.request_id]
        self._past[exchange.request_id] = past
        while len(self._past) > _REMEMBERED:
            self._past.popitem(last=False)

    def _stale(self, request_id: str) -> bytes:
        match self._past.get(request_id):
            case _Past.EXPIRED:
                return _error(410, "ErrorRuntimeInvokeTimeout", f"{request_id} has timed out")
            case _Past.ANSWERED:
                return _error(403, "InvalidStateTransition", f"{request_id} is answered already")
        return _error(400, "InvalidRequestID", f"{request_id} was not given to this runtime")


def _settle(exchange: Exchange, posted: Posted) -> bytes:
    if posted.above is not None:
        error = too_large(posted.above)
        exchange.report(error.payload)
        return _error(413, "RequestEntityTooLarge", error_message_of(error.payload))
    if posted.failed:
        exchange.report(posted.payload)
    else:
        exchange.respond(posted.payload)
    return _accepted()


def _init_parts(text: str) -> dict[str, float]:
    """Read `imports=151.2;lifespan=12.4`; what is no number of milliseconds is left out."""
    parts: dict[str, float] = {}
    for part in text.split(";"):
        name, _, duration = part.strip().partition("=")
        if name and duration.replace(".", "", 1).isdecimal():
            parts[name] = float(duration)
    return parts


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
