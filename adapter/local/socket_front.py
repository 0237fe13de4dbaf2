"""WebSockets as an API Gateway WebSocket API serves them: each message is an invocation.

An ASGI application for WebSocket connections. Any environment of the function may get a message, as
on AWS. Limits are API Gateway's:
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
"""

import asyncio
import contextlib
import json
import secrets
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.types import Receive, Scope, Send

from adapter.errors import ServeError
from adapter.local.http_api import HttpRoute
from adapter.local.invocation import Answer, Invocation, ThrottledError, function_arn
from adapter.local.log import InvocationRecord, Log
from adapter.local.socket_connections import Client, clients
from adapter.local.socket_event import (
    SocketRequest,
    connect_event,
    disconnect_event,
    message_event,
)
from adapter.sockets.connections import Gone
from adapter.sockets.session import MAX_MESSAGE

NOBODY = "-"  # stands for the function in the log where none was reached
NO_BINARY, TOO_LARGE, GOING_AWAY, NO_STATUS = 1003, 1009, 1001, 1005
# An event waits so long for the invocation of the one before it. API Gateway does not wait, and a
# function that has sent its answer but not ended would need another environment.
BEFORE_S = 0.2
_REASONS = {
    NO_BINARY: "Binary messages are not supported",
    TOO_LARGE: "Message too long",
    GOING_AWAY: "Going away",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """How long API Gateway waits, in seconds.

    `integration_s` for the function, `idle_s` for something to be sent either way, `longest_s` for
    the connection to end.
    """

    integration_s: float = 29.0
    idle_s: float = 600.0
    longest_s: float = 7200.0


class SocketFront:
    """Serves the WebSockets of applications.

    `root_path` is put in front of the path that functions see: a proxy in front has taken it away.
    """

    def __init__(
        self,
        log: Log,
        *,
        limits: SocketLimits | None = None,
        root_path: str = "",
    ) -> None:
        self.limits = limits or SocketLimits()
        self._log = log
        self._root_path = root_path
        self._running: set[asyncio.Task[Answer]] = set()

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        route: HttpRoute | None,
    ) -> None:
        """Serve one connection to its end; `route` is the application that its path is for."""
        await receive()  # websocket.connect
        if route is None:
            self.tell(NOBODY, f"WS {scope['path']} connect", "404", error="Not Found")
            await _refuse(scope, send, 404)
            return
        connection = _Connection(self, route, _request(scope, route, self._root_path))
        with connection.registered():
            if (status := await connection.connect(send)) == 200:
                await connection.relay(receive)
            else:
                await _refuse(scope, send, status)

    async def close(self) -> None:
        """Wait for invocations that nobody waits for; end their functions first."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def invoke(self, route: HttpRoute, event: Mapping[str, Any]) -> Answer:
        """Invoke the function with an event. One that takes too long for API Gateway runs on.

        Raises TimeoutError then, `ThrottledError`, and `ServeError` where there is no function.
        """
        invocation = Invocation(
            payload=json.dumps(event).encode(),
            function_arn=function_arn(route.name),
            request_id=event["requestContext"]["requestId"],
        )
        running = asyncio.get_running_loop().create_task(route.function.invoke(invocation))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        await asyncio.wait({running}, timeout=self.limits.integration_s)
        if not running.done():
            raise TimeoutError
        return await running

    def tell(
        self,
        function: str,
        label: str,
        status: str,
        *,
        answer: Answer | None = None,
        request_id: str = "",
        error: str = "",
    ) -> None:
        """Log one event of a connection."""
        self._log.invocation(
            InvocationRecord(
                function=function,
                label=label,
                status=status,
                request_id=request_id or str(uuid.uuid4()),
                duration_ms=answer.duration_ms if answer else 0.0,
                cold=bool(answer and answer.cold),
                error=error,
            ),
        )


class _Connection:
    """One client, and the events that come of it."""

    def __init__(self, front: SocketFront, route: HttpRoute, request: SocketRequest) -> None:
        self._front = front
        self._route = route
        self._request = request
        self._client = Client(request)
        self._last: asyncio.Task[None] | None = None
        self._events: set[asyncio.Task[None]] = set()

    @contextlib.contextmanager
    def registered(self) -> Any:
        """Let functions reach the client meanwhile."""
        clients[self._request.connection_id] = self._client
        try:
            yield
        finally:
            self._client.gone()
            del clients[self._request.connection_id]

    async def connect(self, send: Send) -> int:
        """Ask the function whether it takes the client; returns the status for the client."""
        event = connect_event(self._request, str(uuid.uuid4()), datetime.now(UTC))
        answer = await self._event("connect", event)
        status, headers = _result(answer)
        if status != 200:
            return status
        protocol = headers.get("sec-websocket-protocol")
        await send({"type": "websocket.accept", "subprotocol": protocol})
        self._client.open(send)
        return status

    async def relay(self, receive: Receive) -> None:
        """Make an event of each message, and of the end."""
        ended: Mapping[str, Any] = {}
        try:
            ended = await self._until_closed(receive)
        finally:
            self._client.gone()
        code = self._client.closed_with or ended.get("code") or NO_STATUS
        reason = ended.get("reason") or _REASONS.get(code, "")
        await self._before()
        event = disconnect_event(self._request, code, reason, str(uuid.uuid4()), datetime.now(UTC))
        await self._event("disconnect", event, shown=str(code))
        await asyncio.gather(*self._events)

    async def _until_closed(self, receive: Receive) -> Mapping[str, Any]:
        while True:
            try:
                async with asyncio.timeout_at(self._end()):
                    message = await receive()
            except TimeoutError:
                if asyncio.get_running_loop().time() < self._end():
                    continue  # the function has sent something meanwhile
                await self._close(GOING_AWAY)
                return {"code": GOING_AWAY}
            if message["type"] != "websocket.receive":
                return message
            if (code := _refusal(message)) is not None:
                await self._close(code)
                return {"code": code}
            self._client.touch()
            await self._before()
            self._last = asyncio.get_running_loop().create_task(self._message(message["text"]))
            self._events.add(self._last)
            self._last.add_done_callback(self._events.discard)

    def _end(self) -> float:
        limits = self._front.limits
        return min(self._client.active + limits.idle_s, self._client.began + limits.longest_s)

    async def _before(self) -> None:
        if self._last is not None:
            await asyncio.wait({self._last}, timeout=BEFORE_S)

    async def _close(self, code: int) -> None:
        with contextlib.suppress(Gone):
            await self._client.close(code, _REASONS[code])

    async def _message(self, text: str) -> None:
        """Invoke the function; where that fails the client is told, as API Gateway does."""
        request_id = str(uuid.uuid4())
        event = message_event(self._request, text, request_id, datetime.now(UTC))
        answer = await self._event("message", event)
        if answer.error_type is None:
            return
        timed_out = answer.error_type == "integration timeout"
        told = {
            "message": "Endpoint request timed out" if timed_out else "Internal server error",
            "connectionId": self._request.connection_id,
            "requestId": request_id,
        }
        with contextlib.suppress(Gone):
            await self._client.post(json.dumps(told))

    async def _event(self, kind: str, event: Mapping[str, Any], shown: str = "") -> Answer:
        try:
            answer = await self._front.invoke(self._route, event)
        except TimeoutError:
            answer = Answer(payload=b"", error_type="integration timeout")
        except ThrottledError:
            answer = Answer(payload=b"", error_type="TooManyRequestsException")
        except ServeError:  # `serve.delete`, while there are clients
            answer = Answer(payload=b"", error_type="ResourceNotFoundException")
        status, _ = _result(answer)
        if not shown or answer.error_type:
            shown = "101" if kind == "connect" and status == 200 else str(status)
        self._front.tell(
            self._route.name,
            f"WS {self._request.path} {kind}",
            shown,
            answer=answer,
            request_id=event["requestContext"]["requestId"],
            error=answer.error_type or ("" if status < 400 else "refused"),
        )
        return answer


def _refusal(message: Mapping[str, Any]) -> int | None:
    """Return the code of a message that API Gateway does not take."""
    text = message.get("text")
    if text is None:
        return NO_BINARY
    return TOO_LARGE if len(text.encode()) > MAX_MESSAGE else None


def _result(answer: Answer) -> tuple[int, dict[str, str]]:
    """Read status and headers; a function that fails, or says no status, is a 500 to the client."""
    if answer.error_type is not None:
        return 500, {}
    try:
        result = json.loads(answer.payload)
        status, headers = int(result["statusCode"]), result.get("headers") or {}
        named = {str(name).lower(): str(value) for name, value in headers.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return 500, {}
    return (200, named) if 200 <= status < 300 else (status if 400 <= status < 600 else 500, named)


def _request(scope: Scope, route: HttpRoute, root_path: str) -> SocketRequest:
    path = scope["path"]
    return SocketRequest(
        # As API Gateway's look: sixteen characters, the last one "=".
        connection_id=urlsafe_b64encode(secrets.token_bytes(11)).decode(),
        path=root_path + path,
        stage="" if root_path else route.stages.get(path, ""),
        query=scope["query_string"].decode("latin-1"),
        headers=tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in scope["headers"]
        ),
        scheme=scope["scheme"],
        client=(scope["client"] or ("127.0.0.1", 0))[0],
        server=scope["server"],
        opened=datetime.now(UTC),
    )


async def _refuse(scope: Scope, send: Send, status: int) -> None:
    """Answer the request that would open a connection; without the extension it is a 403."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-length", b"0")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b""})
