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

import builtins
import contextlib
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple


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

    def __init__(self, event: object) -> None:
        found = reprlib.repr(event)
        if isinstance(event, dict):
            found = f"an object with keys {sorted(map(str, event))}"
        if isinstance(event, dict) and _is_web_socket(event):
            super().__init__(
                "this function has no WebSocket routes: only an application has, one given to "
                "@serve.ingress or to lambda_handler.",
            )
            return
        if isinstance(event, dict) and "requestContext" in event:
            super().__init__(
                "this deployment serves no HTTP: its class has neither @serve.ingress nor "
                "__call__, or the gateway is of a kind that is not served.",
            )
            return
        if isinstance(event, dict) and (source := _event_source(event)):
            super().__init__(
                f"this function is not subscribed to {source[:300]}. A deployment says with "
                "LambdaOptions(events=(...)) what it is subscribed to, and which method gets it.",
            )
            return
        super().__init__(
            "this function serves HTTP events and calls of the form "
            '{"method": ..., "args": [...], "kwargs": {...}}; '
            f"it was invoked with {found[:300]}.",
        )


def _event_source(event: dict[Any, Any]) -> str:
    """Say what another service's event is of, "" where that cannot be told."""
    if event.keys() == {"method", "event"}:
        return f"events for a method {event['method']!r}"
    if event.keys() >= {"detail-type", "source"}:
        return f"{event['detail-type']!r} of {event['source']!r}, by one rule or schedule alone"
    records = event.get("Records")
    record = records[0] if isinstance(records, list) and records else None
    if not isinstance(record, dict) or not isinstance(record.get("eventSource"), str):
        return ""
    if record["eventSource"] == "aws:s3":
        found = record.get("s3")
        bucket = found.get("bucket") if isinstance(found, dict) else None
        name = bucket.get("name") if isinstance(bucket, dict) else None
        return f"{record.get('eventName')!r} of the bucket {name!r}, or not for this key"
    return f"{record.get('eventSourceARN')!r} ({record['eventSource']})"


def _is_web_socket(event: dict[Any, Any]) -> bool:
    """Whether an event comes from a WebSocket API: only those have a connection with a kind."""
    context = event.get("requestContext")
    return isinstance(context, dict) and {"connectionId", "eventType"} <= context.keys()


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


class Origin(NamedTuple):
    """What is known here of the class and the state of a callee's exception.

    `kinds` are those of its classes that are loaded here, the nearest first, and `exact` says that
    this is the exception's own. `args` and `attributes` are the exception's, as far as they travel.
    `told` is what the callee has told of all that, for who passes it on.
    """

    kinds: tuple[type[Exception], ...] = ()
    exact: bool = False
    args: tuple[Any, ...] | None = None
    attributes: Mapping[str, Any] = MappingProxyType({})
    told: Mapping[str, Any] = MappingProxyType({})


_UNKNOWN = Origin()


