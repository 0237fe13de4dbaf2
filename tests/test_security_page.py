"""docs/security.md promises nothing without a test that exists."""

import ast
import re
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()

ROW = re.compile(r"^\| (P\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
STATUS = {name: status for name, _, status, _ in ROW.findall(PAGE)}
# "P1:" and the list that follows it.
TESTS = {
    name: re.findall(r"^- `([^`]+)`$", listed, re.MULTILINE)
    for name, listed in re.findall(r"^(P\d+):\n\n((?:- .*\n)+)", PAGE, re.MULTILINE)
}
NAMED = sorted({test for tests in TESTS.values() for test in tests})


@cache
def defined_in(path: Path) -> set[str]:
    """Return the tests that a file defines, those of its classes as `Class::test`."""
    if not path.is_file():
        return set()
    found = set()
    for node in ast.parse(path.read_text()).body:
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for one in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.add(prefix + one.name)
    return {name for name in found if name.rpartition("::")[2].startswith("test_")}


def test_the_table_has_all_twenty_promises_in_order() -> None:
    assert list(STATUS) == [f"P{number}" for number in range(1, 21)]
    assert set(STATUS.values()) <= {"kept", "partly", "open"}


def test_every_promise_that_is_kept_or_partly_kept_names_its_tests() -> None:
    assert [name for name, status in STATUS.items() if status != "open"] == list(TESTS)


@pytest.mark.parametrize("test", NAMED)
def test_a_named_test_exists(test: str) -> None:
    file, _, name = test.partition("::")

    assert name in defined_in(ROOT / file)


def test_no_test_is_named_anywhere_else() -> None:
    listed = [test for tests in TESTS.values() for test in tests]

    assert re.findall(r"`(tests/[\w/]+\.py::[^`]*)`", PAGE) == listed


def test_every_link_leads_to_a_page() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)

    assert [link for link in links if not (ROOT / "docs" / link).is_file()] == []


@pytest.fixture(scope="module")
def file_name() -> Any:
    """Run the page's own code."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    return found["file_name"]


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("cat.png", "cat.png"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\pictures\\cat.png", "cat.png"),
        ("a/b/", "b"),
        ("a/.", "a"),
        ("cat\0.png", "cat.png"),
        ("...", "..."),
    ],
)
def test_the_advice_on_uploads_keeps_the_last_part(file_name: Any, sent: str, name: str) -> None:
    assert file_name(sent) == name
    assert PurePosixPath(name).parts == (name,)


@pytest.mark.parametrize("sent", ["", "..", "a/..", "/", "\\", ".", "..\0", "\0"])
def test_the_advice_on_uploads_refuses_what_is_no_name(file_name: Any, sent: str) -> None:
    with pytest.raises(ValueError, match="not the name of a file"):
        file_name(sent)
