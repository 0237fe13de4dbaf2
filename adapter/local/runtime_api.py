"""The server half of Lambda's Runtime API: what a function's process asks for its work.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, one listening port for each
environment, because the protocol itself does not say which environment is asking.
"""

import asyncio
import contextlib
import json
from collections import OrderedDict, deque
from collections.abc import Mapping
from enum import Enum
from typing import Protocol

from adapter import http1
from adapter.local.exchange import Exchange
from adapter.local.invocation import error_message_of, too_large
from adapter.local.posted import Posted, drop, pass_on, read_whole
from adapter.local.runtime_connection import RuntimeConnection

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
_ACCEPTED = http1.response_bytes(202, {"content-type": "application/json"}, b'{"status":"OK"}')
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


class _Connection(RuntimeConnection):
    """A connection of the runtime, which may wait on it for an invocation.

    `given` is what it has waited for, `carried` the invocation that the connection's end would
    cancel.
    """

    given: Exchange | None = None
    carried: Exchange | None = None


class RuntimeApi:
    """Serves one environment; any number of its requests for work may wait at once."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._queued: deque[Exchange] = deque()
        self._polls: deque[_Connection] = deque()
        self._running: dict[str, Exchange] = {}
        self._lost: dict[Exchange, tuple[str, str]] = {}
        self._past: OrderedDict[str, _Past] = OrderedDict()
        self._closed = False

    async def start(self) -> str:
        """Listen on a free port and return `host:port`, the value of AWS_LAMBDA_RUNTIME_API."""
        self._server = await asyncio.get_running_loop().create_server(self._connected, _HOST, 0)
        return f"{_HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Hang up on the runtime. Nothing is answered any more."""
        self._closed = True
        if self._server is None:
            return
        self._server.close()
        for connection in self._connections:
            connection.close()
        await asyncio.gather(*(connection.closed for connection in self._connections))
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
        return len(self._polls)

    @property
    def busy(self) -> bool:
        """Whether the runtime owes an answer."""
        return bool(self._running or self._queued)

    def deliver(self, exchange: Exchange) -> None:
        """Hand over an invocation, to a waiting request or else to the next one."""
        if not self._polls:
            self._queued.append(exchange)
            return
        connection = self._polls.popleft()
        connection.given = exchange
        connection.go_on()

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

    def _connected(self) -> _Connection:
        connection = _Connection(self._serve)
        self._connections.add(connection)
        connection.closed.add_done_callback(lambda _: self._connections.discard(connection))
        return connection

    async def _serve(self, connection: _Connection) -> None:
        with contextlib.suppress(OSError):  # the process has gone; its environment knows
            await self._answer_requests(connection)
        if (lost := connection.carried) is not None:
            self._cut_off(lost, "Runtime.ConnectionLost", "The runtime has hung up")

    async def _answer_requests(self, connection: _Connection) -> None:
        while (head := await connection.head()) is not None:
            if head.headers.get("expect", "").lower() == "100-continue":
                await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            await connection.send(await self._respond(head, connection))
            # After a stream a runtime closes, and what follows too long a one is not read.
            if not head.keep_alive or _RESPONSE_MODE in head.headers:
                return

    async def _respond(self, head: http1.Head, connection: _Connection) -> bytes:
        match (head.first, head.second.removeprefix(_VERSION).split("/")):
            case ("GET", ["invocation", "next"]):
                return await self._next(head.headers, connection)
            case ("POST", ["invocation", request_id, "response" | "error" as what]):
                return await self._post(request_id, what, head.headers, connection)
            case ("POST", ["init", "error"]):
                body = connection.pieces(head.headers)
                self._observer.init_failed(b"".join([piece async for piece in body]))
                return _ACCEPTED
        await drop(connection.pieces(head.headers))
        return _error(404, "InvalidPath", f"{head.first} {head.second} is not part of the API")

    async def _next(self, asked: Mapping[str, str], connection: _Connection) -> bytes:
        self._observer.polled(_init_parts(asked.get(_INIT, "")))
        exchange = await self._take(connection)
        self._running[exchange.request_id] = exchange
        headers = _invocation_headers(exchange, self._observer.begin(exchange))
        name, value = _HANG_UP
        connection.carried = None
        if asked.get(name) == value:
            connection.carried = exchange
            exchange.hang_up = connection.close
            headers[name] = value
        return http1.response_bytes(200, headers, exchange.invocation.payload)

    async def _take(self, connection: _Connection) -> Exchange:
        if self._queued:
            return self._queued.popleft()
        self._polls.append(connection)
        self._observer.waiting()
        while (exchange := connection.given) is None:
            if connection.ended:
                self._polls.remove(connection)
                raise http1.ProtocolError("connection closed while it waited for an invocation")
            await connection.event()
        connection.given = None
        return exchange

    async def _post(
        self,
        request_id: str,
        what: str,
        headers: Mapping[str, str],
        connection: _Connection,
    ) -> bytes:
        exchange = self._running.get(request_id)
        mode = headers.get(_RESPONSE_MODE, "") if what == "response" else ""
        refusal = self._refusal(request_id, exchange, headers.get(_INVOCATION_ID), mode)
        if exchange is None or refusal is not None:
            await drop(connection.pieces(headers))
            return refusal or self._stale(request_id)
        try:
            if mode:
                posted = await _streamed(exchange, headers, connection)
            else:
                posted = await read_whole(connection.pieces(headers), failed=what == "error")
        except OSError:
            truncated = "Runtime.TruncatedResponse", "Response payload was cut off"
            self._cut_off(exchange, *truncated)
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

    def _cut_off(self, exchange: Exchange, error_type: str, message: str) -> None:
        """Fail an invocation whose answer does not come.

        By what ended the process, if that is why, or else by the cut itself. A runtime that has
        lost its connection may answer over another one meanwhile.
        """
        if self._closed or not self._has(exchange) or exchange in self._lost:
            return
        self._lost[exchange] = (error_type, message)
        self._observer.lost(exchange)
        loop = asyncio.get_running_loop()
        waiting = loop.call_later(_LAST_WORDS_S, self._give_up, exchange)
        exchange.on_end(waiting.cancel)
        exchange.on_end(lambda: self._give_up(exchange))

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


async def _streamed(
    exchange: Exchange,
    headers: Mapping[str, str],
    connection: _Connection,
) -> Posted:
    async def write(piece: bytes) -> None:
        exchange.give(piece)
        while not exchange.taken:
            await connection.event()

    trailers: dict[str, str] = {}
    exchange.on_taken = connection.go_on
    exchange.stream(headers.get("content-type", ""))
    return await pass_on(connection.pieces(headers, trailers), trailers, write)


def _settle(exchange: Exchange, posted: Posted) -> bytes:
    if posted.above is not None:
        error = too_large(posted.above)
        exchange.report(error.payload)
        return _error(413, "RequestEntityTooLarge", error_message_of(error.payload))
    if posted.failed:
        exchange.report(posted.payload)
    else:
        exchange.respond(posted.payload)
    return _ACCEPTED


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


def _error(status: int, error_type: str, message: str) -> bytes:
    body = json.dumps({"errorType": error_type, "errorMessage": message}).encode()
    return http1.response_bytes(status, {"content-type": "application/json"}, body)
