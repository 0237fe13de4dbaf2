"""Every known fault and risk of adapters like this one has a test that would fail.

A comment at the end of a test's line names what it is for: `row` and a number for the known faults
of Mangum 0.22, `R` and a number for the risks. A test that loses its comment is missed here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
NOTE = re.compile(r"#((?: (?:row \d+|R\d+),?)+)$", re.MULTILINE)
NAME = re.compile(r"row \d+|R\d+")

ROWS = {f"row {number}" for number in range(1, 29)}
RISKS = {f"R{number}" for number in range(23)}

# Risks that no code of this package meets, and why.
NOT_CODE = {
    "R20": "what a client calls a file reaches the application as it was sent; documented",
}


def noted() -> Iterator[str]:
    """Yield what the comments of all tests name."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for note in NOTE.findall(path.read_text()):
            yield from NAME.findall(note)


def test_every_known_fault_has_a_test() -> None:
    assert {name for name in noted() if name.startswith("row")} == ROWS


def test_every_risk_has_a_test_or_a_reason_to_have_none() -> None:
    tested = {name for name in noted() if name.startswith("R")}

    assert tested | NOT_CODE.keys() == RISKS
    assert not tested & NOT_CODE.keys()
