"""The errors of the adapter that a user may meet.

AdapterError                      catch this one
├── InvalidOption (ValueError)    a setting outside its allowed range
│   └── UnknownOption (TypeError) a setting that does not exist, or one of the wrong type
├── TargetError                   TARGET names no application
├── ConfigError                   a config file has mistakes; each with its line
├── PlanError                     an application that cannot be laid out as Lambda functions
├── BuildError                    `adapter build` would overwrite what it did not write
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
├── UnsupportedEvent              an event this function has no use for
├── NotSerializable (TypeError)   a value that JSON with our tags cannot carry
├── InvocationError               an invoke that Lambda refused or that never arrived
│   └── Throttled (BackPressureError)
│                                 all the environments that the callee may have are busy
└── RemoteError                   an exception of the callee; see `remote_error`
"""

import builtins
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


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


class BuildError(AdapterError):
    """`adapter build` cannot write its output."""


class LocalError(AdapterError):
    """The local server cannot start or cannot serve an application."""


class LifespanFailed(AdapterError):
    """The application's lifespan startup failed, so this environment cannot serve."""


class Unhealthy(AdapterError):
    """The deployment's `check_health` failed, so this environment must not serve any longer."""


class ServeError(AdapterError):
    """A handle or an application is used in a way that cannot work."""


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

    def details(self) -> dict[str, object]:
        """Return what travels with its type to the deployment that has called."""
        names = ("message", "status_code", "retry_after_s")
        return {name: getattr(self, name) for name in names}

    def take_details(self, details: object) -> None:
        """Be what was raised in another deployment, as far as its details are any."""
        match details:
            case {"message": str(message), "status_code": 503 | 429 as status, **more}:
                self.message, self.status_code = message, status
                match more:
                    case {"retry_after_s": int(seconds) | float(seconds)} if seconds >= 0:
                        self.retry_after_s = seconds


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


class UnsupportedEvent(AdapterError):
    """An event is nothing that this function serves."""

    def __init__(self, event: object) -> None:
        found = reprlib.repr(event)
        if isinstance(event, dict):
            found = f"an object with keys {sorted(map(str, event))}"
        if isinstance(event, dict) and _is_web_socket(event):
            super().__init__(
                "WebSocket APIs are not served yet: this function serves HTTP events and calls.",
            )
            return
        if isinstance(event, dict) and "requestContext" in event:
            super().__init__(
                "this deployment serves no HTTP: its class has neither @serve.ingress nor "
                "__call__, or the gateway is of a kind that is not served.",
            )
            return
        super().__init__(
            "this function serves HTTP events and calls of the form "
            '{"method": ..., "args": [...], "kwargs": {...}}; '
            f"it was invoked with {found[:300]}.",
        )


def _is_web_socket(event: dict[Any, Any]) -> bool:
    """Whether an event comes from a WebSocket API: only those have a connection with a kind."""
    context = event.get("requestContext")
    return isinstance(context, dict) and {"connectionId", "eventType"} <= context.keys()


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
    Lambda's error code, such as `TooManyRequestsException`.
    """

    def __init__(self, function: str, reason: str, detail: str, status: int | None = None) -> None:
        self.args = (f"{function}: {reason}: {detail}",)
        self.function = function
        self.reason = reason
        self.status = status


class Throttled(InvocationError, BackPressureError):
    """Lambda refused an invoke because every environment that the function may have is busy.

    It is the backpressure of Ray Serve where nothing queues: the cap is the function's reserved
    concurrency, or what the account has left.
    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
    """

    def __init__(self, function: str, reason: str, detail: str, status: int | None = 429) -> None:
        BackPressureError.__init__(self, 0, 0)
        InvocationError.__init__(self, function, reason, detail, status)

    def __str__(self) -> str:
        return str(self.args[0])


class RemoteError(AdapterError):
    """An exception raised inside another deployment.

    An exception of a builtin type arrives as that type as well: `except KeyError` catches the
    callee's KeyError, and an exception of its own class that derives from KeyError. So does a
    `ServeError`. `error_type` is the name of the callee's exception class, `message` its text,
    `remote_traceback` the callee's traceback, which is part of `str()`.
    """

    def __init__(
        self,
        message: str,
        *,
        error_type: str,
        remote_traceback: Sequence[str] = (),
        deployment: str = "",
    ) -> None:
        self.args = (message,)
        self.message = message
        self.error_type = error_type
        self.remote_traceback = "".join(remote_traceback)
        self.deployment = deployment

    @property
    def cause(self) -> Exception:
        """The callee's exception, as far as it can be made here.

        One of a builtin type comes back as that type, with the same text. Of any other type it is
        this error itself: no class of the callee's is looked up.
        """
        builtin = _builtin(self.error_type)
        if builtin is None:
            return self
        try:
            return builtin(self.message)
        except TypeError:  # UnicodeDecodeError, for one, takes more than a text
            return self

    def __str__(self) -> str:
        where = f" in deployment {self.deployment}" if self.deployment else ""
        text = f"{self.error_type}{where}: {self.message}"
        if not self.remote_traceback:
            return text
        # As a traceback ends, so that a text made of it reads as one.
        return f"{text}\n\n{self.remote_traceback.rstrip()}\n{self.error_type}: {self.message}"


def remote_error(
    message: str,
    *,
    error_type: str,
    remote_traceback: Sequence[str] = (),
    deployment: str = "",
    builtin: str = "",
) -> RemoteError:
    """Make the caller's exception for a function error, typed as the builtin where there is one.

    `builtin` is the name of the one that the callee's exception derives from.

    Only names of builtin exceptions, and `ServeError`, are looked up, so an answer can never name
    code of its choice.
    """
    return _remote_class(error_type, builtin)(
        message,
        error_type=error_type,
        remote_traceback=remote_traceback,
        deployment=deployment,
    )


# What Python itself gives a meaning on its way through a coroutine or an `async for`, and what
# cannot be made from a message alone.
_NEVER_BUILTIN = (StopIteration, StopAsyncIteration, BaseExceptionGroup)


# Ours that a program written for Ray Serve may catch, by the name that travels.
_OWN: Mapping[str, type[Exception]] = {
    "Throttled": BackPressureError,
    **{
        error.__name__: error
        for error in (
            ServeError,
            InvalidCall,
            RequestCancelledError,
            BackPressureError,
            DeploymentUnavailableError,
            ReplicaUnavailableError,
        )
    },
}


def _builtin(error_type: str) -> type[Exception] | None:
    found = getattr(builtins, error_type, None)
    if not (isinstance(found, type) and issubclass(found, Exception)):
        return None
    return None if issubclass(found, _NEVER_BUILTIN) else found


def _remote_class(error_type: str, builtin: str) -> type[RemoteError]:
    known = _OWN.get(error_type) or _builtin(error_type) or _builtin(builtin)
    if known is None:
        return RemoteError
    return type(f"Remote{known.__name__}", (RemoteError, known), {"__module__": __name__})


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'url'?" for the known name that is closest, "" where none is close."""
    import difflib  # noqa: PLC0415 - for errors only

    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
