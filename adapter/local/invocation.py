"""One invocation on its way through the local Lambda: what is asked and what is answered."""

import json
import os
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Protocol

# Request and response of a synchronous invocation, in bytes: 6 MB and what the Runtime Interface
# Emulator adds to it. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_PAYLOAD = 6 * 1024 * 1024 + 100
MAX_EVENT_PAYLOAD = 1024 * 1024  # of an asynchronous invocation
ACCOUNT = "123456789012"
LATEST = "$LATEST"


def new_trace_id() -> str:
    """Make an X-Ray trace header; nothing is sampled, because nothing records it here."""
    return f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Sampled=0"


class ThrottledError(Exception):
    """Every environment that the function's reserved concurrency allows is busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """What a caller asks of a function.

    `payload` is the event as JSON. `request_id` stays the same when Lambda repeats an asynchronous
    invocation. `client_context` is JSON on one line.
    """

    payload: bytes = field(repr=False)
    function_arn: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    trace_id: str = field(default_factory=new_trace_id)
    client_context: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the function answered.

    `error_type` is None unless the invocation failed; then `payload` is Lambda's error object.
    `duration_ms` counts from the moment the function had the event. `cold` says that the
    invocation had to wait for its environment's init. `log_tail` is the end of what the
    environment printed meanwhile.
    """

    payload: bytes = field(repr=False)
    error_type: str | None = None
    duration_ms: float = 0.0
    cold: bool = False
    log_tail: bytes = field(default=b"", repr=False)


class Invocable(Protocol):
    """Something that answers invocations: a function, wherever it runs."""

    async def invoke(self, invocation: Invocation) -> Answer:
        """Run the function to its end. Raises `ThrottledError` above its reserved concurrency."""
        ...


def failure(error_type: str, message: str) -> Answer:
    """Make the answer of an invocation that Lambda itself, not the function, declares failed."""
    error = {"errorType": error_type, "errorMessage": message}
    return Answer(payload=json.dumps(error).encode(), error_type=error_type)


def error_type_of(payload: bytes) -> str:
    """Read `errorType` from an error object as a runtime posts it, "Unhandled" without one."""
    return _error_field(payload, "errorType") or "Unhandled"


def error_message_of(payload: bytes) -> str:
    """Read `errorMessage` from an error object as a runtime posts it."""
    return _error_field(payload, "errorMessage")


def _error_field(payload: bytes, name: str) -> str:
    try:
        error = json.loads(payload)
    except (ValueError, RecursionError):
        return ""
    return str(error.get(name) or "") if isinstance(error, dict) else ""


def function_arn(name: str, qualifier: str = "") -> str:
    """Name a local function as Lambda would, in the region that the environment names."""
    suffix = f":{qualifier}" if qualifier else ""
    return f"arn:aws:lambda:{region()}:{ACCOUNT}:function:{name}{suffix}"


def region() -> str:
    """Return the region that local functions pretend to be in."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
