"""docs/lambda-options.md: all options are there, and its examples are programs."""

import dataclasses
import re
from pathlib import Path

import pytest

from adapter import serve

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "lambda-options.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def names(kind: type) -> set[str]:
    return {one.name for one in dataclasses.fields(kind)}


def rows() -> list[str]:
    """Return the options that stand first in a row of a table."""
    cells = re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def test_every_option_has_a_row() -> None:
    assert names(serve.LambdaOptions) <= set(rows())
    assert set(rows()) <= names(serve.LambdaOptions) | names(serve.CapacityProvider)


def test_every_field_of_a_capacity_provider_has_a_row() -> None:
    assert names(serve.CapacityProvider) <= set(rows())


@pytest.mark.parametrize("code", EXAMPLES)
def test_example_is_a_program(code: str) -> None:
    found: dict[str, object] = {}
    exec(compile(code, "docs/lambda-options.md", "exec"), found)

    assert any(isinstance(value, serve.Deployment) for value in found.values())


def test_links_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-")
        for line in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        if target.startswith("#"):
            assert target[1:] in headings
        else:
            assert (ROOT / "docs" / target).is_file()
