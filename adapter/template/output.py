"""A project on disk: whose files are there, what differs, and the swap from old to new."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from adapter.errors import BuildError
from adapter.template.entries import Entries, write_entries
from adapter.template.marks import is_ours, names_written
from adapter.template.project import Project

_PARENTS = ("functions", "images", "layers")


def write_project(project: Project) -> None:
    """Write a project so that the old one stays as it is unless all of the new one is there.

    Everything is written into a folder beside the old files first, then moved in. Files and
    folders that are right already are not touched; functions that are gone are removed. Raises
    `BuildError` where that would replace what no build wrote, or where the disk refuses.
    """
    require_own(project)
    try:
        _write(project)
    except OSError as error:
        raise BuildError(
            f"cannot write to {project.output}: {error.strerror or error} ({error.filename}).",
        ) from error


def differences(project: Project) -> tuple[str, ...]:
    """List the paths below `output` that `write_project` would write or remove, sorted."""
    require_own(project)
    found = {
        name for name, text in project.files.items() if not text.matches(project.output / name)
    }
    for name, entries in project.folders.items():
        changed = _changed(entries, project.output / name)
        found |= {f"{name}/{path}" for path in changed}
    return tuple(sorted(found | set(_stale(project))))


def require_own(project: Project) -> None:
    """Raise `BuildError` where the project's places hold what no build wrote."""
    foreign = sorted(set(_foreign(project)))
    if foreign:
        paths = ", ".join(str(path) for path in foreign)
        raise BuildError(
            f"{paths}: not written by `adapter build`, which would replace or remove it. "
            "Move it elsewhere, or choose another folder with --output-dir.",
        )


def _foreign(project: Project) -> Iterator[Path]:
    output = project.output
    if os.path.lexists(output) and not output.is_dir():
        yield output
        return
    for name in project.files:
        if os.path.lexists(output / name) and not is_ours(output / name):
            yield output / name
    for parent in _PARENTS:
        if (output / parent).is_symlink() or (output / parent).is_file():
            yield output / parent
            return
    for name in (*project.folders, *_stale(project)):
        yield from _foreign_in(output / name)


def _foreign_in(folder: Path) -> Iterator[Path]:
    if folder.is_symlink() or folder.is_file():
        yield folder
    elif folder.is_dir() and (found := _paths(folder)):
        written = names_written(folder)
        if written is None:
            yield folder
        else:
            yield from (folder / name for name in found if name not in written)


def _stale(project: Project) -> list[str]:
    """List the folders of an earlier build that this one has no use for."""
    folders = [path for parent in _PARENTS for path in (project.output / parent).glob("*")]
    names = {path.relative_to(project.output).as_posix(): path for path in folders}
    return sorted(
        name
        for name, path in names.items()
        if name not in project.folders and path.is_dir() and names_written(path) is not None
    )


def _paths(folder: Path) -> list[str]:
    """List the files and links below a folder; a link to a folder is one of them."""
    found = (path.relative_to(folder) for path in _walk(folder))
    return sorted(path.as_posix() for path in found)


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink() or not path.is_dir():
            yield path
        elif path.name != "__pycache__":
            yield from _walk(path)


def _changed(entries: Entries, folder: Path) -> set[str]:
    found = set(_paths(folder)) if folder.is_dir() else set()
    wrong = {name for name, entry in entries.items() if not entry.matches(folder / name)}
    return wrong | (found - entries.keys())


def _write(project: Project) -> None:
    with ExitStack() as undo_folder:
        _make_folder(project.output, undo_folder)
        with TemporaryDirectory(prefix=".adapter-build-", dir=project.output) as scratch:
            _replace(project, Path(scratch))
        undo_folder.pop_all()


def _replace(project: Project, scratch: Path) -> None:
    changed = _write_new(project, scratch / "new")
    with ExitStack() as undo:
        for name in changed:
            _make_folder((project.output / name).parent, undo)
            _swap(project.output / name, scratch / "new" / name, scratch / "old" / name, undo)
        for name in _stale(project):
            _take(project.output / name, scratch / "old" / name, undo)
        undo.pop_all()  # from here on there is nothing to undo


def _write_new(project: Project, new: Path) -> list[str]:
    """Write what differs from the disk into the folder `new`, and list it."""
    folders = {
        name: entries
        for name, entries in project.folders.items()
        if _changed(entries, project.output / name)
    }
    for name, entries in folders.items():
        write_entries(entries, new / name)
    files = {
        name: text
        for name, text in project.files.items()
        if not text.matches(project.output / name)
    }
    write_entries(files, new)
    return [*folders, *files]


def _swap(place: Path, new: Path, old: Path, undo: ExitStack) -> None:
    if os.path.lexists(place):
        _take(place, old, undo)
    _move(new, place, undo)


def _take(place: Path, old: Path, undo: ExitStack) -> None:
    old.parent.mkdir(parents=True, exist_ok=True)
    _move(place, old, undo)


def _make_folder(folder: Path, undo: ExitStack) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent, undo)
        undo.callback(_remove_empty, folder)
        folder.mkdir()


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _move(source: Path, target: Path, undo: ExitStack) -> None:
    # Registered first: Ctrl-C may come between any two lines.
    undo.callback(_move_back, source, target)
    source.rename(target)


def _move_back(source: Path, target: Path) -> None:
    if os.path.lexists(target) and not os.path.lexists(source):
        target.rename(source)
