"""Folders as values, so that tests can write one and compare two."""

from pathlib import Path
from textwrap import dedent


def write_tree(folder: Path, files: dict[str, str]) -> Path:
    """Write files by path, and return the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    return folder


def read_tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Read every file and link: its mode, and its bytes or where it leads."""
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_mode, _content(path))
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def _content(path: Path) -> bytes:
    return str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()


def shop(folder: Path) -> Path:
    """Write the application that the plans of `plans.py` import."""
    return write_tree(folder, {"shop.py": "class Gateway: ...\n"})
