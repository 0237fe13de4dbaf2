"""The errors of the adapter that a user may meet.

AdapterError                      catch this one
├── InvalidOption (ValueError)    a setting outside its allowed range
├── TargetError                   TARGET names no application
├── PlanError                     an application that cannot be laid out as Lambda functions
├── BuildError                    `adapter build` would overwrite what it did not write
├── LocalError                    `adapter run` or `serve.run` cannot serve: port, prefix
├── LifespanFailed                an application's startup or shutdown failed
├── Unhealthy                     a deployment's check_health failed
├── ServeError                    wrong use of handles and applications
│   └── RequestCancelledError     a handle call that was cancelled before its end
├── UnsupportedEvent              an event this function has no use for
├── InvalidCall                   a call event with a wrong field or an unknown method
├── NotSerializable (TypeError)   a value that JSON with our tags cannot carry
├── InvocationError               an invoke that Lambda refused or that never arrived
└── RemoteError                   an exception of the callee; see `remote_error`
"""

import builtins
from collections.abc import Sequence
from typing import Any


class AdapterError(Exception):
    """Base class of every error the adapter raises on purpose."""


class InvalidOption(AdapterError, ValueError):
    """A setting has a value outside its allowed range."""


class TargetError(AdapterError):
    """A `module:attribute` cannot be imported or is not an application."""


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


class RequestCancelledError(ServeError):
    """A handle call was cancelled before its result, or its last item, was there."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"Request {request_id} was cancelled.")
        self.request_id = request_id


class UnsupportedEvent(AdapterError):
    """An event is nothing that this function serves."""

    def __init__(self, event: object) -> None:
        found = repr(event)
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


class InvalidCall(AdapterError):
    """A call event has a field of the wrong type or names a method that does not exist."""


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
        super().__init__(f"{function}: {reason}: {detail}")
        self.function = function
        self.reason = reason
        self.status = status


class RemoteError(AdapterError):
    """An exception raised inside another deployment.

    An exception of a builtin type arrives as that type as well: `except KeyError` catches the
    callee's KeyError. `error_type` is the name of the callee's exception class, `message` its
    text, `remote_traceback` the callee's traceback, which is part of `str()`.
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

    def __str__(self) -> str:
        where = f" in deployment {self.deployment}" if self.deployment else ""
        text = f"{self.error_type}{where}: {self.message}"
        return f"{text}\n\n{self.remote_traceback.rstrip()}" if self.remote_traceback else text


def remote_error(
    message: str,
    *,
    error_type: str,
    remote_traceback: Sequence[str] = (),
    deployment: str = "",
) -> RemoteError:
    """Make the caller's exception for a function error, typed as the builtin where there is one.

    Only names of builtin exceptions are looked up, so an answer can never name code of its choice.
    """
    return _remote_class(error_type)(
        message,
        error_type=error_type,
        remote_traceback=remote_traceback,
        deployment=deployment,
    )


# What Python itself gives a meaning on its way through a coroutine or an `async for`, and what
# cannot be made from a message alone.
_NEVER_BUILTIN = (StopIteration, StopAsyncIteration, BaseExceptionGroup)


def _remote_class(error_type: str) -> type[RemoteError]:
    builtin = getattr(builtins, error_type, None)
    if not (isinstance(builtin, type) and issubclass(builtin, Exception)):
        return RemoteError
    if issubclass(builtin, _NEVER_BUILTIN):
        return RemoteError
    return type(f"Remote{error_type}", (RemoteError, builtin), {"__module__": __name__})
