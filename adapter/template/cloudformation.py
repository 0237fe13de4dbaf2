"""Plain data with CloudFormation's short functions, written as YAML that a person reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import indent
from typing import Any

import yaml

_TAGS = ("!Ref", "!Sub")


@dataclass(frozen=True, slots=True)
class Ref:
    """`!Ref`: the value of a resource or parameter, by its logical id."""

    name: str


@dataclass(frozen=True, slots=True)
class Sub:
    """`!Sub`: a text in which CloudFormation fills in `${...}`."""

    text: str


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
        tagged = isinstance(self.event, yaml.ScalarEvent) and self.event.tag in _TAGS
        if tagged and self.analysis is not None and self.analysis.allow_block_plain:
            return ""
        return '"' if style == "'" else style


_Dumper.add_representer(Ref, lambda dumper, ref: dumper.represent_scalar("!Ref", ref.name))
_Dumper.add_representer(Sub, lambda dumper, sub: dumper.represent_scalar("!Sub", sub.text))
