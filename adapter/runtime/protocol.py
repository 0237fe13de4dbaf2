"""The Runtime API's messages: paths, headers and error bodies, without any I/O."""

import base64
import json
import sys
import time
import traceback
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from adapter import json_bytes
from adapter.errors import AdapterError

VERSION: Final = "2018-06-01"
NEXT: Final = f"/{VERSION}/runtime/invocation/next"
INIT_ERROR: Final = f"/{VERSION}/runtime/init/error"
REQUEST_ID: Final = "lambda-runtime-aws-request-id"
DEADLINE_MS: Final = "lambda-runtime-deadline-ms"
FUNCTION_ARN: Final = "lambda-runtime-invoked-function-arn"
TRACE_ID: Final = "lambda-runtime-trace-id"
CLIENT_CONTEXT: Final = "lambda-runtime-client-context"
COGNITO_IDENTITY: Final = "lambda-runtime-cognito-identity"
TENANT_ID: Final = "lambda-runtime-aws-tenant-id"
INVOCATION_ID: Final = "lambda-runtime-invocation-id"
ERROR_TYPE: Final = "lambda-runtime-function-error-type"
ERROR_BODY: Final = "lambda-runtime-function-error-body"
# A response that is sent piece by piece, and what may trail it.
STREAM_HEADERS: Final = {
    "lambda-runtime-function-response-mode": "streaming",
    "trailer": f"{ERROR_TYPE}, {ERROR_BODY}",
}
MAX_TRAILER: Final = 2_100  # bytes of an error object that trails, before it is in base64
# Ours, where AWS has nothing: `adapter run` cancels an invocation by hanging up on it.
_HANG_UP: Final = "adapter-hang-up"
HANG_UP: Final = {_HANG_UP: "cancel"}


def response_path(request_id: str) -> str:
    """Where an invocation's response is posted."""
    return f"/{VERSION}/runtime/invocation/{request_id}/response"


def error_path(request_id: str) -> str:
    """Where an invocation's error is posted."""
    return f"/{VERSION}/runtime/invocation/{request_id}/error"


# Named tuples, because to define a frozen dataclass takes eight times as long, at each cold start.
class Invocation(NamedTuple):
    """One answer of `/next`: the event's bytes and what the headers say about it.

    `deadline_ms` is Unix time in milliseconds. `invocation_id` tells attempts of one request
    apart and is echoed with the answer; older endpoints leave it out. `cancellable` says that the
    Runtime API hangs up where nobody waits for the answer any more; only the local one does.
    """

    request_id: str
    body: bytes
    deadline_ms: int = 0
    function_arn: str = ""
    trace_id: str = ""
    client_context: str = ""
    cognito_identity: str = ""
    tenant_id: str = ""
    invocation_id: str = ""
    cancellable: bool = False

    @classmethod
    def parse(cls, headers: Mapping[str, str], body: bytes) -> "Invocation":
        """Read headers (lower-case names) and body. Raises KeyError without a request id."""
        deadline = headers.get(DEADLINE_MS, "0")
        return cls(
            request_id=headers[REQUEST_ID],
            body=body,
            deadline_ms=int(deadline) if _is_time(deadline) else 0,
            function_arn=headers.get(FUNCTION_ARN, ""),
            trace_id=headers.get(TRACE_ID, ""),
            client_context=headers.get(CLIENT_CONTEXT, ""),
            cognito_identity=headers.get(COGNITO_IDENTITY, ""),
            tenant_id=headers.get(TENANT_ID, ""),
            invocation_id=headers.get(INVOCATION_ID, ""),
            cancellable=headers.get(_HANG_UP) == HANG_UP[_HANG_UP],
        )

    def answer_headers(self) -> dict[str, str]:
        """Headers that every answer to this invocation carries."""
        return {INVOCATION_ID: self.invocation_id} if self.invocation_id else {}

    def remaining_ms(self) -> int:
        """Milliseconds until the deadline, never negative."""
        return max(0, self.deadline_ms - int(time.time() * 1000))


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


