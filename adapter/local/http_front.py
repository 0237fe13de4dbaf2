"""HTTP as AWS serves it, by an HTTP API and by function URLs; WebSockets by a WebSocket API.

An ASGI application. Which function answers is a matter of the path alone: below `/_url/<function>`
it is the function's own URL, elsewhere the HTTP API, by route prefix.
"""

import asyncio
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.types import Receive, Scope, Send

from adapter.local.asgi import (
    BodyTooLargeError,
    BrokenResponseError,
    ClientGoneError,
    header,
    read_body,
    respond,
    while_connected,
)
from adapter.local.cors import preflight_response, sending_cors
from adapter.local.function_url import UrlIntegration, url_function
from adapter.local.http_api import (
    BUFFERED_NOTE,
    INTEGRATION_TIMEOUT_S,
    HttpApiIntegration,
    HttpRoute,
)
from adapter.local.http_event import Arrival, HttpRequest
from adapter.local.http_relay import HttpRelay, Outcome, refused
from adapter.local.http_result import HttpResponse, gateway_error, text_response
from adapter.local.integration import Integration
from adapter.local.invocation import MAX_PAYLOAD, Invocation, function_arn, new_trace_id
from adapter.local.log import InvocationRecord, Log
from adapter.local.socket_front import SocketFront, SocketLimits
from adapter.local.streamed_response import StreamedResponse

__all__ = ["HttpFront", "HttpRoute"]

MAX_BODY = 10 * 1024 * 1024  # bytes that an HTTP API takes; Lambda's own limit comes on top
CLIENT_GONE = 499  # nginx's and Ray Serve's status of a request whose client has hung up
NOBODY = "-"  # stands for the function in the log where none was reached


