"""Says which files some distributions bring into a package, with all that they require.

From their RECORD files, so nothing is installed for it. Commands and compiled modules are left
out: the one is of no use on Lambda, the other is not what an installer of SAM CLI writes.
"""

import importlib.metadata
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement


def main() -> None:
    names = sorted(closure(sys.argv[1:]))
    files = [file for name in names for file in _files(name)]
    found = {"distributions": names, "files": len(files), "bytes": sum(files)}
    sys.stdout.write(json.dumps(found))


def closure(requirements: list[str]) -> set[str]:
    """The distributions that these requirements, and theirs, name."""
    found: set[str] = set()
    missing = [(Requirement(text), "") for text in requirements]
    while missing:
        one, extra = missing.pop()
        if one.marker and not one.marker.evaluate({"extra": extra}):
            continue
        name = importlib.metadata.distribution(one.name).metadata["Name"]
        needed = [Requirement(text) for text in importlib.metadata.requires(name) or ()]
        if name not in found:
            found.add(name)
            missing += [(each, "") for each in needed]
        missing += [(each, wanted) for each in needed for wanted in one.extras]
    return found


def _files(name: str) -> Iterator[int]:
    """The size of each file in bytes."""
    for file in importlib.metadata.files(name) or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            yield Path(str(file.locate())).stat().st_size


if __name__ == "__main__":
    main()
