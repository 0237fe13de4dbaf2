"""One invocation on its way through the local Lambda: what is asked and what is answered."""

import json
import os
import secrets
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

# Request and response of a synchronous invocation, in bytes: 6 MB and what the Runtime Interface
# Emulator adds to it. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_PAYLOAD = 6 * 1024 * 1024 + 100
MAX_EVENT_PAYLOAD = 1024 * 1024  # of an asynchronous invocation
MAX_STREAM = 200 * 1024 * 1024  # of a response that is streamed
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


class Reply(Protocol):
    """An answer as it comes: whole, or piece by piece."""

    @property
    def streamed(self) -> bool:
        """Whether it comes in pieces. Where not, `answer` is there at once."""
        ...

    @property
    def content_type(self) -> str:
        """Of a stream, as the function said it; empty for a whole answer."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """Yield a stream's bytes as they arrive; nothing for a whole answer.

        A reader that is slow slows the function. It ends where the function failed, too: `answer`
        tells.
        """
        ...

    @property
    def answer(self) -> Answer:
        """What the function answered. Raises RuntimeError where a stream has not ended yet.

        The payload of a stream that failed is Lambda's error object, and b"" of one that did not.
        """
        ...


class Invocable(Protocol):
    """Something that answers invocations: a function, wherever it runs."""

    def open(self, invocation: Invocation) -> AbstractAsyncContextManager[Reply]:
        """Run the function; entering waits until it has answered or begun to.

        Leaving before the end, and a cancellation while entering, cancel the invocation. Entering
        raises `ThrottledError` above the function's reserved concurrency.
        """
        ...

    async def invoke(self, invocation: Invocation) -> Answer:
        """Run the function to its end; a stream is collected, up to 6 MB.

        A cancellation cancels the invocation. Raises `ThrottledError` as `open` does.
        """
        ...


async def collected(reply: Reply) -> Answer:
    """Read an answer to its end, as Lambda's Invoke does with a stream.

    One above 6 MB is read to its end all the same, because the function does not know that nobody
    streams it, and becomes an error.
    """
    if not reply.streamed:
        return reply.answer
    kept: list[bytes] = []
    size = 0
    async for piece in reply.pieces():
        size += len(piece)
        if size <= MAX_PAYLOAD:
            kept.append(piece)
        else:
            kept.clear()
    if reply.answer.error_type is not None:
        return reply.answer
    if size > MAX_PAYLOAD:
        error = too_large(MAX_PAYLOAD)
        return replace(reply.answer, payload=error.payload, error_type=error.error_type)
    return replace(reply.answer, payload=b"".join(kept))


def failure(error_type: str, message: str) -> Answer:
    """Make the answer of an invocation that Lambda itself, not the function, declares failed."""
    error = {"errorType": error_type, "errorMessage": message}
    return Answer(payload=json.dumps(error).encode(), error_type=error_type)


def too_large(limit: int) -> Answer:
    """Make the answer of a function whose response has more than `limit` bytes."""
    message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return failure("Function.ResponseSizeTooLarge", message)


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
