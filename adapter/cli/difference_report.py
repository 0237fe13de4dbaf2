"""How a comparison of templates is shown."""

import json

import click

from adapter.cli.stack_options import table
from adapter.stack.against import Difference

_COLORS = {"+": "green", "~": "yellow", "±": "magenta", "-": "red", "!": "bright_red"}


def as_text(difference: Difference, *, color: bool) -> str:
    """Return one line for each change, those where access widens at the end and marked with `!`."""
    compared = difference.comparison
    rows = [(one.mark, one.name, one.what) for one in compared.changes]
    rows += [("!", "access", sentence) for sentence in compared.access]
    lines = [_colored(line, color=color) for line in _lines(rows)]
    if not rows:
        lines = [f"  no change of {difference.against}"]
    return "\n".join([*lines, *(f"  note  {note}" for note in difference.notes)])


def access_lines(difference: Difference, *, color: bool) -> list[str]:
    """Return the lines that say where access widens."""
    rows = [("!", "access", sentence) for sentence in difference.comparison.access]
    return [_colored(line, color=color) for line in _lines(rows)]


def as_json(difference: Difference) -> str:
    """Return the same for programs."""
    compared = difference.comparison
    changes = [{"kind": one.kind, "name": one.name, "change": one.what} for one in compared.changes]
    report = {
        "against": difference.against,
        "changes": changes,
        "access": list(compared.access),
        "notes": list(difference.notes),
    }
    return json.dumps(report, indent=2, ensure_ascii=False)


def _lines(rows: list[tuple[str, str, str]]) -> list[str]:
    """Align the names; the sign stands right before them."""
    return table([(f"{mark} {name}", what) for mark, name, what in rows]) if rows else []


def _colored(line: str, *, color: bool) -> str:
    return click.style(line, fg=_COLORS[line.strip()[0]]) if color else line