class Failure(NamedTuple):
    """A function error: the body that Lambda hands to the caller.

    `told` has the classes and the state of the exception, so that the caller catches it as what it
    is (`adapter.calls.error_object`). AWS's error object has no such fields, and allows them.
    """

    error_type: str
    message: str
    stack_trace: tuple[str, ...] = ()
    told: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Describe an exception, without the frames that led to the user's; never raises."""
        from adapter.calls.error_object import told_of  # noqa: PLC0415 - failures only
        from adapter.errors import RemoteError  # noqa: PLC0415 - see above

        message = _text(error)
        return cls(
            # What another deployment raised keeps its type on the way through this one.
            error_type=error.error_type if isinstance(error, RemoteError) else type(error).__name__,
            message=message,
            stack_trace=tuple(_stack(error)),
            told=told_of(error, message),
        )

    def body(self) -> bytes:
        """The JSON that is posted."""
        error: dict[str, Any] = {
            "errorType": self.error_type,
            "errorMessage": self.message,
            "stackTrace": list(self.stack_trace),
        }
        error |= self.told
        return json.dumps(error, default=str).encode()

    def trailers(self) -> dict[str, str]:
        """What ends a response that had begun.

        The server that reads them, written in Go, gives up on more than 4 KB of trailers, and with
        it on the environment. So the state of the exception is left out, of the frames those
        furthest from the error, and then the end of the message and the classes.
        """
        classes = {name: told for name, told in self.told.items() if name == "errorClasses"}
        short = self._replace(told=classes)
        while len(short.body()) > MAX_TRAILER and short.stack_trace:
            short = short._replace(stack_trace=short.stack_trace[1:])
        short = short._replace(error_type=self.error_type[:80])  # as long as in `headers`
        if len(short.body()) > MAX_TRAILER:
            short = short._replace(told={})
        while len(short.body()) > MAX_TRAILER:
            short = short._replace(message=short.message[: len(short.message) // 2])
        return {
            ERROR_TYPE: short.headers()[ERROR_TYPE],
            ERROR_BODY: base64.b64encode(short.body()).decode("ascii"),
        }

    def headers(self) -> dict[str, str]:
        """The category that Lambda reports in its metrics."""
        error_type = self.error_type[:80].encode("ascii", "backslashreplace").decode()
        return {ERROR_TYPE: f"Function.{error_type}", "content-type": "application/json"}

    def text(self) -> str:
        """The log record."""
        trace = "".join(self.stack_trace).rstrip()
        head = f"[ERROR] {self.error_type}: {self.message}"
        return f"{head}\nTraceback (most recent call last):\n{trace}" if trace else head


# Between the Runtime API and the user's code: our frames, the loop, a thread, the import.
_MACHINERY = ("adapter", "asyncio", "concurrent.futures", "importlib")
# Between us and the user's code where that is a web application. contextlib is what enters its
# lifespan and its dependencies.
_FRAMEWORKS = ("anyio", "contextlib", "fastapi", "starlette")


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as failure:  # noqa: BLE001 - the user's own __str__
        return f"<no text: __str__ raised {type(failure).__name__}>"
    # The callee's traceback, which ends its text, goes where the frames are.
    return text.partition(f"\n\n{trace}")[0] if (trace := _remote_trace(error)) else text


def _remote_trace(error: BaseException) -> str:
    from adapter.errors import RemoteError  # noqa: PLC0415 - failures only

    return error.remote_traceback.rstrip() if isinstance(error, RemoteError) else ""


def _stack(error: BaseException) -> list[str]:
    """Format the tracebacks, causes first, without what lies before the user's code."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None and cause not in chain:
        chain.append(cause)
    lines: list[str] = []
    for cause in reversed(chain[1:]):
        lines += [*_frames(cause), f"{type(cause).__name__}: {_text(cause)}\n"]
        lines.append("The above exception was the direct cause of:\n")
    return lines + _frames(error)


def _frames(error: BaseException) -> list[str]:
    stack = traceback.extract_tb(error.__traceback__)
    users = _users(stack)
    shown = stack[users.start :] if users else stack[-1:]
    if isinstance(error, AdapterError):
        # It says what is wrong; where in our code it is raised says no more.
        shown = stack[users.start : users.stop]
    own = traceback.StackSummary.from_list(shown).format()
    if not (trace := _remote_trace(error)):
        return own
    remote = [f"{line}\n" for line in trace.split("\n")]
    return [*remote, f"{_text(error)}\n", "The above exception was the direct cause of:\n", *own]


def _users(stack: traceback.StackSummary) -> range:
    """Return from which frame of the user's to which, else of the frameworks'; else none."""
    for modules in ((*_MACHINERY, *_FRAMEWORKS), _MACHINERY):
        others = ("<frozen ", *_files(modules))
        users = [at for at, frame in enumerate(stack) if not frame.filename.startswith(others)]
        if users:
            return range(users[0], users[-1] + 1)
    return range(0)


def _files(modules: tuple[str, ...]) -> list[str]:
    """Return the folders and files of modules; what is not loaded has no frames."""
    found = (getattr(sys.modules.get(name), "__file__", None) for name in modules)
    return [str(file).removesuffix("__init__.py") for file in found if file]


def to_json(result: Any) -> bytes:
    """Write a handler's result; bytes are sent as they are.

    Raises TypeError or ValueError for what JSON cannot say.
    """
    return result if isinstance(result, bytes) else json_bytes.dump(result)
