"""A request to invoke a function, read and checked as Lambda's API does."""

import base64
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope

from adapter.calls.shape import is_call
from adapter.local.api_reply import ApiError
from adapter.local.asgi import BodyTooLargeError, header, read_body
from adapter.local.events import ServedFunction
from adapter.local.invocation import (
    LATEST,
    MAX_EVENT_PAYLOAD,
    MAX_PAYLOAD,
    Answer,
    Invocation,
    function_arn,
    new_trace_id,
)

_ALIASED_VERSION = "1"
_LOG_TAIL = 4 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeRequest:
    """One request to invoke; `kind` is its InvocationType."""

    kind: str
    function: ServedFunction
    qualifier: str
    event: Any = field(repr=False)
    invocation: Invocation
    wants_log: bool

    @property
    def version(self) -> str:
        """The version that the qualifier stands for."""
        return version_of(self.qualifier)

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

    def log_result(self, answer: Answer) -> str | None:
        """Return the end of the function's log in base64, None where it is not asked for."""
        if not self.wants_log:
            return None
        return base64.b64encode(_tail(self, answer)).decode("ascii")


def invocation_type(scope: Scope, kinds: Collection[str]) -> str:
    """Return the request's InvocationType. Raises `ApiError` where it is none of `kinds`."""
    kind = header(scope, "x-amz-invocation-type") or "RequestResponse"
    if kind not in kinds:
        message = f"InvocationType {kind!r:.50} must be one of {', '.join(kinds)}."
        raise ApiError(400, "InvalidParameterValueException", message)
    return kind


async def read_payload(receive: Receive, kind: str) -> bytes:
    """Read the payload. Raises `ApiError` above the limit, and `ClientGoneError`."""
    limit = MAX_EVENT_PAYLOAD if kind == "Event" else MAX_PAYLOAD
    try:
        return await read_body(receive, limit)
    except BodyTooLargeError as error:
        message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        raise ApiError(413, "RequestTooLargeException", message) from error


def invoke_request(
    scope: Scope,
    kind: str,
    payload: bytes,
    function: ServedFunction,
    qualifier: str,
    request_id: str,
) -> InvokeRequest:
    """Put a request together. Raises `ApiError` where payload or client context is not JSON."""
    return InvokeRequest(
        kind=kind,
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
        wants_log=header(scope, "x-amz-log-type") == "Tail",
    )


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload or b"{}")
    except (ValueError, RecursionError) as error:
        message = f"Could not parse request body into json: {error}"
        raise ApiError(400, "InvalidRequestContentException", message) from error


def _client_context(scope: Scope) -> str | None:
    encoded = header(scope, "x-amz-client-context")
    if not encoded:
        return None
    try:
        return json.dumps(json.loads(base64.b64decode(encoded, validate=True)))
    except (ValueError, RecursionError) as error:
        message = f"Client context must be a valid Base64-encoded JSON object: {error}"
        raise ApiError(400, "InvalidRequestContentException", message) from error


def _tail(request: InvokeRequest, answer: Answer) -> bytes:
    """Put Lambda's own lines around what the function printed."""
    request_id = request.invocation.request_id
    start = f"START RequestId: {request_id} Version: {request.version}\n"
    end = (
        f"END RequestId: {request_id}\n"
        f"REPORT RequestId: {request_id}\tDuration: {answer.duration_ms:.2f} ms\t"
        f"Memory Size: {request.function.plan.memory_mb} MB\n"
    )
    return (start.encode() + answer.log_tail + end.encode())[-_LOG_TAIL:]


def version_of(qualifier: str) -> str:
    """Return the version that a qualifier stands for."""
    return LATEST if qualifier in {"", LATEST} else _ALIASED_VERSION
