"""Rebuild Pydantic models, dataclasses and enums from the receiver's own type hints."""

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple

from adapter.calls import codec
from adapter.errors import InvalidCall


class Signature:
    """The parameters of a method as far as they say which types to rebuild."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._hints = _hints(method)
        try:
            self._signature: inspect.Signature | None = inspect.signature(method)
        except (TypeError, ValueError):
            self._signature = None

    def rebuild(
        self,
        args: list[Any],
        kwargs: dict[str, Any],
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with the hinted types in place of plain objects.

        Raises TypeError where they do not fit the parameters, as the call itself would, and
        `InvalidCall` where a plain object does not fit the hinted type.
        """
        if not self._hints or self._signature is None:
            return tuple(args), kwargs
        bound = self._signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            hint = self._hints.get(name)
            if hint is not None:
                kind = self._signature.parameters[name].kind
                try:
                    bound.arguments[name] = _rebuild_parameter(kind, hint, value, name)
                except RecursionError as error:
                    raise InvalidCall(f"argument {name!r} is nested too deeply") from error
        return bound.args, bound.kwargs


def _hints(method: Callable[..., Any]) -> dict[str, Any]:
    try:
        hints = typing.get_type_hints(method)
    except Exception:  # noqa: BLE001 - a hint may name anything; without it values stay plain
        return {}
    hints.pop("return", None)
    if hasattr(method, "set_max_batch_size"):  # `serve.batch`: a caller sends one, it takes a list
        hints = {name: _element(hint) for name, hint in hints.items()}
    return {name: hint for name, hint in hints.items() if _needs_rebuilding(hint)}


def _element(hint: Any) -> Any:
    """Return what a list, or one of its abstract kinds, is hinted to hold."""
    return next(iter(typing.get_args(hint)), Any)


def _needs_rebuilding(hint: Any) -> bool:
    return _is_model(hint) or any(_needs_rebuilding(part) for part in typing.get_args(hint))


def _is_model(hint: Any) -> bool:
    return isinstance(hint, type) and (
        dataclasses.is_dataclass(hint) or hasattr(hint, "model_validate") or issubclass(hint, Enum)
    )


def _rebuild_parameter(kind: Any, hint: Any, value: Any, name: str) -> Any:
    if kind is inspect.Parameter.VAR_POSITIONAL:
        return tuple(rebuild(hint, item, name) for item in value)
    if kind is inspect.Parameter.VAR_KEYWORD:
        return {key: rebuild(hint, item, name) for key, item in value.items()}
    return rebuild(hint, value, name)


class _Outcome(NamedTuple):
    """What became of a part of a union; hint and value, so that their ids stay theirs."""

    hint: Any
    value: Any
    rebuilt: Any
    failure: InvalidCall | None = None


# By the ids of hint and value. Where unions nest, each level tries its parts, and what is below
# would be tried anew for every one of them: twice as often with each level.
_Tried = dict[tuple[int, int], _Outcome]


def rebuild(hint: Any, value: Any, name: str, tried: _Tried | None = None) -> Any:
    """Turn a plain value into the hinted type where the hint asks for one.

    `tried` is what is known of its parts already. Raises `InvalidCall` naming the parameter where
    the value does not fit.
    """
    tried = {} if tried is None else tried
    if _is_model(hint):
        return _rebuild_model(hint, value, name, tried)
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _rebuild_union(parts, value, name, tried)
    if not isinstance(origin, type):
        return value
    if issubclass(origin, Mapping) and isinstance(value, dict) and len(parts) == 2:
        keys, items = parts
        return {
            rebuild(keys, key, name, tried): rebuild(items, item, name, tried)
            for key, item in value.items()
        }
    if issubclass(origin, Iterable) and isinstance(value, (list, tuple, set, frozenset)):
        return _rebuild_items(origin, parts, value, name, tried)
    return value


def _rebuild_items(
    origin: type,
    parts: tuple[Any, ...],
    value: Collection[Any],
    name: str,
    tried: _Tried,
) -> Any:
    """Rebuild what a list, a set, a tuple or one of their abstract kinds holds.

    Only our own callers can tag tuples and sets; everybody else sends lists for them.
    """
    if origin is not tuple or parts[-1:] == (Ellipsis,):
        parts = parts[:1] * len(value)
    if len(parts) != len(value):
        raise InvalidCall(f"argument {name!r} must hold {len(parts)} values, found {value!r:.100}")
    kind: Any = origin if origin in (list, set, frozenset, tuple) else type(value)
    return kind(rebuild(part, item, name, tried) for part, item in zip(parts, value, strict=True))


def _rebuild_union(parts: tuple[Any, ...], value: Any, name: str, tried: _Tried) -> Any:
    if value is None and type(None) in parts:
        return None
    if any(_is_model(part) and isinstance(value, part) for part in parts):
        return value  # it fits as it is, another part may fit its fields only
    failure: InvalidCall | None = None
    for part in parts:
        outcome = _outcome(part, value, name, tried)
        failure = outcome.failure or failure
        if outcome.failure is None and outcome.rebuilt is not value:
            return outcome.rebuilt
    plain = any(isinstance(part, type) and isinstance(value, part) for part in parts)
    if failure is not None and not plain:
        raise failure
    return value


def _outcome(hint: Any, value: Any, name: str, tried: _Tried) -> _Outcome:
    key = (id(hint), id(value))
    if key in tried:
        return tried[key]
    try:
        outcome = _Outcome(hint, value, rebuild(hint, value, name, tried))
    except InvalidCall as error:
        outcome = _Outcome(hint, value, None, error)
    if isinstance(value, dict | list):  # others may be one object in several places
        tried[key] = outcome
    return outcome


def _rebuild_model(hint: Any, value: Any, name: str, tried: _Tried) -> Any:
    if isinstance(value, hint):
        return value
    if _is_model(type(value)):  # of another class, whose fields may be what is asked for
        value = codec.plain(value)
    try:
        if hasattr(hint, "model_validate"):
            return hint.model_validate(value)
        if issubclass(hint, Enum):
            return hint(value)
        return _rebuild_dataclass(hint, value, name, tried)
    except InvalidCall:
        raise
    except (TypeError, ValueError, NameError) as error:
        raise InvalidCall(f"argument {name!r} is no {hint.__name__}: {error!s:.1000}") from error


def _rebuild_dataclass(hint: Any, value: Any, name: str, tried: _Tried) -> Any:
    if not isinstance(value, Mapping):
        raise InvalidCall(f"argument {name!r} is no {hint.__name__}: {value!r:.100}")
    hints = _hints_of_class(hint)
    made_inside = {field.name for field in dataclasses.fields(hint) if not field.init}
    sent = {key: item for key, item in value.items() if key not in made_inside}
    return hint(**{key: rebuild(hints.get(key), item, key, tried) for key, item in sent.items()})


@functools.cache
def _hints_of_class(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)
