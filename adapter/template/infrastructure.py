"""CloudFormation of the user's own, which becomes a part of template.yaml.

Its sections are those of CloudFormation. What the adapter writes itself, Transform and Globals for
instance, is not among them, so that nothing of the functions can change from there.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from adapter.errors import BuildError
from adapter.template.cloudformation import Ref, Sub, Tagged

SECTIONS = ("Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs")
# Said by every template, and the same in ours.
_HEAD = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Transform": "AWS::Serverless-2016-10-31",
}
_LAST = ("Resources", "Outputs")  # behind what the functions have in common


class _Located(dict[str, Any]):
    """A mapping that knows in which line each of its keys stands."""

    def __init__(self, pairs: Mapping[str, Any], lines: Mapping[str, int]) -> None:
        super().__init__(pairs)
        self.lines = lines


def with_infrastructure(
    template: Mapping[str, Any],
    path: Path,
    taken: Collection[str],
) -> dict[str, Any]:
    """Return our template with the sections of the file at `path`.

    `taken` are ids of resources that the SAM transform will make. Raises `BuildError`, with file
    and line, for what is no section and for names that are there twice.
    """
    shown = os.path.relpath(path) if path.resolve().is_relative_to(Path.cwd()) else str(path)
    added = _read(path, shown)
    _require_sections(added, shown)
    merged = {}
    for section in SECTIONS:
        ours, own = template.get(section, {}), _section(added, section, shown)
        reserved = taken if section == "Resources" else ()
        _require_free(own, {*ours, *reserved}, section, shown)
        if ours or own:
            merged[section] = {**ours, **own}
    head = {name: value for name, value in template.items() if not isinstance(value, Mapping)}
    first = {name: value for name, value in merged.items() if name not in _LAST}
    rest = {name: value for name, value in template.items() if name not in (head | merged)}
    return {**head, **first, **rest, **merged}


def _require_sections(added: _Located, shown: str) -> None:
    for name, value in added.items():
        if name in SECTIONS or name == "Description" or _HEAD.get(name) == value:
            continue
        raise BuildError(
            f"{shown}:{added.lines[name]}: expected one of {', '.join(SECTIONS)}; found {name!r}, "
            "which `adapter build` writes itself.",
        )
    for name in SECTIONS:
        _section(added, name, shown)


def _section(added: _Located, name: str, shown: str) -> _Located:
    found = added.get(name)
    if found is None:
        return _Located({}, {})
    if not isinstance(found, _Located):
        raise BuildError(f"{shown}:{added.lines[name]}: {name} must be a mapping.")
    return found


def _require_free(found: _Located, ours: Collection[str], section: str, shown: str) -> None:
    for name in found:
        if name in ours:
            raise BuildError(
                f"{shown}:{found.lines[name]}: {section} has {name!r}, which `adapter build` "
                "writes itself; give yours another name.",
            )


def _read(path: Path, shown: str) -> _Located:
    try:
        found = _load(path.read_text(encoding="utf-8-sig"), shown)
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{shown} cannot be read: {error}.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BuildError(f"{shown}:{line}: this is not valid YAML: {error.problem}.") from error
    if found is None:
        return _Located({}, {})
    if not isinstance(found, _Located):
        raise BuildError(f"{shown} must be a mapping of sections such as Resources.")
    return found


def _load(text: str, shown: str) -> Any:
    loader = _Loader(text, shown)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """Keeps CloudFormation's short functions, the lines of keys, and dates as text."""

    def __init__(self, text: str, shown: str) -> None:
        super().__init__(text)
        self.shown = shown


def _mapping(loader: _Loader, node: yaml.MappingNode) -> _Located:
    loader.flatten_mapping(node)
    lines: dict[str, int] = {}
    pairs = {}
    for key_node, value_node in node.value:
        key, line = str(loader.construct_object(key_node)), key_node.start_mark.line + 1
        if key in lines:
            raise BuildError(
                f"{loader.shown}:{line}: the key {key!r} is there twice, first in line "
                f"{lines[key]}.",
            )
        lines[key] = line
        pairs[key] = loader.construct_object(value_node, deep=True)
    return _Located(pairs, lines)


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


def _function(loader: _Loader, name: str, node: yaml.Node) -> Ref | Sub | Tagged:
    if isinstance(node, yaml.SequenceNode):
        return Tagged(f"!{name}", loader.construct_sequence(node, deep=True))
    if isinstance(node, yaml.MappingNode):
        return Tagged(f"!{name}", dict(_mapping(loader, node)))
    text = str(node.value)
    if name == "Ref":
        return Ref(text)
    return Sub(text) if name == "Sub" else Tagged(f"!{name}", text)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)
_Loader.add_multi_constructor("!", _function)