class HttpFront:
    """Serves applications by route prefix and functions by URL. Assign `routes` and `urls`.

    Where `as_deployed`, a streamed answer is collected where an HTTP API would collect it.
    `root_path` is put in front of the path that functions see: a proxy in front has taken it away.
    """

    def __init__(
        self,
        log: Log,
        *,
        integration_timeout_s: float = INTEGRATION_TIMEOUT_S,
        as_deployed: bool = False,
        root_path: str = "",
        socket_limits: SocketLimits | None = None,
    ) -> None:
        self.routes: Sequence[HttpRoute] = ()
        self.urls: Mapping[str, UrlIntegration] = {}
        self._log = log
        self._integration_timeout_s = integration_timeout_s
        self._as_deployed = as_deployed
        self._root_path = root_path.rstrip("/")
        self._sockets = SocketFront(log, limits=socket_limits, root_path=self._root_path)
        self._late: set[asyncio.Task[Outcome]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one WebSocket.

        Raises `BrokenResponseError` where a response that has begun cannot be completed.
        """
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send, self._route(scope["path"]))
            return
        label = f"{scope['method']} {scope['path']}"
        request_id, name = str(uuid.uuid4()), NOBODY
        try:
            integration = self._find(scope)
            _answer_preflight(integration, scope)
            send = sending_cors(integration.cors, scope, send)
            name = integration.name
            # A proxy takes away the path of an application; nobody's function URL has one.
            root_path = self._root_path if isinstance(integration, HttpApiIntegration) else ""
            request = _request(scope, await read_body(receive, MAX_BODY), root_path)
            invocation = _invocation(integration, request, request_id)
        except _RefusedError as error:
            refusal, reason = error.response, str(error)
        except BodyTooLargeError:
            refusal, reason = integration.refusals.too_large, "Request Entity Too Large"
        except ClientGoneError:
            return
        else:
            relay = HttpRelay(integration, request, StreamedResponse(send, request), self._log)
            if header(scope, "x-request-disconnect-disabled") == "?1":
                receive = _never
            await self._answer(relay, invocation, label, receive, send)
            return
        self._log.invocation(
            InvocationRecord(
                function=name,
                label=label,
                status=str(refusal.status),
                request_id=request_id,
                error=reason,
            ),
        )
        await respond(send, refusal.status, refusal.encoded_headers, refusal.body)

    async def close(self) -> None:
        """Wait for invocations whose clients are answered already; end their functions first."""
        await asyncio.gather(*self._late, return_exceptions=True)
        await self._sockets.close()

    def _route(self, path: str) -> HttpRoute | None:
        """Return the application that a path is for: of prefixes that fit the longest one."""
        fitting = (route for route in self.routes if route.match(path) is not None)
        return max(fitting, key=lambda route: len(route.prefix), default=None)

    def _find(self, scope: Scope) -> Integration:
        raw_path = _raw_path(scope)
        if (name := url_function(raw_path)) is not None:
            if name in self.urls:
                return self.urls[name]
            raise _RefusedError(
                gateway_error(
                    404,
                    f"no function {name!r:.100} with a URL is served; a deployment gets one by "
                    "LambdaOptions(url=...).",
                ),
            )
        route = self._route(scope["path"])
        if route is not None and (taken := route.match(scope["path"])) is not None:
            rest = route.api.kind == "rest"
            return HttpApiIntegration(
                name=route.name,
                function=route.function,
                route=taken,
                streams=rest or not self._as_deployed,
                wait_s=None if rest else self._integration_timeout_s,
                cors=route.api.cors,
                note="" if rest else BUFFERED_NOTE,
            )
        raise _RefusedError(
            text_response(
                404,
                f"Path '{scope['path']}' not found. Ping http://.../-/routes for available routes.",
            ),
        )

    async def _answer(
        self,
        relay: HttpRelay,
        invocation: Invocation,
        label: str,
        receive: Receive,
        send: Send,
    ) -> None:
        try:
            outcome = await while_connected(receive, self._in_time(relay, invocation))
        except ClientGoneError:
            gone = Outcome(response=None, answer=relay.unanswered(), error="client hung up")
            self._tell(invocation, label, CLIENT_GONE, gone, relay)
            return
        response = outcome.response
        status = response.status if response else relay.streamed.status
        self._tell(invocation, label, status, outcome, relay)
        if response is not None:
            await respond(send, response.status, response.encoded_headers, response.body)
        elif outcome.error:
            raise BrokenResponseError(outcome.error)
        else:
            await relay.streamed.end()

    async def _in_time(self, relay: HttpRelay, invocation: Invocation) -> Outcome:
        """Wait for the function as long as the gateway does; the function itself runs on."""
        loop, wait_s = asyncio.get_running_loop(), relay.integration.wait_s
        running = loop.create_task(relay.run(invocation))
        late = None if wait_s is None else loop.call_later(wait_s, relay.stop_waiting)
        try:
            if await relay.begun:
                return await running
        except asyncio.CancelledError:
            running.cancel()
            await asyncio.wait({running})
            raise
        finally:
            if late is not None:
                late.cancel()
        self._late.add(running)
        running.add_done_callback(self._late.discard)
        return refused(relay.integration.refusals.late, "integration timeout")

    def _tell(
        self,
        invocation: Invocation,
        label: str,
        status: int,
        outcome: Outcome,
        relay: HttpRelay,
    ) -> None:
        streamed = relay.streamed
        self._log.invocation(
            InvocationRecord(
                function=relay.integration.name,
                label=label,
                status=str(status),
                request_id=invocation.request_id,
                duration_ms=outcome.answer.duration_ms,
                cold=outcome.answer.cold,
                error=outcome.error,
                streamed=streamed.begun,
                bytes=streamed.size if streamed.begun else None,
                first_byte_ms=relay.first_byte_ms,
                note=relay.integration.note if streamed.begun else "",
            ),
        )


def _answer_preflight(integration: Integration, scope: Scope) -> None:
    if (response := preflight_response(integration.cors, scope)) is not None:
        raise _RefusedError(response, "")


class _RefusedError(Exception):
    """No function takes the request, the front answers it; the text is for the log."""

    def __init__(self, response: HttpResponse, error: str = "Not Found") -> None:
        super().__init__(error)
        self.response = response


async def _never() -> Any:
    """Stand for a client that does not hang up, as far as its function is to know."""
    await asyncio.Event().wait()


def _raw_path(scope: Scope) -> str:
    return str(scope["raw_path"].decode("latin-1"))


def _request(scope: Scope, body: bytes, root_path: str) -> HttpRequest:
    # uvicorn takes client and server from the socket: its proxy headers are switched off.
    return HttpRequest(
        method=scope["method"],
        path=root_path + scope["path"],
        raw_path=root_path + _raw_path(scope),
        query=scope["query_string"].decode("latin-1"),
        headers=tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ),
        body=body,
        protocol=f"HTTP/{scope['http_version']}",
        scheme=scope["scheme"],
        client=(scope["client"] or ("127.0.0.1", 0))[0],
        server=scope["server"],
    )


def _invocation(integration: Integration, request: HttpRequest, request_id: str) -> Invocation:
    arrival = Arrival(request_id=request_id, trace_id=new_trace_id(), time=datetime.now(UTC))
    payload = json.dumps(integration.event(request, arrival)).encode()
    if len(payload) > MAX_PAYLOAD:
        raise BodyTooLargeError
    return Invocation(
        payload=payload,
        function_arn=function_arn(integration.name),
        request_id=request_id,
        trace_id=arrival.trace_id,
    )