class RemoteError(AdapterError):
    """An exception raised inside another deployment.

    It is of the callee's class as well, where the caller has loaded that, else of the nearest base
    class that it has: `except DocumentNotFound` catches the callee's DocumentNotFound, and `except
    KeyError` an exception of an unknown class that derives from KeyError. It has the attributes of
    the callee's exception. `error_type` is the name of the callee's exception class, `message` its
    text unless it has an attribute of that name, `remote_traceback` the callee's traceback, which
    is part of `str()`.
    """

    message: str
    error_type: str
    remote_traceback: str
    deployment: str
    _origin: Origin

    def __init__(
        self,
        message: str,
        *,
        error_type: str,
        remote_traceback: Sequence[str] = (),
        deployment: str = "",
        origin: Origin = _UNKNOWN,
    ) -> None:
        # Into the dict, past what a class of the user's that it may be of does with attributes.
        vars(self).update({"message": message, **origin.attributes})
        vars(self).update(
            error_type=error_type,
            remote_traceback="".join(remote_traceback),
            deployment=deployment,
            _origin=origin,
            _message=message,
        )

    def __init_subclass__(cls, **_options: Any) -> None:
        """Keep that of the user's class from seeing the class that is made of it here."""

    @property
    def told(self) -> Mapping[str, Any]:
        """What the callee has told of the class and the state of its exception."""
        return self._origin.told

    @property
    def _text(self) -> str:
        text: str = vars(self)["_message"]
        return text if "message" in self._origin.attributes else self.message

    @property
    def cause(self) -> Exception:
        """The callee's exception, as far as it can be made here.

        It has the class, `args` and attributes of the callee's, and nothing of its own code has run
        to make it. Where that class is not loaded here, it is this error itself.
        """
        origin = self._origin
        kind = None if origin.told else _builtin(self.error_type)
        kind = origin.kinds[0] if origin.exact else kind
        if kind is None:
            return self
        args = (self._text,) if origin.args is None else origin.args
        try:
            cause: Exception = _bare(kind, args)
            _builtin_base(kind).__init__(cause, *args)
        except Exception:  # noqa: BLE001 - UnicodeDecodeError, for one, takes more than a text
            return self
        vars(cause).update(origin.attributes)
        return cause

    def __str__(self) -> str:
        where = f" in deployment {self.deployment}" if self.deployment else ""
        text = f"{self.error_type}{where}: {self._text}"
        if not self.remote_traceback:
            return text
        # As a traceback ends, so that a text made of it reads as one.
        return f"{text}\n\n{self.remote_traceback.rstrip()}\n{self.error_type}: {self._text}"


def remote_error(
    message: str,
    *,
    error_type: str,
    remote_traceback: Sequence[str] = (),
    deployment: str = "",
    origin: Origin = _UNKNOWN,
) -> RemoteError:
    """Make the caller's exception for a function error, of the callee's class where it is known.

    Where `origin` tells of no classes, what has the name `error_type` among the builtin exceptions
    and those of Ray Serve is known. No constructor of the user's is called.
    """
    by_name = _OWN.get(error_type) or _builtin(error_type)
    known = origin.kinds if origin.told or by_name is None else (by_name,)
    made = _remote(known, (message,) if origin.args is None else origin.args)
    RemoteError.__init__(
        made,
        message,
        error_type=error_type,
        remote_traceback=remote_traceback,
        deployment=deployment,
        origin=origin,
    )
    return made


def _remote(known: Iterable[type[Exception]], args: tuple[Any, ...]) -> RemoteError:
    for kind in known:
        with contextlib.suppress(Exception):  # not every class can be derived from
            namespace = {"__module__": __name__}
            made: RemoteError = _bare(
                type(f"Remote{kind.__name__}", (RemoteError, kind), namespace),
                args,
            )
            with contextlib.suppress(Exception):  # it may take other arguments
                _builtin_base(kind).__init__(made, *args)
            return made
    return RemoteError.__new__(RemoteError, *args)


def _bare(kind: type[Any], args: tuple[Any, ...]) -> Any:
    """Make an exception without any code of its class."""
    base: Any = kind  # as Python asks: the one whose memory layout it has, not the first of its MRO
    while base.__module__ != "builtins":
        base = base.__base__
    return base.__new__(kind, *args)


def _builtin_base(kind: type[Any]) -> Any:
    return next(base for base in kind.__mro__ if base.__module__ == "builtins")


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


def caught_as(kind: type[Any]) -> type[Exception] | None:
    """Return the exception class that a caller gets for one that is loaded here, if it may be one.

    Of the adapter's own those that Ray Serve has: the others tell of what happened here.
    """
    if kind.__module__.partition(".")[0] == "adapter":
        return _OWN.get(kind.__name__)
    if not issubclass(kind, Exception) or issubclass(kind, _NEVER_BUILTIN) or kind is Exception:
        return None
    return kind


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'url'?" for the known name that is closest, "" where none is close."""
    import difflib  # noqa: PLC0415 - for errors only

    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
