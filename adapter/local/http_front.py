"""HTTP as API Gateway's HTTP API serves it: requests to events, results to responses.

An ASGI application. Which function answers is a matter of the path's prefix alone.
"""

import asyncio
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.types import Receive, Scope, Send

from adapter.local.asgi import BodyTooLargeError, ClientGoneError, read_body, respond
from adapter.local.http_event import Arrival, HttpApiRoute, HttpRequest, http_api_event
from adapter.local.http_result import (
    HttpResponse,
    MalformedResultError,
    gateway_error,
    http_api_response,
)
from adapter.local.invocation import (
    MAX_PAYLOAD,
    Answer,
    Invocable,
    Invocation,
    ThrottledError,
    function_arn,
    new_trace_id,
)
from adapter.local.log import InvocationRecord, Log

MAX_BODY = 10 * 1024 * 1024  # bytes that an HTTP API takes; Lambda's own limit comes on top
INTEGRATION_TIMEOUT_S = 30.0  # the longest an HTTP API waits for a function
NOBODY = "-"  # stands for the function in the log where none was reached


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRoute:
    """One application on HTTP: everything below `prefix` goes to `function`."""

    prefix: str
    name: str
    function: Invocable

    def match(self, path: str) -> HttpApiRoute | None:
        """Return the template's route that `path` takes, None where it lies outside the prefix."""
        base = self.prefix.rstrip("/")
        if path == (base or "/"):
            return HttpApiRoute(key=f"ANY {base or '/'}")
        if path.startswith(f"{base}/"):
            rest = path[len(base) + 1 :]
            return HttpApiRoute(key=f"ANY {base}/{{proxy+}}", path_parameters={"proxy": rest})
        return None


@dataclass(frozen=True, slots=True)
class _Result:
    """What goes to the client, and what the log says of it."""

    response: HttpResponse
    answer: Answer
    error: str = ""


class HttpFront:
    """Serves applications by route prefix. Assign `routes` to change what is served."""

    def __init__(self, log: Log, *, integration_timeout_s: float = INTEGRATION_TIMEOUT_S) -> None:
        self.routes: Sequence[HttpRoute] = ()
        self._log = log
        self._integration_timeout_s = integration_timeout_s
        self._late: set[asyncio.Task[Answer]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id = str(uuid.uuid4())
        function = NOBODY
        try:
            request = _request(scope, await read_body(receive, MAX_BODY))
            route, taken = self._find(request.path)
            function = route.name
            result = await self._serve(request, route, taken, request_id)
        except BodyTooLargeError:
            result = _refused(413, "Request Entity Too Large")
        except LookupError:
            result = _refused(404, "Not Found")
        except ClientGoneError:
            return
        self._tell(scope, function, request_id, result)
        response = result.response
        await respond(send, response.status, response.encoded_headers, response.body)

    async def close(self) -> None:
        """Wait for invocations whose clients are answered already; end their functions first."""
        await asyncio.gather(*self._late, return_exceptions=True)

    def _find(self, path: str) -> tuple[HttpRoute, HttpApiRoute]:
        for route in sorted(self.routes, key=lambda route: len(route.prefix), reverse=True):
            if (taken := route.match(path)) is not None:
                return route, taken
        raise LookupError(path)

    async def _serve(
        self,
        request: HttpRequest,
        route: HttpRoute,
        taken: HttpApiRoute,
        request_id: str,
    ) -> _Result:
        arrival = Arrival(request_id=request_id, trace_id=new_trace_id(), time=datetime.now(UTC))
        payload = json.dumps(http_api_event(request, taken, arrival)).encode()
        if len(payload) > MAX_PAYLOAD:
            raise BodyTooLargeError
        invocation = Invocation(
            payload=payload,
            function_arn=function_arn(route.name),
            request_id=request_id,
            trace_id=arrival.trace_id,
        )
        try:
            answer = await self._invoke(route.function, invocation)
        except ThrottledError:
            return _refused(503, "Service Unavailable", "TooManyRequestsException")
        except TimeoutError:
            return _refused(503, "Service Unavailable", "integration timeout")
        return self._result(route, answer, request.method)

    async def _invoke(self, function: Invocable, invocation: Invocation) -> Answer:
        """Wait for the function as long as API Gateway does; the function itself runs on."""
        task = asyncio.get_running_loop().create_task(function.invoke(invocation))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        return await asyncio.wait_for(asyncio.shield(task), self._integration_timeout_s)

    def _result(self, route: HttpRoute, answer: Answer, method: str) -> _Result:
        if answer.error_type is not None:
            return _Result(gateway_error(500, "Internal Server Error"), answer, answer.error_type)
        try:
            return _Result(http_api_response(answer.payload, method=method), answer)
        except MalformedResultError as error:
            self._log.problem(route.name, "malformed result", str(error))
            response = gateway_error(500, "Internal Server Error")
            return _Result(response, answer, "malformed result")

    def _tell(self, scope: Scope, function: str, request_id: str, result: _Result) -> None:
        self._log.invocation(
            InvocationRecord(
                function=function,
                label=f"{scope['method']} {scope['path']}",
                status=str(result.response.status),
                request_id=request_id,
                duration_ms=result.answer.duration_ms,
                cold=result.answer.cold,
                error=result.error,
            ),
        )


def _request(scope: Scope, body: bytes) -> HttpRequest:
    # uvicorn takes client and server from the socket: its proxy headers are switched off.
    return HttpRequest(
        method=scope["method"],
        path=scope["path"],
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


def _refused(status: int, message: str, error: str = "") -> _Result:
    return _Result(gateway_error(status, message), Answer(payload=b""), error or message)
