"""References to what the template does not have, which CloudFormation refuses."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from adapter.check.stack import Stack, items, mapping, reference
from adapter.check.values import Fault
from adapter.template.cloudformation import Sub, Tagged

# `${!Name}` is written out, and `${AWS::Region}` is always there.
_IN_TEXT = re.compile(r"\$\{([A-Za-z0-9]+)[.}]")
_SECTIONS = ("Resources", "Outputs", "Conditions", "Rules")


def unknown(stack: Stack) -> Iterator[Fault]:
    """`!Ref`, `!GetAtt` and `${...}` name a resource or a parameter.

    What the SAM transform makes begins with the id of what it is made of: `GatewayAliaslive`.
    """
    template = stack.template
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
    """Yield the ids that a value refers to, at any depth, in the short forms and the long ones."""
    name = reference(value)
    if isinstance(value, Sub):
        yield from _in_text(value.text)
    elif isinstance(value, Tagged):
        yield from _references({f"Fn::{value.tag.removeprefix('!')}": value.value})
    elif name is not None:
        yield from () if "::" in name else (name.partition(".")[0],)
    elif isinstance(value, Mapping) and "Fn::Sub" in value:
        yield from _in_text(value["Fn::Sub"])
    elif isinstance(value, (Mapping, list)):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _references(one)


def _in_text(value: Any) -> Iterator[str]:
    """Yield the ids in a text; names that are given a value beside it are none."""
    text, *given = items(value)
    values = mapping(given[0]) if given else {}
    yield from (name for name in _IN_TEXT.findall(str(text)) if name not in values)
    yield from _references(values)
