"""docs/checks.md has every check; the terminals of it and of docs/cost.md print what they show."""

import re
import shlex
from pathlib import Path

import pytest

from adapter.check.rules import RULES
from tests.cli.programs import adapter

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("checks.md", "cost.md")


def blocks(page: str) -> list[tuple[str, str]]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_the_terminals_print_what_the_commands_print(page: str, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for kind, text in blocks(page):
        if kind == "python":
            (tmp_path / text.splitlines()[0].removeprefix("# ")).write_text(text, encoding="utf-8")
    [terminal] = [text for kind, text in blocks(page) if not kind and text.startswith("$ ")]
    command, _, printed = terminal.removeprefix("$ ").partition("\n")

    done = adapter(tmp_path, *shlex.split(command)[1:], ADAPTER_RUNTIME="python3.13")

    assert (done.stdout, done.stderr) == (printed, "")


def test_the_other_commands_of_the_page_work(tmp_path: Path) -> None:
    [(_, program)] = [block for block in blocks("cost.md") if block[0] == "python"]
    (tmp_path / "shop.py").write_text(program, encoding="utf-8")
    [commands] = [text for _, text in blocks("cost.md") if text.startswith("adapter cost")]

    for command in commands.splitlines():
        done = adapter(tmp_path, *shlex.split(command)[1:])
        assert (done.stderr, done.returncode) == ("", 0)


def test_every_check_has_a_line_and_nothing_else_has() -> None:
    text = (DOCS / "checks.md").read_text(encoding="utf-8")
    errors, warnings = re.split(r"^## Warnings$", text, flags=re.MULTILINE)
    rows = {
        section: re.findall(r"^\| (A\d+) \| ([^|]+) \| [^|]+ \| [^|]+ \|$", part, re.MULTILINE)
        for section, part in (("A1", errors), ("A2", warnings))
    }

    for section, found in rows.items():
        expected = [(rule.code, rule.title) for rule in RULES if rule.code.startswith(section)]
        assert found == expected
