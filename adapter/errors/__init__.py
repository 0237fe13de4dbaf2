"""The errors of the adapter that a user may meet.

AdapterError                      catch this one
├── InvalidOption (ValueError)    a setting outside its allowed range
│   └── UnknownOption (TypeError) a setting that does not exist, or one of the wrong type
├── TargetError                   TARGET names no application
├── ConfigError                   a config file has mistakes; each with its line
├── PlanError                     an application that cannot be laid out as Lambda functions
│   ├── PlanFailed                planning in a process of its own, which said what is wrong
│   └── SeveralIngresses (ServeError)
│                                 HTTP reaches one deployment of an application
├── BuildError                    `adapter build` would overwrite what it did not write
├── StackError                    a deployed stack is not there, or AWS or sam refuses
├── LocalError                    `adapter run` or `serve.run` cannot serve: port, prefix
├── LifespanFailed                an application's startup or shutdown failed
├── Unhealthy                     a deployment's check_health failed
├── ServeError                    wrong use of handles and applications
│   ├── InvalidCall               a call event with a wrong field or an unknown method
│   ├── DeployFailed (RuntimeError)
│   │                             `serve.run`: a constructor or a lifespan startup failed
│   ├── RequestCancelledError     a handle call that was cancelled before its end
│   ├── BackPressureError         a request that was refused because too many wait
│   ├── DeploymentUnavailableError
│   │                             a call of an application that failed to deploy
│   └── ReplicaUnavailableError   Ray Serve's; nothing here raises it
├── SecretsNotRead                secrets that a function could not read when it started
├── UnsupportedEvent              an event this function has no use for
├── MessageNotSent                what a WebSocket API does not carry to a client
├── NotSerializable (TypeError)   a value that JSON with our tags cannot carry
├── InvocationError               an invoke that Lambda refused or that never arrived
│   └── Throttled (BackPressureError)
│                                 all the environments that the callee may have are busy
└── RemoteError                   an exception of the callee; see `remote_error`
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapter.errors.remote import Origin as Origin
    from adapter.errors.remote import RemoteError as RemoteError
    from adapter.errors.remote import caught_as as caught_as
    from adapter.errors.remote import remote_error as remote_error


class AdapterError(Exception):
    """Base class of every error the adapter raises on purpose."""


class InvalidOption(AdapterError, ValueError):
    """A setting has a value outside its allowed range."""


class UnknownOption(InvalidOption, TypeError):
    """There is no setting of that name, or its value is of the wrong type.

    A TypeError as well, as it is in Ray Serve and for any unknown keyword in Python.
    """


class TargetError(AdapterError):
    """A `module:attribute` cannot be imported or is not an application."""


class ConfigError(AdapterError):
    """A config file cannot be read, or holds mistakes; the message has all of them."""


class PlanError(AdapterError):
    """A bound application cannot be laid out as Lambda functions."""


class PlanFailed(PlanError):
    """What planning processes said that failed; `exit_code` is 2 for wrong use, 1 for a crash."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class BuildError(AdapterError):
    """`adapter build` cannot write its output."""


class StackError(AdapterError):
    """A deployed stack cannot be found, read or changed: AWS, SAM CLI or the stack refuses."""


class LocalError(AdapterError):
    """The local server cannot start or cannot serve an application."""


class LifespanFailed(AdapterError):
    """The application's lifespan startup failed, so this environment cannot serve."""


class Unhealthy(AdapterError):
    """The deployment's `check_health` failed, so this environment must not serve any longer."""


class ServeError(AdapterError):
    """A handle or an application is used in a way that cannot work."""


class SeveralIngresses(PlanError, ServeError):
    """An application has more than one deployment with `@serve.ingress`."""


class InvalidCall(ServeError):
    """A call event has a field of the wrong type or names a method that does not exist."""


class RequestCancelledError(ServeError):
    """A handle call was cancelled before its result, or its last item, was there."""

    request_id: str | None = None

    def __init__(self, request_id: str | None = None) -> None:
        super().__init__(request_id)
        self.request_id = request_id

    def __str__(self) -> str:
        which = f"Request {self.request_id}" if self.request_id else "Request"
        return f"{which} was cancelled."


