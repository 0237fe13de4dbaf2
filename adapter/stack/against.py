"""A new template, compared with what is deployed, or with what was built last."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapter.errors import StackError
from adapter.stack.change_set import replacements
from adapter.stack.comparison import Comparison, compare
from adapter.stack.deployed import DeployedStack
from adapter.stack.place import Place
from adapter.stack.refusals import StackNotFound, aws_errors
from adapter.template.cloudformation import read_template


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a template changes in `against`, with `notes` on what could not be compared."""

    against: str
    comparison: Comparison
    notes: tuple[str, ...] = ()


def against_stack(
    place: Place,
    new: Mapping[str, Any],
    *,
    with_replacements: bool = True,
) -> Difference:
    """Compare with the deployed stack; where there is none yet everything is new.

    Raises `StackError`, and `NoAccess` where AWS cannot be asked at all.
    """
    stack = DeployedStack(place.name, place.access)
    against = f"stack {place.name}"
    try:
        stack.describe()
    except StackNotFound:
        note = f"stack {place.name} does not exist yet: everything is new."
        return Difference(against=against, comparison=compare({}, new), notes=(note,))
    deployed = stack.template()
    replaced: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    if with_replacements:
        try:
            with aws_errors():
                client = place.access.client("cloudformation")
                replaced = replacements(client, place.name, deployed, new)
        except StackError as error:
            notes.append(f"what would be replaced is not known: {error}")
    return Difference(
        against=against,
        comparison=compare(deployed, new, replaced),
        notes=tuple(notes),
    )


def against_last_build(folder: Path, new: Mapping[str, Any]) -> Difference:
    """Compare with template.yaml as it is in `folder`. Raises `StackError` where there is none."""
    path = folder / "template.yaml"
    if not path.is_file():
        raise StackError(f"there is no last build to compare with: {path} does not exist.")
    old = read_template(path.read_text(encoding="utf-8"))
    return Difference(against=f"the last build, {path}", comparison=compare(old, new))
