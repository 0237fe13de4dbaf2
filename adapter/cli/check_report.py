"""What `adapter check` says, and `adapter build` of what it has checked."""

import json
from collections.abc import Sequence
from typing import Any

from adapter.check.values import Finding

_COLORS = {"error": "\x1b[31m", "warning": "\x1b[33m"}
_RESET = "\x1b[0m"


def as_json(found: Sequence[Finding]) -> str:
    """Report for programs."""
    return json.dumps(
        {
            "findings": [finding_json(one) for one in found],
            "errors": _count(found, "error"),
            "warnings": _count(found, "warning"),
        },
        indent=2,
    )


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return one finding; `where` is a deployment, a resource, or "" for the whole stack."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "where": finding.where,
        "resource": finding.resource,
        "reason": finding.reason,
        "remedy": finding.remedy,
    }


def as_text(found: Sequence[Finding], *, color: bool) -> str:
    """Report for people: a line a finding, and how many there are."""
    if not found:
        return "no findings"
    return "\n".join([*finding_lines(found, color=color), _summary(found)])


def finding_lines(found: Sequence[Finding], *, color: bool) -> list[str]:
    """Write a line a finding: severity, code, deployment, reason and remedy."""
    severities = max((len(one.severity) for one in found), default=0)
    places = max((len(_where(one)) for one in found), default=0)
    return [
        f"{_painted(one.severity, severities, color=color)} {one.code}  "
        f"{_where(one).ljust(places)}  {one.reason} {one.remedy}"
        for one in found
    ]


def _where(finding: Finding) -> str:
    return finding.where or "stack"


def _painted(severity: str, width: int, *, color: bool) -> str:
    text = severity.ljust(width)
    return f"{_COLORS[severity]}{text}{_RESET}" if color else text


def _summary(found: Sequence[Finding]) -> str:
    counts = ((_count(found, severity), severity) for severity in ("error", "warning"))
    return ", ".join(f"{count} {what}{'s' * (count != 1)}" for count, what in counts)


def _count(found: Sequence[Finding], severity: str) -> int:
    return sum(one.severity == severity for one in found)
