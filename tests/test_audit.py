"""`make audit` says what was audited; a program that answers as pip-audit does stands in for it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.audit import PIP_AUDIT, Report, audit, main

LOCK = """\
starlette==1.10.0 \\
    --hash=sha256:1
h11==0.16.0 \\
    --hash=sha256:2
pywin32==312 ; sys_platform == 'win32' \\
    --hash=sha256:3
"""
SOUND = {"name": "h11", "version": "0.16.0", "vulns": []}
FOUND = {"id": "CVE-2026-1", "fix_versions": ["1.10.1"], "aliases": [], "description": "many lines"}
VULNERABLE = {"name": "starlette", "version": "1.10.0", "vulns": [FOUND]}
UNFIXED = {"name": "starlette", "version": "1.10.0", "vulns": [{**FOUND, "fix_versions": []}]}
UNKNOWN = {"name": "starlette", "skip_reason": "not found on PyPI"}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "dev.txt"
    path.write_text(LOCK)
    return path


def answering(*dependencies: Any) -> list[str]:
    """Return a command that answers as pip-audit does."""
    answer = json.dumps({"dependencies": dependencies, "fixes": []})
    vulnerable = any(one.get("vulns") for one in dependencies)
    program = (
        f"import sys\nprint({answer!r})\nsys.exit({vulnerable} and '--dry-run' not in sys.argv)"
    )
    return [sys.executable, "-c", program]


def failing(text: str, *, even_dry: bool = False) -> list[str]:
    """Return a command that ends with an error."""
    program = f"import sys\nif {even_dry} or '--dry-run' not in sys.argv: sys.exit({text!r})"
    return [sys.executable, "-c", program]


def test_sound_packages_are_counted(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main([str(lock), str(lock)], answering(SOUND))

    assert code == 0
    line = "dev.txt: packages audited: 1; not audited: 0"
    end = "audit: known vulnerabilities: 0; packages audited: 2"
    assert capsys.readouterr().out.splitlines() == [line, line, end]


def test_a_known_vulnerability_is_named_and_fails(
    lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(lock)], answering(SOUND, VULNERABLE)) == 1

    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == "dev.txt: starlette 1.10.0 has CVE-2026-1, fixed in 1.10.1"
    assert last == "audit: known vulnerabilities: 1; packages audited: 2"


def test_a_vulnerability_without_a_fix_fails_too(lock: Path) -> None:
    report = audit(lock, answering(UNFIXED))

    assert report.vulnerable == ("starlette 1.10.0 has CVE-2026-1, fixed in no version yet",)


def test_what_could_not_be_audited_is_told_and_is_no_failure(
    lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(lock)], answering(SOUND, UNKNOWN)) == 0

    assert capsys.readouterr().out.splitlines() == [
        "dev.txt: packages audited: 1; not audited: 1",
        "dev.txt: why not, of the first: not found on PyPI",
        (
            "audit: known vulnerabilities: 0; packages audited: 1; "
            "could not be audited, so that nothing is known of them: 1"
        ),
    ]


def test_no_answer_is_told_with_all_packages_and_is_no_failure(lock: Path) -> None:
    report = audit(lock, failing("Traceback ...\nConnectionError: nobody there"))

    assert report == Report("dev.txt", passed_over=2, reason="ConnectionError: nobody there")


def test_a_lock_that_cannot_be_read_fails(lock: Path) -> None:
    with pytest.raises(SystemExit, match=r"dev.txt cannot be audited: no hash for h11"):
        audit(lock, failing("no hash for h11", even_dry=True))


def test_pip_audit_itself_reads_the_lock_before_anybody_is_asked(lock: Path) -> None:
    lock.write_text("h11==0.16.0\n")

    with pytest.raises(SystemExit, match="h11"):
        audit(lock, PIP_AUDIT)
