"""Lambda's API for `boto3.client("lambda", endpoint_url=...)` and for handles: invoke and list.

An ASGI application. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html and
https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
"""

import re
import sys
import time
import uuid
from collections.abc import Collection, Coroutine, Mapping
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from adapter.local.api_reply import ApiError, ApiReply, json_reply
from adapter.local.asgi import ClientGoneError, header, while_connected
from adapter.local.connections_api import connection_of, manage
from adapter.local.event_reply import EventReply
from adapter.local.events import EventQueue, ServedFunction
from adapter.local.function_name import InvalidNameError, parse_function_name
from adapter.local.invocation import LATEST, Answer, ThrottledError, function_arn
from adapter.local.invoke_request import (
    InvokeRequest,
    invocation_type,
    invoke_request,
    read_payload,
    version_of,
)
from adapter.local.log import InvocationRecord, Log
from adapter.plan.values import FunctionPlan

_FUNCTIONS = re.compile(r"/2015-03-31/functions/?")
_FUNCTION = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)(?P<rest>(/configuration)?)")
_INVOKE = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)/invocations")
_STREAM = re.compile(r"/2021-11-15/functions/(?P<name>[^/]+)/response-streaming-invocations")
_KINDS = ("RequestResponse", "Event", "DryRun")
_STREAM_KINDS = ("RequestResponse", "DryRun")


def is_of_a_web_page(scope: Scope) -> bool:
    """Whether a web page may have made a browser send it: that could invoke every function.

    A page of another origin is told by the Origin header, one whose name was pointed at this
    machine by the Host header.
    """
    host = (header(scope, "host") or "").rpartition(":")[0] or header(scope, "host") or ""
    local = host in _LOCAL_NAMES or _ADDRESS.fullmatch(host)
    return header(scope, "origin") is not None or not local


def _refuse_browsers(scope: Scope) -> None:
    if is_of_a_web_page(scope):
        raise ApiError(403, "AccessDeniedException", "Requests of web pages are not served.")


_LOCAL_NAMES = frozenset({"localhost", "host.docker.internal"})
_ADDRESS = re.compile(r"[0-9.]+|\[[0-9a-fA-F:.]+\]")


