"""Values on the wire: JSON, with tags for what JSON cannot say.

A tag is an object with the one key `$bytes`, `$datetime`, ... from the closed list below. Nothing
is imported because a value names it.

Pydantic models, dataclasses and members of enums travel as plain values, which the receiver
rebuilds from its own type hints (`adapter.calls.rebuild`). Between handles and deployments, with
`objects=True`, they travel with the name of their class, which is looked up among the classes that
the receiver has loaded (`adapter.calls.objects`).

Values nest at most 128 levels deep, here and there: beyond Python's own limit an error may come out
of anything, even out of an import that then cannot be repeated.

No value has a type whose module was never loaded. So what is only asked for is looked up in
`sys.modules`, and a function that has no Decimal never loads `decimal`.
"""

import dataclasses
import importlib
import math
import re
import reprlib
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from adapter import json_bytes
from adapter.errors import InvalidCall, NotSerializable

MOST_DEPTH: Final = 128  # levels of containers in one value


class NestedTooDeeply(NotSerializable):
    """A value has more levels than may travel, or holds itself."""

    def __init__(self, path: str) -> None:
        TypeError.__init__(
            self,
            f"{path:.200} is nested more than {MOST_DEPTH} levels deep, or holds itself. "
            "That cannot travel between functions.",
        )


def dumps(value: Any, path: str = "the value", *, objects: bool = False) -> bytes:
    """Encode a value as JSON with tags; `objects` as in `pack`.

    Raises `NotSerializable` where it holds something that cannot travel; `path` names it there.
    """
    return json_bytes.dump(pack(value, path, objects=objects))


def loads(data: bytes | str) -> Any:
    """Decode an answer, or any plain JSON, with objects. Raises `InvalidCall` for anything else."""
    try:
        return unpack(json_bytes.load(data), objects=True)
    except (ValueError, RecursionError) as error:
        raise InvalidCall(f"not a JSON value: {error}") from error


