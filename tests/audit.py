"""`make audit`: asks PyPI's advisories about every package of the locks given as arguments.

Ends with 1 where a known vulnerability is found. That the advisories cannot be asked is said in one
line and is no failure: `tests/test_dependency_floors.py` needs nobody's answer.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

# Hashed locks are complete, so pip is not needed to read them.
PIP_AUDIT = (
    *(sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip"),
    *("--progress-spinner", "off", "--format", "json"),
)


@dataclass(frozen=True)
class Report:
    """What there is to say about one lock."""

    lock: str
    audited: int = 0
    passed_over: int = 0
    vulnerable: tuple[str, ...] = ()
    reason: str = ""  # why packages were passed over

    def lines(self) -> Iterator[str]:
        """Yield what to print."""
        yield from (f"{self.lock}: {one}" for one in self.vulnerable)
        yield f"{self.lock}: packages audited: {self.audited}; not audited: {self.passed_over}"
        if self.passed_over:
            yield f"{self.lock}: why not, of the first: {self.reason}"


def audit(lock: Path, command: Sequence[str] = PIP_AUDIT) -> Report:
    """Audit one lock. Raises SystemExit for a lock that cannot be read."""
    unasked = _run([*command, "--dry-run"], lock)
    if unasked.returncode:
        raise SystemExit(f"{lock} cannot be audited: {_last_line(unasked.stderr)}")
    result = _run(command, lock)
    try:
        found = json.loads(result.stdout)["dependencies"]
    except ValueError:  # no answer, or an odd one: pip-audit ends with a traceback
        return Report(lock.name, passed_over=_size(lock), reason=_last_line(result.stderr))
    reasons = [one["skip_reason"] for one in found if "skip_reason" in one]
    return Report(
        lock.name,
        audited=len(found) - len(reasons),
        passed_over=len(reasons),
        vulnerable=tuple(line for one in found for line in _vulnerabilities(one)),
        reason=reasons[0] if reasons else "",
    )


def _size(lock: Path) -> int:
    """Count the packages that are for this platform and interpreter."""
    lines = re.findall(r"^[\w.-]+==[^\\\n]+", lock.read_text(), re.MULTILINE)
    markers = [Requirement(line).marker for line in lines]
    return sum(marker is None or marker.evaluate() for marker in markers)


def _run(command: Sequence[str], lock: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*command, "--requirement", str(lock)], capture_output=True, text=True, check=False
    )


def _vulnerabilities(dependency: dict[str, Any]) -> Iterator[str]:
    for one in dependency.get("vulns", ()):
        fixed = ", ".join(one["fix_versions"]) or "no version yet"
        yield f"{dependency['name']} {dependency['version']} has {one['id']}, fixed in {fixed}"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["pip-audit said nothing"])[-1]


def summary(reports: Sequence[Report]) -> str:
    """Say in one line what all of it comes to."""
    found = sum(len(report.vulnerable) for report in reports)
    audited = sum(report.audited for report in reports)
    passed_over = sum(report.passed_over for report in reports)
    line = f"audit: known vulnerabilities: {found}; packages audited: {audited}"
    if passed_over:
        line += f"; could not be audited, so that nothing is known of them: {passed_over}"
    return line


def main(locks: Sequence[str], command: Sequence[str] = PIP_AUDIT) -> int:
    """Audit the locks, print the reports and return the exit code."""
    reports = [audit(Path(lock), command) for lock in locks]
    lines = [line for report in reports for line in report.lines()]
    sys.stdout.write("\n".join([*lines, summary(reports), ""]))
    return int(any(report.vulnerable for report in reports))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
