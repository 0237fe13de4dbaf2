"""Objects of the user's classes on the wire: Pydantic models, dataclasses and enums.

    {"$object": ["shop", "Order", {"id": 5, "lines": [...]}]}       a model or a dataclass
    {"$value": ["shop", "Colour", "red"]}                           an enum's member, a root model

The third place holds what a receiver gets that does not have the class: what plain JSON would say.
A fourth one holds what that leaves out, where there is any: `hidden` fields and private attributes,
and the fields of a model that are `unset`.

The receiver looks the class up among those that it has loaded and makes the object without running
constructor and validators a second time: not every one of them takes what it has given, and the
object has to be equal to the one that was sent. Only where the class has other fields there, as it
has while one function is deployed before the other, are they run.
"""

import dataclasses
import sys
from collections.abc import Mapping
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

from adapter.calls.loaded import loaded_class, name_of
from adapter.calls.rebuild import rebuild


class Parts(NamedTuple):
    """An object taken apart, what it holds not yet packed."""

    content: Any  # of `fields` a dict
    fields: bool
    hidden: Mapping[str, Any] = {}
    unset: tuple[str, ...] = ()


class Name(NamedTuple):
    """Where a class is found."""

    module: str
    qualname: str


def take_apart(value: Any) -> tuple[Name, Parts] | None:
    """Return the name of a value's class and what the value is made of.

    None for what is none of the three kinds, whose class cannot be found by its name, or whose
    state is not what its class says.
    """
    kind = type(value)
    parts: Parts | None = None
    if (name := name_of(kind)) is None:
        return None
    if isinstance(value, Enum):
        parts = Parts(value.value, fields=False)
    elif dataclasses.is_dataclass(kind):
        parts = _of_dataclass(value)
    elif _is_model(kind):
        parts = _of_model(kind, value)
    return None if parts is None else (Name(*name), parts)


def _of_dataclass(value: Any) -> Parts:
    content = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    others = _others(type(value), getattr(value, "__dict__", {}), content)
    return Parts(content, fields=True, hidden=others)


def _of_model(kind: Any, value: Any) -> Parts | None:
    state, fields = vars(value), kind.model_fields
    if not fields.keys() <= state.keys() or _others(kind, state, fields):
        return None  # not validated, or more than a model, such as a row of SQLModel's
    if _is_root_model(kind):
        return Parts(state["root"], fields=False)
    keys, computed = _keys(kind), _computed(kind)
    extra = value.__pydantic_extra__ or {}
    if len({*keys, *computed, *extra}) < len(keys) + len(computed) + len(extra):
        return None
    content = {key: state[name] for key, name in keys.items()}
    content |= {key: getattr(value, name) for key, name in computed.items()}
    hidden = {name: state[name] for name in fields if name not in keys.values()}
    hidden |= value.__pydantic_private__ or {}
    unset = tuple(name for name in fields if name not in value.__pydantic_fields_set__)
    return Parts({**content, **extra}, fields=True, hidden=hidden, unset=unset)


def _others(kind: Any, state: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an object holds besides its fields and what it has only kept for later."""
    names = (name for name in state if name not in fields)
    kept = cached_property
    return {name: state[name] for name in names if not isinstance(getattr(kind, name, None), kept)}


def put_together(module: object, qualname: object, parts: Parts) -> Any:
    """Return the object again; its content where the class is not loaded, or of another kind.

    Raises TypeError, ValueError or `InvalidCall` where a value is not what the class holds.
    """
    kind: Any = loaded_class(module, qualname)
    if kind is None:
        return parts.content
    if not parts.fields:
        return _around_a_value(kind, parts.content)
    made: Any = None
    if any("__dataclass_fields__" in vars(base) for base in kind.__mro__):
        made = _dataclass(kind, parts)
    elif _is_model(kind) and not _is_root_model(kind):
        made = _model(kind, parts)
    return parts.content if made is None else made


def _around_a_value(kind: Any, content: Any) -> Any:
    if Enum in kind.__mro__ and kind.__members__:
        return kind(content)
    if _is_model(kind) and _is_root_model(kind):
        return _with_state(kind, {"root": content}, {"root"})
    return content


def _dataclass(kind: Any, parts: Parts) -> Any:
    if parts.content.keys() != {field.name for field in dataclasses.fields(kind)}:
        return rebuild(kind, parts.content, kind.__qualname__)
    try:
        made = object.__new__(kind)
    except TypeError:  # abstract, or one of a builtin type, which travels as that
        return None
    for name, value in parts.content.items():
        object.__setattr__(made, name, value)  # it may be frozen
    if parts.hidden:
        vars(made).update(parts.hidden)
    return made


def _model(kind: Any, parts: Parts) -> Any:
    keys, fields, computed = _keys(kind), kind.model_fields, _computed(kind)
    sent = {key: value for key, value in parts.content.items() if key not in computed}
    state = {keys[key]: value for key, value in sent.items() if key in keys}
    state |= {name: value for name, value in parts.hidden.items() if name in fields}
    extra = {key: value for key, value in sent.items() if key not in keys}
    allows_extra = kind.model_config.get("extra") == "allow"
    if state.keys() != fields.keys() or (extra and not allows_extra):
        return rebuild(kind, sent, kind.__qualname__)
    private = {name: value for name, value in parts.hidden.items() if name not in fields}
    return _with_state(
        kind,
        {name: state[name] for name in fields},
        {*fields, *extra}.difference(parts.unset),
        extra if allows_extra else None,
        private if kind.__private_attributes__ else None,
    )


def _with_state(
    kind: Any,
    fields: dict[str, Any],
    fields_set: set[str],
    extra: dict[str, Any] | None = None,
    private: dict[str, Any] | None = None,
) -> Any:
    """Make a model as `copy` and `pickle` do."""
    made = object.__new__(kind)
    _base_model().__setstate__(
        made,
        {
            "__dict__": fields,
            "__pydantic_fields_set__": fields_set,
            "__pydantic_extra__": extra,
            "__pydantic_private__": private,
        },
    )
    return made


def _base_model() -> Any:
    return getattr(sys.modules.get("pydantic.main"), "BaseModel", None)


def _is_model(kind: Any) -> bool:
    return _base_model() in kind.__mro__


def _is_root_model(kind: Any) -> bool:
    return bool(kind.__pydantic_root_model__)


def _keys(kind: Any) -> dict[str, str]:
    """Return the names of the fields by what `model_dump(by_alias=True)` calls them."""
    fields = kind.model_fields.items()
    return {field.serialization_alias or name: name for name, field in fields if not field.exclude}


def _computed(kind: Any) -> dict[str, str]:
    return {field.alias or name: name for name, field in kind.model_computed_fields.items()}