class BackPressureError(ServeError):
    """A request was refused because too many wait already.

    An HTTP client gets `status_code`, 503 or 429, and where `retry_after_s` is a number of seconds
    a Retry-After header.
    """

    message: str = ""
    status_code: int = 503
    retry_after_s: float | None = None

    def __init__(
        self,
        num_queued_requests: int,
        max_queued_requests: int,
        status_code: int = 503,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(num_queued_requests, max_queued_requests, status_code, retry_after_s)
        self.message = (
            f"Request dropped due to backpressure (num_queued_requests={num_queued_requests}, "
            f"max_queued_requests={max_queued_requests})."
        )
        self.status_code = status_code
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.message


class DeploymentUnavailableError(ServeError):
    """A deployment takes no calls, because its application failed to deploy."""

    def __init__(self, deployment_id: object) -> None:
        super().__init__(deployment_id)
        self.message = f"{deployment_id} is unavailable because it failed to deploy."

    def __str__(self) -> str:
        return self.message


class ReplicaUnavailableError(ServeError):
    """A chosen replica is gone. It is Ray Serve's: Lambda chooses the environment itself."""

    def __init__(self, replica_id: object) -> None:
        super().__init__(replica_id)
        self.message = f"Replica {replica_id} is no longer available."

    def __str__(self) -> str:
        return self.message


class DeployFailed(ServeError, RuntimeError):
    """`serve.run` could not start an application; `__cause__` is what its code raised."""


class SecretsNotRead(AdapterError):
    """Secrets of a deployment could not be read; names and references are told, never values."""


class UnsupportedEvent(AdapterError):
    """An event is nothing that this function serves."""


class MessageNotSent(AdapterError):
    """A message to a WebSocket client is not text, or larger than API Gateway carries."""


class NotSerializable(AdapterError, TypeError):
    """A value cannot travel between functions."""

    def __init__(self, value: object, path: str) -> None:
        super().__init__(
            f"{path} is a {type(value).__module__}.{type(value).__qualname__}, which cannot travel "
            "between functions. Send plain values, bytes, dates, Decimal, UUID, NumPy arrays, "
            "dataclasses or Pydantic models.",
        )


class InvocationError(AdapterError):
    """Lambda refused an invoke, or the request never arrived.

    `status` is the HTTP status of Lambda's answer, or None where there was none; `reason` is
    Lambda's error code, such as `TooManyRequestsException`. `never_ran` says that the function
    surely did not run, so that sending the call again cannot do anything twice.
    """

    never_ran: bool = False

    def __init__(self, function: str, reason: str, detail: str, status: int | None = None) -> None:
        self.args = (f"{function}: {reason}: {detail}",)
        self.function = function
        self.reason = reason
        self.status = status


class Throttled(InvocationError, BackPressureError):
    """Lambda refused an invoke because every environment that the function may have is busy.

    A handle sends such a call again until the time of its caller is over; then it raises this. The
    cap is the function's reserved concurrency, or what the account has left. `retry_after_s` is
    what Lambda asked for, in seconds, None where it asked for nothing.
    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
    """

    def __init__(self, function: str, reason: str, detail: str, status: int | None = 429) -> None:
        BackPressureError.__init__(self, 0, 0)
        InvocationError.__init__(self, function, reason, detail, status)
        self.never_ran = True

    def __str__(self) -> str:
        return str(self.args[0])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'url'?" for the known name that is closest, "" where none is close."""
    import difflib  # noqa: PLC0415 - for errors only

    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


_REMOTE = ("Origin", "RemoteError", "caught_as", "remote_error")


if not TYPE_CHECKING:  # where it would make any name a good one

    def __getattr__(name: str) -> Any:
        if name not in _REMOTE:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        from adapter.errors import remote  # noqa: PLC0415 - a cold start without calls needs none

        globals().update({name: getattr(remote, name) for name in _REMOTE})
        return getattr(remote, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_REMOTE})
