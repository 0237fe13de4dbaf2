"""Which installed packages the user's imports come from, and whether a requirement brings them."""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

from adapter.template.requirements import name_of

# In AWS's Python runtimes: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
_ON_LAMBDA = ("boto3",)
_EXTRAS = re.compile(r"\[([^\]]*)\]")
_EXTRA_MARKER = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


def missing(modules: Iterable[str], requirements: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield imported modules, with their distribution, that no requirement will install.

    This reads what is installed here, as the imports that work here do. A module that is not
    installed is passed over: it may be optional.
    """
    wanted = sorted(set(modules))
    if not wanted:
        return
    origins = packages_distributions()
    brought = _closure([*requirements, *_ON_LAMBDA])
    for module in wanted:
        names = sorted(origins.get(module, ()))
        if names and brought.isdisjoint(map(name_of, names)):
            yield module, names[0]


def _closure(requirements: Iterable[str]) -> set[str]:
    """Follow requirements through the installed packages. Markers but extras are not judged."""
    brought: set[str] = set()
    waiting = list(requirements)
    seen = set()
    while waiting:
        line = waiting.pop()
        key = (name_of(line), extras := _extras(line))
        if key not in seen:
            seen.add(key)
            brought.add(key[0])
            waiting += [one for one in _requires(key[0]) if _applies(one, extras)]
    return brought


def _extras(line: str) -> frozenset[str]:
    found = _EXTRAS.search(line.partition(";")[0])
    return frozenset(part.strip() for part in found[1].split(",")) if found else frozenset()


def _applies(requirement: str, extras: frozenset[str]) -> bool:
    wanted = _EXTRA_MARKER.search(requirement)
    return wanted is None or wanted[1] in extras


def _requires(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []
