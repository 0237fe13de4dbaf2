"""How a build knows what an earlier build wrote, so that it replaces that and nothing else."""

from collections.abc import Iterable
from pathlib import Path

# In template.yaml's first line and in the docstring of every entry point in functions/*.
WRITTEN_BY = "Written by `adapter build"
# In each layer's folder: the list of what was written there.
MARK_FILE = ".written-by-adapter"

_ENTRY_POINTS = frozenset({"app.py", "entry_point.py"})
_HEAD = 500  # characters in which the mark must show


def written_by(target: str) -> str:
    """Return the words that mark a file: ``Written by `adapter build text_service:app` ``."""
    return f"{WRITTEN_BY} {target}`"


def write_mark(target: str, names: Iterable[str]) -> str:
    """Return the text of a layer's `MARK_FILE`."""
    return "\n".join([f"{written_by(target)}, which replaces:", *sorted(names)]) + "\n"


def is_ours(path: Path) -> bool:
    """Tell whether a build wrote this file."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return WRITTEN_BY in file.read(_HEAD)


def names_written(folder: Path) -> frozenset[str] | None:
    """Return the paths that a build wrote into a function's or a layer's folder.

    None is a folder that no build has written.
    """
    if folder.is_symlink():
        return None
    if is_ours(folder / MARK_FILE):
        lines = (folder / MARK_FILE).read_text(encoding="utf-8").splitlines()
        return frozenset({*lines[1:], MARK_FILE})
    if any(is_ours(folder / name) for name in _ENTRY_POINTS):
        return _ENTRY_POINTS | {"requirements.txt"}
    return None
