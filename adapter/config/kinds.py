"""Which values of YAML an annotation admits, and how both are called in a message."""

import dataclasses
import types
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from adapter.serve.options import Default

_PLAIN = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    type(None): "null",
}
_LISTS = (list, tuple, Sequence)


def bare(kind: Any) -> Any:
    """Return an annotation without what `Annotated` adds."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def alternatives(kind: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the annotation itself; `Default` is what nobody writes."""
    if get_origin(kind) in (Union, types.UnionType):
        return tuple(member for member in get_args(kind) if member is not Default)
    return (kind,)


def is_table(kind: Any) -> bool:
    """Whether it is a dataclass, whose fields are the keys of a mapping."""
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)


def is_mapping(kind: Any) -> bool:
    """Whether it is a mapping with keys of the user's own."""
    return get_origin(kind) in (dict, Mapping)


def is_list(kind: Any) -> bool:
    """Whether it is a list; in Python it may be a tuple."""
    return get_origin(kind) in _LISTS


def is_choice(kind: Any) -> bool:
    """Whether it is one of several words."""
    return isinstance(kind, type) and issubclass(kind, Enum)


def admits(kind: Any, value: Any) -> bool:
    """Tell whether a value is of a kind; what is inside of it is not looked at."""
    kind = bare(kind)
    if get_origin(kind) is Literal or is_choice(kind):
        return any(type(value) is type(word) and value == word for word in _words(kind))
    if is_table(kind) or is_mapping(kind):
        return isinstance(value, dict)
    if is_list(kind):
        return isinstance(value, list)
    if kind is float:
        return type(value) in (int, float)
    return kind is Any or type(value) is kind


def expected(kinds: Sequence[Any]) -> str:
    """Write what any of the kinds admits: "a whole number or 'auto'"."""
    names = dict.fromkeys(name for kind in kinds if (name := _name(bare(kind))))
    return " or ".join(names)


def _name(kind: Any) -> str:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if get_origin(kind) is Literal or is_choice(kind):
        words = [repr(word) for word in _words(kind)]
        return words[0] if len(words) == 1 else f"one of {', '.join(words)}"
    if is_table(kind) or is_mapping(kind):
        return "a mapping"
    return "a list" if is_list(kind) else ""


def _words(kind: Any) -> list[Any]:
    return [member.value for member in kind] if is_choice(kind) else list(get_args(kind))


def found(value: Any) -> str:
    """Write what there is instead: "the text 'many'"."""
    if isinstance(value, (dict, list)):
        what = "mapping" if isinstance(value, dict) else "list"
        return f"a {what}" if value else f"an empty {what}"
    if isinstance(value, str):
        return f"the text {value!r:.80}"
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else f"{value}"
