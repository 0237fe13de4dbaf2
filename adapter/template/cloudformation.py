"""CloudFormation's templates as plain data: written as YAML that a person reads, and read.

What is written has the short functions (`Ref`, `Sub`, `GetAtt`, `Tagged`); what is read, in YAML or
in JSON, has the long ones, `{"Ref": "Table"}`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import indent
from typing import Any

import yaml

from adapter.errors import StackError

# `!Sub ${Name}` is a longer `!Ref Name`.
_ALONE = re.compile(r"\$\{([A-Za-z0-9]+)\}")


@dataclass(frozen=True, slots=True)
class Ref:
    """`!Ref`: the value of a resource or parameter, by its logical id."""

    name: str


@dataclass(frozen=True, slots=True)
class Sub:
    """`!Sub`: a text in which CloudFormation fills in `${...}`."""

    text: str


@dataclass(frozen=True, slots=True)
class GetAtt:
    """`!GetAtt`: an attribute of a resource, by the resource's logical id."""

    name: str
    attribute: str


def with_references(value: Any) -> Any:
    """Return what a user wrote for CloudFormation, with `${...}` filled in wherever it stands."""
    if isinstance(value, str):
        return _with_references(value)
    if isinstance(value, Mapping):
        return {name: with_references(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_references(item) for item in value]
    return value


def _with_references(text: str) -> "str | Ref | Sub":
    alone = _ALONE.fullmatch(text)
    if alone:
        return Ref(alone[1])
    return Sub(text) if "${" in text else text


@dataclass(frozen=True, slots=True)
class Tagged:
    """Any other short function, such as `!Select`, with its text, list or mapping."""

    tag: str
    value: Any


def write_template(template: Mapping[str, Any]) -> str:
    """Return `template` as YAML, with a blank line between sections and between resources."""
    return "\n".join(_section(name, value) for name, value in _grouped(template))


def _grouped(template: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Keep the one-line sections at the top together."""
    head = {name: value for name, value in template.items() if not isinstance(value, Mapping)}
    return [("", head), *((name, value) for name, value in template.items() if name not in head)]


def _section(name: str, value: Mapping[str, Any]) -> str:
    if name != "Resources":
        return _yaml({name: value} if name else value)
    resources = (indent(_yaml({key: one}), "  ") for key, one in value.items())
    return f"{name}:\n" + "\n".join(resources)


def _yaml(value: Mapping[str, Any]) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Indents lists, quotes only where YAML must, and repeats rather than refers (no anchors)."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's signature
        super().increase_indent(flow, indentless=False)

    def choose_scalar_style(self) -> str:
        style: str = super().choose_scalar_style()
        # PyYAML quotes every scalar that has a tag of ours; `!Ref Name` needs no quotes.
        tagged = isinstance(self.event, yaml.ScalarEvent) and _is_function(self.event.tag)
        if tagged and self.analysis is not None and self.analysis.allow_block_plain:
            return ""
        if style == "'" and '"' not in str(getattr(self.event, "value", "")):
            return '"'
        return style


def _is_function(tag: str | None) -> bool:
    return tag is not None and re.fullmatch(r"!\w+", tag) is not None


def _represent_tagged(dumper: yaml.SafeDumper, found: Tagged) -> yaml.Node:
    node = dumper.represent_data(found.value)
    node.tag = found.tag
    return node


_Dumper.add_multi_representer(dict, lambda dumper, found: dumper.represent_dict(found.items()))
_Dumper.add_representer(Tagged, _represent_tagged)
_Dumper.add_representer(
    GetAtt,
    lambda dumper, found: dumper.represent_scalar("!GetAtt", f"{found.name}.{found.attribute}"),
)
_Dumper.add_representer(Ref, lambda dumper, ref: dumper.represent_scalar("!Ref", ref.name))
_Dumper.add_representer(Sub, lambda dumper, sub: dumper.represent_scalar("!Sub", sub.text))


def read_template(text: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return a template with its functions in their long form: `!Ref Table` is `{"Ref": "Table"}`.

    botocore has parsed templates in JSON already. Raises `StackError` for what is no template.
    """
    if not isinstance(text, str):
        return _plain(text)
    try:
        found = yaml.load(text, Loader=_Reader)  # noqa: S506 - a SafeLoader with CloudFormation's tags
    except yaml.YAMLError as error:
        raise StackError(f"the template is not valid YAML: {error}.") from error
    if not isinstance(found, dict):
        raise StackError("the template is not a mapping with Resources.")
    return _plain(found)


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): _long(one) for key, one in value.items()}


def _long(value: Any) -> Any:
    """Write `Fn::GetAtt` as a list everywhere, and mappings as plain dicts."""
    if isinstance(value, Mapping):
        long = _plain(value)
        match long:
            case {"Fn::GetAtt": str(text)}:
                return {"Fn::GetAtt": text.split(".", 1)}
        return long
    return [_long(one) for one in value] if isinstance(value, list) else value


class _Reader(yaml.SafeLoader):
    """Reads CloudFormation's short functions, and dates as the text that they are there."""


def _long_function(loader: _Reader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101 - there is no fourth kind
        value = loader.construct_mapping(node, deep=True)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


def _date(loader: _Reader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Reader.add_multi_constructor("!", _long_function)
_Reader.add_constructor("tag:yaml.org,2002:timestamp", _date)
