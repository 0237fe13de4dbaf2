"""Values on the wire: JSON, with tags for what JSON cannot say.

A tag is an object with the one key `$bytes`, `$datetime`, ... from the closed list below. No tag
names code, so reading an event or an answer can never import or run anything of the sender's
choice. Pydantic models and dataclasses travel as plain objects; the receiver rebuilds them from
its own type hints (`adapter.calls.rebuild`).

Values nest at most 128 levels deep, here and there: beyond Python's own limit an error may come out
of anything, even out of an import that then cannot be repeated.

No value has a type whose module was never loaded. So what is only asked for is looked up in
`sys.modules`, and a function that has no Decimal never loads `decimal`.
"""

import dataclasses
import importlib
import json
import math
import re
import reprlib
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from enum import Enum
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


def dumps(value: Any, path: str = "the value") -> bytes:
    """Encode a value as JSON with tags.

    Raises `NotSerializable` where it holds something that cannot travel; `path` names it there.
    """
    return json_bytes.dump(pack(value, path))


def loads(data: bytes | str) -> Any:
    """Decode what `dumps` made, or any plain JSON. Raises `InvalidCall` where it is neither."""
    try:
        return unpack(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise InvalidCall(f"not a JSON value: {error}") from error


def pack(value: Any, path: str = "the value", depth: int = 0) -> Any:
    """Turn a value into what `json` can write; `depth` says how many levels are around it.

    Raises `NotSerializable`.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if depth >= MOST_DEPTH:
        raise NestedTooDeeply(path)
    if kind is dict:
        return _pack_dict(value, path, depth)
    if kind is list:
        return [pack(item, path, depth + 1) for item in value]
    return _pack_other(value, path, depth)


_BUILTINS: tuple[type[Any], ...] = (str, int, float, dict, list)
_PLAIN = frozenset({str, int, bool, type(None)})


def _pack_dict(value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
    if all(type(key) is str for key in value) and not _looks_tagged(value):
        return {key: pack(item, f"{path}[{key!r}]", depth + 1) for key, item in value.items()}
    return {
        "$dict": [
            [pack(key, path, depth + 2), pack(item, f"{path}[{key!r}]", depth + 2)]
            for key, item in value.items()
        ],
    }


def _looks_tagged(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith("$")


def _pack_other(value: Any, path: str, depth: int) -> Any:
    if isinstance(value, Enum):  # before the types that it may be besides
        return pack(value.value, path, depth)
    for container, tag in _CONTAINER_TAGS.items():
        if isinstance(value, container):
            return {tag: [pack(item, path, depth + 1) for item in value]}
    for kind, tag, write in _WRITERS:
        if isinstance(value, kind):
            return {tag: write(value)}
    for standard in _STANDARD_TYPES:
        if standard.describes(value):
            return {standard.tag: standard.write(value)}
    return _pack_foreign(value, path, depth)


def _pack_foreign(value: Any, path: str, depth: int) -> Any:
    if type(value).__module__ == "numpy":
        return _pack_numpy(value, path)
    return pack(_plain(value, path), path, depth)


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
    """A type of the standard library, without loading it."""

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
]
_CONTAINER_TAGS: dict[type[Any], str] = {tuple: "$tuple", set: "$set", frozenset: "$frozenset"}


def unpack(value: Any, depth: int = 0) -> Any:
    """Turn what `json` read back into the values that were sent.

    Raises `InvalidCall` for a tag whose content does not fit it, and for more than `MOST_DEPTH`
    levels, of which `depth` are around it. An object with an unknown `$` key is an ordinary object.
    """
    is_list = isinstance(value, list)
    if not is_list and not isinstance(value, dict):
        return value
    if depth >= MOST_DEPTH:
        raise InvalidCall(f"a value is nested more than {MOST_DEPTH} levels deep")
    if is_list:
        return [unpack(item, depth + 1) for item in value]
    if len(value) == 1:
        tag, content = next(iter(value.items()))
        if tag in _CONTAINERS or tag in _READERS:
            return _untag(tag, content, depth)
    return {key: unpack(item, depth + 1) for key, item in value.items()}


def _untag(tag: str, content: Any, depth: int) -> Any:
    try:
        if tag in _READERS:
            return _READERS[tag](content)
        return _CONTAINERS[tag](_items(content, depth))
    except (TypeError, ValueError, ArithmeticError, KeyError, ImportError) as error:
        raise InvalidCall(f"{tag} cannot hold {reprlib.repr(content)}: {error!s:.200}") from error


def _items(content: Any, depth: int) -> list[Any]:
    if not isinstance(content, list):
        raise TypeError("not a list")
    return [unpack(item, depth + 1) for item in content]


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
