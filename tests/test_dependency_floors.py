"""No range and no lock admits a version below the one that a known advisory was fixed in.

This needs no network, unlike `make audit`, which also knows what has become known since.
"""

import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from adapter.template.requirements import RUN_TIME

ROOT = Path(__file__).parent.parent
LOCKS = [ROOT / "requirements" / name for name in ("dev.txt", "sam.txt")]
INPUTS = [
    *(ROOT / "requirements" / name for name in ("dev.in", "sam.in")),
    ROOT / "examples" / "requirements.txt",
    ROOT / "layers" / "dependencies" / "requirements.txt",
]

# The first version that all of these are fixed in. Packages that are not used yet stay listed.
FLOORS = {
    "aiohttp": Version("3.13.4"),
    "aws-sam-cli": Version("1.170.0"),  # for one of them no version is named: the newest then
    "fastapi": Version("0.65.2"),
    "h11": Version("0.16.0"),
    "orjson": Version("3.9.15"),
    "pyjwt": Version("2.15.1"),
    "python-multipart": Version("0.0.30"),
    "starlette": Version("1.3.1"),
    "uvicorn": Version("0.11.7"),
}
# Not used at all.
NEVER = {"bentoml", "python-jose", "ray"}
ADVISORIES = {
    "aiohttp": "CVE-2026-22815 CVE-2026-34525",
    "aws-sam-cli": "CVE-2025-3047 CVE-2025-3048 GHSA-rjc6-vm4h-85cg",
    "bentoml": (
        "CVE-2024-2912 CVE-2024-9070 CVE-2025-27520 CVE-2025-32375 CVE-2025-54381 CVE-2026-35044"
    ),
    "fastapi": "CVE-2021-32677",
    "h11": "CVE-2025-43859",
    "orjson": "CVE-2024-27454",
    "pyjwt": (
        "CVE-2022-29217 CVE-2026-48523 CVE-2026-102272 CVE-2026-102273 CVE-2026-102274 "
        "CVE-2026-102275"
    ),
    "python-jose": "CVE-2024-33663 CVE-2024-33664 CVE-2026-85394",
    "python-multipart": (
        "CVE-2024-24762 CVE-2024-53981 CVE-2026-24486 CVE-2026-40347 CVE-2026-42561 "
        "CVE-2026-53537 CVE-2026-53538 CVE-2026-53539"
    ),
    "ray": "CVE-2023-48022 CVE-2026-41486 CVE-2026-27482",
    "starlette": (
        "CVE-2023-29159 CVE-2023-30798 CVE-2024-47874 CVE-2025-54121 CVE-2025-62727 "
        "CVE-2026-48710 CVE-2026-48817 PYSEC-2026-248 PYSEC-2026-249"
    ),
    "uvicorn": "CVE-2020-7694 CVE-2020-7695",
}


def pins(lock: Path) -> Iterator[tuple[str, Version]]:
    """Yield what a lock holds; a name comes twice where interpreters need different versions."""
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock.read_text(), re.MULTILINE):
        yield canonicalize_name(name), Version(version)


def declared() -> list[Requirement]:
    """Return the ranges that somebody has written down."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *RUN_TIME, *(line for extra in extras for line in extra)]
    for path in INPUTS:
        lines += path.read_text().splitlines()
    written = (line.partition("#")[0].strip() for line in lines)
    return [Requirement(line) for line in written if line]


def lowest(requirement: Requirement) -> Version | None:
    """Return the lower bound of a range, if it has one."""
    bounds = [one.version for one in requirement.specifier if one.operator in {">=", "~=", "=="}]
    return max(map(Version, bounds), default=None)


def run_time_closure() -> set[str]:
    """Return what `pip install serve-adapter[all]` brings, as far as it is installed here."""
    brought: set[str] = set()
    waiting = [Requirement("serve-adapter[all]")]
    while waiting:
        one = waiting.pop()
        if (name := canonicalize_name(one.name)) not in brought:
            brought.add(name)
            waiting += _needs(one)
    return brought


def _needs(requirement: Requirement) -> Iterator[Requirement]:
    extras = requirement.extras or {""}
    try:
        lines = importlib.metadata.requires(requirement.name) or []
    except importlib.metadata.PackageNotFoundError:  # only on another platform
        return
    for needed in map(Requirement, lines):
        if needed.marker is None or any(needed.marker.evaluate({"extra": one}) for one in extras):
            yield needed


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_nothing_below_its_floor(lock: Path) -> None:  # R22
    locked = list(pins(lock))

    assert {name for name, version in locked if version < FLOORS.get(name, version)} == set()
    assert {name for name, _ in locked} & NEVER == set()


def test_the_floors_are_for_packages_that_the_locks_hold() -> None:
    locked = {name for lock in LOCKS for name, _ in pins(lock)}

    assert {"aws-sam-cli", "fastapi", "h11", "python-multipart", "starlette"} <= locked


def test_every_range_begins_at_its_floor_or_above() -> None:  # R22
    ranges = [(canonicalize_name(one.name), lowest(one)) for one in declared()]
    unbounded = Version("0")

    assert {one for one in ranges if (one[1] or unbounded) < FLOORS.get(one[0], unbounded)} == set()
    assert {name for name, _ in ranges} & NEVER == set()


def test_what_our_dependencies_bring_has_its_floor_in_our_own_ranges() -> None:
    named = {canonicalize_name(one.name) for one in declared()}

    assert run_time_closure() & FLOORS.keys() == {"fastapi", "h11", "starlette", "uvicorn"}
    assert run_time_closure() & FLOORS.keys() - named == set()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_a_hash_for_every_package_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    packages = re.findall(r"^[\w.-]+==(?:.*\\\n)+.*", text, re.MULTILINE)

    assert len(packages) == len(list(pins(lock)))
    assert all("--hash=sha256:" in package for package in packages)
    assert re.findall(r"https?://|^-", text, re.MULTILINE) == []


def test_every_floor_says_which_advisories_it_is_for() -> None:
    ids = " ".join(ADVISORIES.values()).split()

    assert ADVISORIES.keys() == FLOORS.keys() | NEVER
    assert all(re.fullmatch(r"(CVE|PYSEC)-\d{4}-\d+|GHSA(-\w{4}){3}", one) for one in ids)


def test_a_range_without_a_lower_bound_has_no_lowest_version() -> None:
    assert lowest(Requirement("h11<1")) is None
    assert lowest(Requirement("h11>=0.14,>=0.16,<1")) == Version("0.16")
