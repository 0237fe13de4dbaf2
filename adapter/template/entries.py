"""What stands in one place of a built project: a text, a copy of a file, or a symbolic link.

Each has a `size` in bytes, can `write` itself at a path, and tells whether it `matches` what is
at one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A file that the build writes itself."""

    text: str

    @property
    def size(self) -> int:
        return len(self.text.encode())

    def write(self, path: Path) -> None:
        path.write_bytes(self.text.encode())
        path.chmod(0o644)

    def matches(self, path: Path) -> bool:
        return _is_file(path, executable=False) and path.read_bytes() == self.text.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A file taken from `source`. Of its mode only the run bit is kept, so that no umask shows."""

    source: Path

    @property
    def size(self) -> int:
        return self.source.stat().st_size

    @property
    def executable(self) -> bool:
        return bool(self.source.stat().st_mode & 0o100)

    def write(self, path: Path) -> None:
        path.write_bytes(self.source.read_bytes())
        path.chmod(0o755 if self.executable else 0o644)

    def matches(self, path: Path) -> bool:
        return (
            _is_file(path, executable=self.executable)
            and path.stat().st_size == self.size
            and path.read_bytes() == self.source.read_bytes()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A symbolic link with a relative `target`; `size` is that of what it leads to, in bytes."""

    target: str
    size: int

    def write(self, path: Path) -> None:
        path.symlink_to(self.target)

    def matches(self, path: Path) -> bool:
        return path.is_symlink() and str(path.readlink()) == self.target


Entry: TypeAlias = Text | Copy | Link
Entries: TypeAlias = Mapping[str, Entry]  # by path below their folder, with forward slashes


def write_entries(entries: Entries, folder: Path) -> None:
    """Write `entries` into the new folder `folder`."""
    _make_folder(folder)
    for name, entry in entries.items():
        path = folder / name
        _make_folder(path.parent)
        entry.write(path)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)  # whatever the umask


def _is_file(path: Path, *, executable: bool) -> bool:
    return path.is_file() and not path.is_symlink() and os.access(path, os.X_OK) == executable
