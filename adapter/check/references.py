"""References to what the template does not have, which CloudFormation refuses."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from adapter.check.stack import Stack, items, mapping
from adapter.check.values import Fault
from adapter.template.cloudformation import read_template, write_template

# `${!Name}` is written out, and `${AWS::Region}` is always there.
_IN_TEXT = re.compile(r"\$\{([A-Za-z0-9]+)[.}]")
_SECTIONS = ("Resources", "Outputs", "Conditions", "Rules")


def unknown(stack: Stack) -> Iterator[Fault]:
    """`!Ref`, `!GetAtt` and `${...}` name a resource or a parameter.

    What the SAM transform makes begins with the id of what it is made of: `GatewayAliaslive`.
    """
    template = read_template(write_template(stack.template))
    known = {*mapping(template.get("Resources")), *mapping(template.get("Parameters"))}
    owners = {one.logical_id: one.where for one in stack.resources}
    for section in _SECTIONS:
        for where, written in mapping(template.get(section)).items():
            missing = dict.fromkeys(name for name in _references(written) if name not in known)
            for name in missing:
                if not _is_made_by_sam(name, known):
                    yield Fault(
                        owners.get(where, where),
                        f"{where} refers to {name}, which is neither a resource nor a parameter of "
                        "the template.",
                        "Correct the name, or add the resource to the template of your own "
                        "(template in [tool.adapter]).",
                        where,
                    )


def _is_made_by_sam(name: str, known: set[str]) -> bool:
    return name.startswith("Serverless") or any(name.startswith(one) for one in known)


def _references(value: Any) -> Iterator[str]:
    """Yield the ids that a value refers to, at any depth."""
    if isinstance(value, list):
        for one in value:
            yield from _references(one)
    if not isinstance(value, Mapping):
        return
    for name, one in value.items():
        if name == "Ref" and len(value) == 1 and isinstance(one, str):
            yield from (one.partition(".")[0],) if "::" not in one else ()
        elif name == "Fn::GetAtt" and isinstance(one, list) and isinstance(one[0], str):
            yield one[0].partition(".")[0]
        elif name == "Fn::Sub":
            yield from _in_text(one)
        else:
            yield from _references(one)


def _in_text(value: Any) -> Iterator[str]:
    """Yield the ids in a text; names that are given a value beside it are none."""
    text, *given = items(value)
    values = mapping(given[0]) if given else {}
    yield from (name for name in _IN_TEXT.findall(str(text)) if name not in values)
    yield from _references(values)
