"""Lambda's error object, and what it tells besides of an exception of Python's.

    {"errorType": "OutOfOrder", "errorMessage": "...", "stackTrace": [...],
     "errorClasses": [["bench", "OutOfOrder"], ["builtins", "RuntimeError"]],
     "errorArgs": ["lamp", 7], "errorAttributes": {"code": 7}}

The last three are left out where they say no more than the first. The caller looks the classes up
among those that it has loaded, and takes the first that it finds.
"""

import dataclasses
import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from adapter import json_bytes
from adapter.calls import codec
from adapter.calls.loaded import loaded_class, name_of
from adapter.errors import InvocationError, Origin, RemoteError, caught_as, remote_error

MOST_STATE: Final = 32 * 1024  # bytes of `errorArgs` and `errorAttributes` together
_FAR_TOO_LARGE: Final = 32 * MOST_STATE  # bytes in memory; JSON is shorter, but not so much
_CLASSES, _ARGS, _ATTRIBUTES = TELLING = ("errorClasses", "errorArgs", "errorAttributes")


def told_of(error: BaseException, text: str) -> dict[str, Any]:
    """Return what the error object tells of an exception besides its `text`; never raises.

    What cannot travel, or is too large, is left out.
    """
    if isinstance(error, RemoteError) and error.told:
        return dict(error.told)  # what another deployment raised passes through this one
    if not isinstance(error, Exception):
        return {}  # no caller catches it as such
    room = _Room()
    args = room.packed(_args(error))
    attributes = {}
    if not isinstance(error, RemoteError):
        for name, value in list(vars(error).items()):
            if name == "never_ran" and isinstance(error, InvocationError):
                continue  # it is about our call, and the caller's did run
            if found := room.packed((value,)):
                attributes[str(name)] = found[0]
    classes = _class_names(type(error))
    if classes[:1] == [["builtins", type(error).__name__]] and args == [text] and not attributes:
        return {}
    told = {_CLASSES: classes, _ARGS: args, _ATTRIBUTES: attributes}
    return {name: value for name, value in told.items() if value or (name == _ARGS and args == [])}


class _Room:
    """How many bytes an exception's state may still take."""

    def __init__(self) -> None:
        self._left = MOST_STATE

    def packed(self, values: tuple[Any, ...]) -> list[Any] | None:
        """Return values as JSON writes them, None where they do not travel or fit."""
        try:
            if _is_far_too_large(values):
                return None  # it would be written for nothing, which takes memory itself
            packed: list[Any] = codec.pack(list(values), objects=True)
            size = len(json_bytes.dump(packed))
        except Exception:  # noqa: BLE001 - the user's objects; the failure itself has to be told
            return None
        if size > self._left:
            return None
        self._left -= size
        return packed


def _is_far_too_large(value: Any) -> bool:
    """Whether a value takes far more memory than may travel; it is looked at no further than that.

    What holds itself is, too.
    """
    left, inside = _FAR_TOO_LARGE, [value]
    while inside:
        value = inside.pop()
        size = getattr(value, "nbytes", 0)  # of an array that is a view of another
        left -= max(sys.getsizeof(value), size if isinstance(size, int) else 0)
        if left < 0:
            return True
        if isinstance(value, dict):
            inside += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            inside += value
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            inside += [getattr(value, field.name) for field in dataclasses.fields(value)]
        elif hasattr(type(value), "model_dump"):
            inside.append(vars(value))
    return False


def _args(error: Exception) -> tuple[Any, ...]:
    try:
        if isinstance(error, OSError):
            found: Any = OSError.__reduce__(error)[1]  # with the file's name, unlike `args`
            return tuple(found)
        return tuple(error.args)
    except Exception:  # noqa: BLE001 - a property of the user's
        return ()


def _class_names(kind: type[BaseException]) -> list[list[str]]:
    """Name what a caller may catch it as; the bases of a builtin class go without saying."""
    names: dict[tuple[str, str], None] = {}
    for base in kind.__mro__:
        caught = caught_as(base)
        if caught is not None and (name := name_of(caught)):
            names[name] = None
            if base.__module__ == "builtins":
                break
    return [list(name) for name in names]


def function_error(deployment: str, body: bytes) -> RemoteError:
    """Make the caller's exception from the body of a function error, whatever that holds."""
    return exception(deployment, parsed(body))


def exception(deployment: str, error: dict[str, Any]) -> RemoteError:
    """Make the caller's exception from an error object."""
    trace = error.get("stackTrace")
    error_type = str(error.get("errorType", "Unhandled"))
    return remote_error(
        str(error.get("errorMessage", "")),
        error_type=error_type,
        remote_traceback=[str(line) for line in trace] if isinstance(trace, list) else (),
        deployment=deployment,
        origin=_origin(error, error_type),
    )


def _origin(error: Mapping[str, Any], error_type: str) -> Origin:
    kinds, args = _kinds(error.get(_CLASSES)), _unpacked(error.get(_ARGS), list)
    return Origin(
        kinds=kinds,
        exact=bool(kinds) and kinds[0].__name__ == error_type,
        args=None if args is None else tuple(args),
        attributes=_unpacked(error.get(_ATTRIBUTES), dict) or {},
        told={name: error[name] for name in TELLING if name in error},
    )


def _kinds(names: Any) -> tuple[type[Exception], ...]:
    found: list[type[Exception]] = []
    for name in names if isinstance(names, list) else ():
        match name:
            case [module, qualname] if kind := loaded_class(module, qualname):
                caught = caught_as(kind)
                found += [caught] if caught is not None else []
    return tuple(found)


def _unpacked(packed: Any, kind: type[Any]) -> Any:
    """Return what args or attributes were, None where they are none that this process can read."""
    try:
        if not isinstance(packed, kind):
            return None
        if kind is dict:
            return {name: codec.unpack(one, 1, objects=True) for name, one in packed.items()}
        return [codec.unpack(one, 1, objects=True) for one in packed]
    except Exception:  # noqa: BLE001 - a class may be another one here; the error is what counts
        return None


def parsed(body: bytes | str) -> dict[str, Any]:
    """Read a JSON object; empty where it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def is_error_object(body: bytes) -> bool:
    """Whether a body is what a Python runtime posts as error."""
    return {"errorMessage", "errorType", "stackTrace"} <= parsed(body).keys()