class LambdaApi:
    """Serves functions by name. Assign `functions` to change what is served."""

    def __init__(self, log: Log, events: EventQueue) -> None:
        self.functions: Mapping[str, ServedFunction] = {}
        self._log = log
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        request_id = str(uuid.uuid4())
        try:
            _refuse_browsers(scope)
            reply = await self._answer(scope, receive, EventReply(send, request_id))
        except ApiError as error:
            reply = error.reply
        except ClientGoneError:
            return
        if reply is not None:
            await reply.send(send, request_id)

    async def _answer(self, scope: Scope, receive: Receive, events: EventReply) -> ApiReply | None:
        """Return the reply, None where it was an event stream and has been sent."""
        path, method = scope["path"], scope["method"]
        if method == "POST" and (match := _INVOKE.fullmatch(path)):
            request = await self._read(match["name"], _KINDS, scope, receive, events.request_id)
            return await self._invoke(request, receive)
        if method == "POST" and (match := _STREAM.fullmatch(path)):
            name = match["name"]
            request = await self._read(name, _STREAM_KINDS, scope, receive, events.request_id)
            return await self._stream(request, receive, events)
        if (connection_id := connection_of(path)) is not None:
            return await manage(connection_id, method, receive)
        if method == "GET" and (reply := self._described(path, scope)) is not None:
            return reply
        raise ApiError(404, "UnknownOperationException", f"{method} {path} is not served locally.")

    def _described(self, path: str, scope: Scope) -> ApiReply | None:
        if _FUNCTIONS.fullmatch(path):
            plans = [self.functions[name].plan for name in sorted(self.functions)]
            return json_reply({"Functions": [_configuration(plan, "") for plan in plans]})
        if match := _FUNCTION.fullmatch(path):
            function, qualifier = self._find(match["name"], scope)
            configuration = _configuration(function.plan, qualifier)
            if match["rest"]:
                return json_reply(configuration)
            return json_reply({"Configuration": configuration, "Code": {}, "Tags": {}})
        return None

    def _find(self, text: str, scope: Scope) -> tuple[ServedFunction, str]:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        try:
            found = parse_function_name(text, query.get("Qualifier", [""])[0])
        except InvalidNameError as error:
            raise ApiError(400, "InvalidParameterValueException", str(error)) from error
        function = self.functions.get(found.name)
        known = {"", LATEST, function.plan.alias if function else None}
        if function is None or found.qualifier not in known:
            arn = function_arn(found.name, found.qualifier)
            raise ApiError(404, "ResourceNotFoundException", f"Function not found: {arn}")
        return function, found.qualifier

    async def _read(
        self,
        name: str,
        kinds: Collection[str],
        scope: Scope,
        receive: Receive,
        request_id: str,
    ) -> InvokeRequest:
        kind = invocation_type(scope, kinds)
        payload = await read_payload(receive, kind)
        return invoke_request(scope, kind, payload, *self._find(name, scope), request_id)

    async def _invoke(self, request: InvokeRequest, receive: Receive) -> ApiReply:
        if request.kind == "DryRun":
            return ApiReply(status=204)
        if request.kind == "Event":
            self._events.submit(request.function, request.invocation, request.method)
            return ApiReply(status=202)
        running = request.function.invoke(request.invocation)
        answer = await self._while_wanted(request, receive, running)
        self._tell(request, answer)
        return _answered(request, answer)

    async def _stream(
        self,
        request: InvokeRequest,
        receive: Receive,
        reply: EventReply,
    ) -> ApiReply | None:
        if request.kind == "DryRun":
            return ApiReply(status=204)
        answer = await self._while_wanted(request, receive, _pass_on(request, reply), reply)
        self._tell(request, answer, reply)
        await reply.complete(answer, request.log_result(answer))
        return None

    async def _while_wanted(
        self,
        request: InvokeRequest,
        receive: Receive,
        running: Coroutine[Any, Any, Answer],
        reply: EventReply | None = None,
    ) -> Answer:
        """Wait for the function, cancelled where its caller hangs up."""
        started = time.perf_counter()
        try:
            return await while_connected(receive, running)
        except ThrottledError as error:
            self._tell(request, Answer(payload=b"", error_type="TooManyRequestsException"))
            raise _throttled() from error
        except ClientGoneError:
            passed_ms = (time.perf_counter() - started) * 1000
            self._tell(request, Answer(payload=b"", duration_ms=passed_ms), reply, "cancelled")
            raise

    def _tell(
        self,
        request: InvokeRequest,
        answer: Answer,
        reply: EventReply | None = None,
        status: str = "",
    ) -> None:
        streamed = reply is not None and reply.streamed
        self._log.invocation(
            InvocationRecord(
                function=request.function.plan.name,
                label=request.method or "Invoke",
                status=status or ("error" if answer.error_type else "ok"),
                request_id=request.invocation.request_id,
                duration_ms=answer.duration_ms,
                cold=answer.cold,
                error=answer.error_type or "",
                caller=request.caller,
                streamed=streamed,
                bytes=reply.size if reply and streamed else None,
                first_byte_ms=reply.first_byte_ms if reply and streamed else None,
            ),
        )


async def _pass_on(request: InvokeRequest, reply: EventReply) -> Answer:
    async with request.function.open(request.invocation) as answered:
        await reply.start(request.version, streamed=answered.streamed)
        async for piece in answered.pieces():
            await reply.write(piece)
        answer = answered.answer
        if not reply.size:  # whole, or broken off before the first byte: then it is the error
            await reply.write(answer.payload)
        return answer


def _throttled() -> ApiError:
    return ApiError(
        429,
        "TooManyRequestsException",
        "Rate Exceeded.",
        Reason="ReservedFunctionConcurrentInvocationLimitExceeded",
    )


def _answered(request: InvokeRequest, answer: Answer) -> ApiReply:
    headers = {"x-amz-executed-version": request.version}
    if answer.error_type is not None:
        headers["x-amz-function-error"] = "Unhandled"
    if (log := request.log_result(answer)) is not None:
        headers["x-amz-log-result"] = log
    return ApiReply(status=200, body=answer.payload, headers=headers)


def _configuration(plan: FunctionPlan, qualifier: str) -> dict[str, Any]:
    return {
        "FunctionName": plan.name,
        "FunctionArn": function_arn(plan.name, qualifier),
        "Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
        "Handler": plan.handler,
        "Timeout": plan.timeout_s,
        "MemorySize": plan.memory_mb,
        "EphemeralStorage": {"Size": plan.ephemeral_storage_mb},
        "Environment": {"Variables": dict(plan.environment)},
        "Version": version_of(qualifier),
        "PackageType": "Zip",
        "State": "Active",
    }
