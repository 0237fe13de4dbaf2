"""Lambda's API for `boto3.client("lambda", endpoint_url=...)` and for handles: invoke and list.

An ASGI application. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import base64
import json
import re
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from adapter.calls.event import is_call
from adapter.local.asgi import BodyTooLargeError, ClientGoneError, header, read_body, respond
from adapter.local.events import EventQueue, ServedFunction
from adapter.local.function_name import InvalidNameError, parse_function_name
from adapter.local.invocation import (
    LATEST,
    MAX_EVENT_PAYLOAD,
    MAX_PAYLOAD,
    Answer,
    Invocation,
    ThrottledError,
    function_arn,
    new_trace_id,
)
from adapter.local.log import InvocationRecord, Log
from adapter.plan.values import FunctionPlan

_FUNCTIONS = re.compile(r"/2015-03-31/functions/?")
_FUNCTION = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)(?P<rest>(/configuration)?)")
_INVOKE = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)/invocations")
_ALIASED_VERSION = "1"
_LOG_TAIL = 4 * 1024
_KINDS = ("RequestResponse", "Event", "DryRun")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """A response of the API."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


class _ApiError(Exception):
    """An error of Lambda's API, by the name that botocore makes an exception class of."""

    def __init__(self, status: int, code: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.reply = _Reply(
            status=status,
            # Half of the API's error shapes spell it "Message" and half "message".
            body=json.dumps(
                {"Type": "User", "Message": message, "message": message, **more},
            ).encode(),
            headers={"x-amzn-errortype": code},
        )


def _refuse_browsers(scope: Scope) -> None:
    """Refuse what a web page may have made a browser send: it could invoke every function.

    A page of another origin is told by the Origin header, one whose name was pointed at this
    machine by the Host header.
    """
    host = (header(scope, "host") or "").rpartition(":")[0] or header(scope, "host") or ""
    local = host in _LOCAL_NAMES or _ADDRESS.fullmatch(host)
    if header(scope, "origin") is not None or not local:
        raise _ApiError(403, "AccessDeniedException", "Requests of web pages are not served.")


_LOCAL_NAMES = frozenset({"localhost", "host.docker.internal"})
_ADDRESS = re.compile(r"[0-9.]+|\[[0-9a-fA-F:.]+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Invoke:
    """One request to invoke, read and checked."""

    function: ServedFunction
    qualifier: str
    event: Any = field(repr=False)
    invocation: Invocation
    log_tail: bool

    @property
    def method(self) -> str:
        """The method a call asks for; empty where the event is none."""
        method = self.event.get("method") if is_call(self.event) else None
        return method if isinstance(method, str) else ("__call__" if is_call(self.event) else "")

    @property
    def caller(self) -> str:
        """The deployment that called through a handle, empty otherwise."""
        context = self.event.get("context") if is_call(self.event) else None
        caller = context.get("caller") if isinstance(context, dict) else None
        return caller if isinstance(caller, str) else ""


class LambdaApi:
    """Serves functions by name. Assign `functions` to change what is served."""

    def __init__(self, log: Log, events: EventQueue) -> None:
        self.functions: Mapping[str, ServedFunction] = {}
        self._log = log
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id = str(uuid.uuid4())
        try:
            _refuse_browsers(scope)
            reply = await self._answer(scope, receive, request_id)
        except _ApiError as error:
            reply = error.reply
        except ClientGoneError:
            return
        headers = {
            "content-type": "application/json",
            "content-length": str(len(reply.body)),
            "x-amzn-requestid": request_id,
            **reply.headers,
        }
        if reply.status == 204:
            del headers["content-length"]
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await respond(send, reply.status, pairs, reply.body)

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> _Reply:
        path, method = scope["path"], scope["method"]
        if method == "POST" and (match := _INVOKE.fullmatch(path)):
            return await self._invoke(match["name"], scope, receive, request_id)
        if method == "GET" and _FUNCTIONS.fullmatch(path):
            names = sorted(self.functions)
            found = [_configuration(self.functions[name].plan, "") for name in names]
            return _json({"Functions": found})
        if method == "GET" and (match := _FUNCTION.fullmatch(path)):
            function, qualifier = self._find(match["name"], scope)
            configuration = _configuration(function.plan, qualifier)
            if match["rest"]:
                return _json(configuration)
            return _json({"Configuration": configuration, "Code": {}, "Tags": {}})
        raise _ApiError(404, "UnknownOperationException", f"{method} {path} is not served locally.")

    def _find(self, text: str, scope: Scope) -> tuple[ServedFunction, str]:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        try:
            found = parse_function_name(text, query.get("Qualifier", [""])[0])
        except InvalidNameError as error:
            raise _ApiError(400, "InvalidParameterValueException", str(error)) from error
        function = self.functions.get(found.name)
        known = {"", LATEST, function.plan.concurrency.alias if function else None}
        if function is None or found.qualifier not in known:
            arn = function_arn(found.name, found.qualifier)
            raise _ApiError(404, "ResourceNotFoundException", f"Function not found: {arn}")
        return function, found.qualifier

    async def _invoke(self, name: str, scope: Scope, receive: Receive, request_id: str) -> _Reply:
        kind = header(scope, "x-amz-invocation-type") or "RequestResponse"
        if kind not in _KINDS:
            message = f"InvocationType {kind!r:.50} must be one of {', '.join(_KINDS)}."
            raise _ApiError(400, "InvalidParameterValueException", message)
        limit = MAX_EVENT_PAYLOAD if kind == "Event" else MAX_PAYLOAD
        payload = await _payload(receive, limit)
        function, qualifier = self._find(name, scope)
        request = _Invoke(
            function=function,
            qualifier=qualifier,
            event=_parsed(payload),
            invocation=Invocation(
                payload=payload or b"{}",
                function_arn=function_arn(function.plan.name, qualifier),
                request_id=request_id,
                trace_id=header(scope, "x-amzn-trace-id") or new_trace_id(),
                client_context=None if kind == "Event" else _client_context(scope),
            ),
            log_tail=header(scope, "x-amz-log-type") == "Tail",
        )
        if kind == "DryRun":
            return _Reply(status=204)
        if kind == "Event":
            self._events.submit(function, request.invocation, request.method)
            return _Reply(status=202)
        return await self._run(request)

    async def _run(self, request: _Invoke) -> _Reply:
        try:
            answer = await request.function.invoke(request.invocation)
        except ThrottledError as error:
            self._tell(request, Answer(payload=b"", error_type="TooManyRequestsException"))
            raise _throttled() from error
        self._tell(request, answer)
        return _answered(request, answer)

    def _tell(self, request: _Invoke, answer: Answer) -> None:
        self._log.invocation(
            InvocationRecord(
                function=request.function.plan.name,
                label=request.method or "Invoke",
                status="error" if answer.error_type else "ok",
                request_id=request.invocation.request_id,
                duration_ms=answer.duration_ms,
                cold=answer.cold,
                error=answer.error_type or "",
                caller=request.caller,
            ),
        )


async def _payload(receive: Receive, limit: int) -> bytes:
    try:
        return await read_body(receive, limit)
    except BodyTooLargeError as error:
        message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        raise _ApiError(413, "RequestTooLargeException", message) from error


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload or b"{}")
    except (ValueError, RecursionError) as error:
        message = f"Could not parse request body into json: {error}"
        raise _ApiError(400, "InvalidRequestContentException", message) from error


def _client_context(scope: Scope) -> str | None:
    encoded = header(scope, "x-amz-client-context")
    if not encoded:
        return None
    try:
        return json.dumps(json.loads(base64.b64decode(encoded, validate=True)))
    except (ValueError, RecursionError) as error:
        message = f"Client context must be a valid Base64-encoded JSON object: {error}"
        raise _ApiError(400, "InvalidRequestContentException", message) from error


def _throttled() -> _ApiError:
    return _ApiError(
        429,
        "TooManyRequestsException",
        "Rate Exceeded.",
        Reason="ReservedFunctionConcurrentInvocationLimitExceeded",
    )


def _answered(request: _Invoke, answer: Answer) -> _Reply:
    headers = {"x-amz-executed-version": _version(request.qualifier)}
    if answer.error_type is not None:
        headers["x-amz-function-error"] = "Unhandled"
    if request.log_tail:
        headers["x-amz-log-result"] = base64.b64encode(_tail(request, answer)).decode("ascii")
    return _Reply(status=200, body=answer.payload, headers=headers)


def _tail(request: _Invoke, answer: Answer) -> bytes:
    """Put Lambda's own lines around what the function printed."""
    request_id = request.invocation.request_id
    start = f"START RequestId: {request_id} Version: {_version(request.qualifier)}\n"
    end = (
        f"END RequestId: {request_id}\n"
        f"REPORT RequestId: {request_id}\tDuration: {answer.duration_ms:.2f} ms\t"
        f"Memory Size: {request.function.plan.memory_mb} MB\n"
    )
    return (start.encode() + answer.log_tail + end.encode())[-_LOG_TAIL:]


def _version(qualifier: str) -> str:
    return LATEST if qualifier in {"", LATEST} else _ALIASED_VERSION


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
        "Version": _version(qualifier),
        "PackageType": "Zip",
        "State": "Active",
    }


def _json(value: Any) -> _Reply:
    return _Reply(status=200, body=json.dumps(value).encode())