def pack(value: Any, path: str = "the value", depth: int = 0, *, objects: bool = False) -> Any:
    """Turn a value into what `json` can write; `depth` says how many levels are around it.

    `objects` names the classes of models, dataclasses and enums. Raises `NotSerializable`.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if depth >= MOST_DEPTH:
        raise NestedTooDeeply(path)
    if kind is dict:
        return _pack_dict(value, path, depth, objects=objects)
    if kind is list:
        return [pack(item, path, depth + 1, objects=objects) for item in value]
    if objects and _may_be_object(value):
        named = _pack_object(value, path, depth)
        if named is not None:
            return named
    return _pack_other(value, path, depth, objects=objects)


_BUILTINS: tuple[type[Any], ...] = (str, int, float, dict, list)
_PLAIN = frozenset({str, int, bool, type(None)})


def _pack_dict(
    value: Mapping[Any, Any],
    path: str,
    depth: int,
    *,
    objects: bool,
) -> dict[str, Any]:
    if all(type(key) is str for key in value) and not _looks_tagged(value):
        return {
            key: pack(item, f"{path}[{key!r}]", depth + 1, objects=objects)
            for key, item in value.items()
        }
    return {
        "$dict": [
            [
                pack(key, path, depth + 2, objects=objects),
                pack(item, f"{path}[{key!r}]", depth + 2, objects=objects),
            ]
            for key, item in value.items()
        ],
    }


def _looks_tagged(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith("$")


def _pack_other(value: Any, path: str, depth: int, *, objects: bool) -> Any:
    if isinstance(value, Enum):  # before the types that it may be besides
        return pack(value.value, path, depth, objects=objects)
    for container, tag in _CONTAINER_TAGS.items():
        if isinstance(value, container):
            return {tag: [pack(item, path, depth + 1, objects=objects) for item in value]}
    for kind, tag, write in _WRITERS:
        if isinstance(value, kind):
            return {tag: write(value)}
    for standard in _STANDARD_TYPES:
        if standard.describes(value):
            return {standard.tag: standard.write(value)}
    return _pack_foreign(value, path, depth, objects=objects)


def _pack_foreign(value: Any, path: str, depth: int, *, objects: bool) -> Any:
    if type(value).__module__ == "numpy":
        return _pack_numpy(value, path)
    return pack(_plain(value, path), path, depth, objects=objects)


def _may_be_object(value: Any) -> bool:
    if isinstance(value, Enum):
        return True
    kind = type(value)
    is_object = dataclasses.is_dataclass(kind) or hasattr(kind, "model_dump")
    return is_object and not isinstance(value, _BUILTINS)


def _pack_object(value: Any, path: str, depth: int) -> Any:
    """Name the class of a model, dataclass or enum; None where its value has to travel as it is.

    It loops, and calls little, because each level of an object adds up to Python's own limit.
    """
    from adapter.calls.objects import take_apart  # noqa: PLC0415 - many calls have none

    found = take_apart(value)
    if found is None:
        return None
    name, parts = found
    try:
        if not parts.fields:
            return {"$value": [*name, pack(parts.content, path, depth + 1, objects=True)]}
        packed: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        for fields, into in zip((parts.content, parts.hidden), packed, strict=True):
            for key, item in fields.items():
                into[key] = pack(item, f"{path}.{key}", depth + 1, objects=True)
    except NestedTooDeeply:
        raise
    except NotSerializable:
        return None  # what it is for other programs may still travel
    content, hidden = packed
    more = {"hidden": hidden, "unset": list(parts.unset)}
    more = {key: state for key, state in more.items() if state}
    return {"$object": [*name, content, more] if more else [*name, content]}


def plain(value: Any) -> Any:
    """Return what a value is for a receiver that has none of its classes."""
    return unpack(pack(value))


def _plain(value: Any, path: str) -> Any:
    """Return what stands for a value of the user's own type: plainer, and of no own type."""
    for builtin in _BUILTINS:
        if isinstance(value, builtin):
            return builtin(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(type(value), "model_dump"):  # of the type: a handle has every attribute
        return value.model_dump(by_alias=True)  # as `model_validate` reads it
    responses = sys.modules.get("adapter.serve.responses")
    if responses is not None and isinstance(value, responses.ANY_RESPONSE):
        value.__reduce__()
    raise NotSerializable(value, path)


def _pack_numpy(value: Any, path: str) -> Any:
    # Objects stay here; fields have names that `dtype.str` leaves out.
    if not hasattr(value, "shape") or value.dtype.hasobject or value.dtype.names:
        raise NotSerializable(value, path)
    if value.shape == () and type(value).__name__ != "ndarray":
        if isinstance(item := value.item(), type(value)):  # longdouble: Python has no such type
            raise NotSerializable(value, path)
        return pack(item, path)
    data = b64encode(value.tobytes()).decode()
    return {"$ndarray": {"dtype": value.dtype.str, "shape": list(value.shape), "data": data}}


class _StandardType(NamedTuple):
    """A type of the standard library, or of Starlette, without loading it."""

    module: str
    name: str
    tag: str
    write: Callable[[Any], Any]
    read: Callable[[Any, Any], Any]  # of the type and the content

    def describes(self, value: Any) -> bool:
        # None also while another thread is loading the module.
        kind = getattr(sys.modules.get(self.module), self.name, None)
        return kind is not None and isinstance(value, kind)

    def restore(self, content: Any) -> Any:
        return self.read(getattr(importlib.import_module(self.module), self.name), content)


def _write_iso(name: str) -> Callable[[Any], str]:
    # As the standard library writes it: pandas' Timestamp, a datetime, writes it otherwise.
    return lambda value: getattr(sys.modules["datetime"], name).isoformat(value)


def _read_iso(kind: Any, content: Any) -> Any:
    return kind.fromisoformat(content)


def _read_text(kind: Any, content: Any) -> Any:
    return kind(content)


def _write_request(value: Any) -> Any:
    from adapter.calls import requests  # noqa: PLC0415 - hardly any call has one

    return requests.write(value)


def _read_request(kind: Any, content: Any) -> Any:
    from adapter.calls import requests  # noqa: PLC0415 - hardly any call has one

    return requests.read(kind, content)


_WRITERS: list[tuple[type | tuple[type, ...], str, Callable[[Any], Any]]] = [
    ((bytes, bytearray, memoryview), "$bytes", lambda value: b64encode(bytes(value)).decode()),
    (complex, "$complex", lambda value: [value.real, value.imag]),
]
# datetime is a date, so it comes first.
_STANDARD_TYPES = [
    _StandardType("datetime", "datetime", "$datetime", _write_iso("datetime"), _read_iso),
    _StandardType("datetime", "date", "$date", _write_iso("date"), _read_iso),
    _StandardType("datetime", "time", "$time", _write_iso("time"), _read_iso),
    _StandardType(
        "datetime",
        "timedelta",
        "$timedelta",
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda kind, content: kind(*content),
    ),
    _StandardType("decimal", "Decimal", "$decimal", str, _read_text),
    _StandardType("uuid", "UUID", "$uuid", str, lambda kind, content: kind(str(content))),
    _StandardType("pathlib", "PurePath", "$path", str, _read_text),
    _StandardType("starlette.requests", "Request", "$request", _write_request, _read_request),
]
_CONTAINER_TAGS: dict[type[Any], str] = {tuple: "$tuple", set: "$set", frozenset: "$frozenset"}


def unpack(value: Any, depth: int = 0, *, objects: bool = False) -> Any:
    """Turn what `json` read back into the values that were sent.

    With `objects` those of the classes that are loaded here are made again; without, their tags are
    ordinary objects, as any object with an unknown `$` key is. Raises `InvalidCall` for a tag whose
    content does not fit it, and for more than `MOST_DEPTH` levels, of which `depth` are around it.
    """
    is_list = isinstance(value, list)
    if not is_list and not isinstance(value, dict):
        return value
    if depth >= MOST_DEPTH:
        raise InvalidCall(f"a value is nested more than {MOST_DEPTH} levels deep")
    if is_list:
        return [unpack(item, depth + 1, objects=objects) for item in value]
    if len(value) == 1:
        tag, content = next(iter(value.items()))
        if tag in _CONTAINERS or tag in _READERS or (objects and tag in _OBJECTS):
            return _untag(tag, content, depth, objects=objects)
    return {key: unpack(item, depth + 1, objects=objects) for key, item in value.items()}


def _untag(tag: str, content: Any, depth: int, *, objects: bool) -> Any:
    try:
        if tag in _READERS:
            return _READERS[tag](content)
        if tag in _OBJECTS:
            return _read_object(content, depth, fields=tag == "$object")
        return _CONTAINERS[tag](_items(content, depth, objects=objects))
    except _UNFIT as error:
        raise InvalidCall(f"{tag} cannot hold {reprlib.repr(content)}: {error!s:.200}") from error


_UNFIT = (TypeError, ValueError, ArithmeticError, KeyError, AttributeError, ImportError)


def _items(content: Any, depth: int, *, objects: bool) -> list[Any]:
    if not isinstance(content, list):
        raise TypeError("not a list")
    return [unpack(item, depth + 1, objects=objects) for item in content]


_OBJECTS = frozenset({"$object", "$value"})


def _read_object(content: Any, depth: int, *, fields: bool) -> Any:
    from adapter.calls.objects import Parts, put_together  # noqa: PLC0415 - many calls have none

    match content:
        case [module, qualname, value] if not fields:
            parts = Parts(unpack(value, depth + 1, objects=True), fields=False)
        case [module, qualname, dict(sent), *more] if fields and len(more) < 2:
            hidden, unset = _more(*more)
            read: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
            for values, into in zip((sent, hidden), read, strict=True):
                for name, value in values.items():
                    into[name] = unpack(value, depth + 1, objects=True)
            parts = Parts(read[0], fields=True, hidden=read[1], unset=unset)
        case _:
            raise TypeError("not the name of a class and what it holds")
    return put_together(module, qualname, parts)


def _more(found: Any = MappingProxyType({})) -> tuple[Mapping[str, Any], tuple[Any, ...]]:
    """Return what an object holds besides its content. Raises AttributeError and TypeError."""
    hidden: Mapping[str, Any] = found.get("hidden", {})
    return hidden, tuple(found.get("unset", ()))


_DTYPE = r"[<>|=]?[A-Za-z?]+[0-9]{0,9}(\[[0-9]{0,9}[A-Za-z]{1,9}\])?"  # <f8, M8[ns], float32


def _read_ndarray(content: Mapping[str, Any]) -> Any:
    import numpy as np  # noqa: PLC0415 - only who sends arrays pays for it

    # NumPy also takes lists of fields there, which it parses as Python.
    if not re.fullmatch(_DTYPE, name := str(content["dtype"])):
        raise ValueError(f"no type of elements: {name!r:.100}")
    kind = np.dtype(name)
    if kind.hasobject:
        raise ValueError("arrays of objects do not travel")
    array = np.frombuffer(b64decode(content["data"], validate=True), dtype=kind)
    return array.reshape(content["shape"]).copy()


_READERS: dict[str, Callable[[Any], Any]] = {
    "$bytes": lambda content: b64decode(content, validate=True),
    **{standard.tag: standard.restore for standard in _STANDARD_TYPES},
    "$complex": lambda content: complex(*content),
    "$float": float,
    "$ndarray": _read_ndarray,
}
_CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {
    "$dict": dict,
    **{tag: kind for kind, tag in _CONTAINER_TAGS.items()},
}
