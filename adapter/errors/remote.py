"""An exception of the callee, and what its caller gets for it."""

import builtins
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from adapter.errors import (
    AdapterError,
    BackPressureError,
    DeploymentUnavailableError,
    InvalidCall,
    ReplicaUnavailableError,
    RequestCancelledError,
    ServeError,
)

_TREE = "adapter.errors"  # where they are imported from, and what a traceback says


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

    __module__ = _TREE

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
            namespace = {"__module__": _TREE}
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
