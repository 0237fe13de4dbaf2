"""The user's own code that the functions need: what the entry points import, transitively."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

from adapter.errors import BuildError
from adapter.template.imports import imported_modules
from adapter.template.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The user's code and data, by path below the app dir.

    `roots` are whole modules, packages and included paths; `files` every file in them.
    `installed` are the imported modules that must come from PyPI, `outside` those that lie
    elsewhere on this machine, as in an editable installation.
    """

    roots: Mapping[str, Path]
    files: Mapping[str, Path]
    installed: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


def find_sources(
    entry_points: Iterable[str],
    selection: Selection,
    include: Iterable[str] = (),
) -> Sources:
    """Follow the imports of the entry points through the modules below `selection.root`.

    Packages are taken whole, with their data. Raises `BuildError` where an entry point imports a
    module from outside of the app dir, an `include` pattern matches nothing, or a symbolic link
    leads out.
    """
    search = _Search(selection)
    for pattern in include:
        search.add_pattern(pattern)
    texts = list(entry_points)
    for module in sorted(set().union(*map(imported_modules, texts))):
        search.add_module(module)
    _require_inside(search.outside, selection.root)
    search.follow()
    return Sources(
        roots=dict(sorted(search.roots.items())),
        files=dict(sorted(search.files.items())),
        installed=tuple(sorted(search.installed)),
        outside=tuple(sorted(search.outside)),
    )


@dataclass(slots=True)
class _Search:
    selection: Selection
    roots: dict[str, Path] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    installed: set[str] = field(default_factory=set)
    outside: dict[str, Path] = field(default_factory=dict)
    seen: set[str] = field(default_factory=lambda: {"adapter"})  # has its own layer
    waiting: list[Path] = field(default_factory=list)

    def add_pattern(self, pattern: str) -> None:
        root = self.selection.root
        added = [self._add(path) for path in sorted(root.glob(pattern)) if path != root]
        if not any(added):
            raise BuildError(
                f"the setting include has {pattern!r}, which matches no file below {root} "
                "that may be shipped.",
            )

    def add_module(self, name: str) -> None:
        if name in self.seen:
            return
        self.seen.add(name)
        path = _module_path(self.selection.root, name)
        if path is not None:
            self._add_own(path)
        elif (origin := _origin(name)) is None:
            return
        elif {"site-packages", "dist-packages"} & set(origin.parts):
            self.installed.add(name)
        else:
            self.outside[name] = origin

    def _add_own(self, path: Path) -> None:
        if path in self.selection.generated:
            raise BuildError(
                f"the program imports {path.name!r}, but {path} is the folder that `adapter build` "
                "writes to. Choose another one with --output-dir.",
            )
        if not self._add(path) and not self.selection.is_excluded(path):
            raise BuildError(
                f"the program imports {path.stem!r}, but `sam build` drops what is called "
                f"{path.name!r}. Rename {path}.",
            )

    def follow(self) -> None:
        while self.waiting:
            for name in sorted(imported_modules(self.waiting.pop().read_bytes())):
                self.add_module(name)

    def _add(self, path: Path) -> bool:
        files = dict(self._relative(self.selection.files(path)))
        if not files:
            return False
        self.roots.update(self._relative([path]))
        self.waiting += [file for file in files.values() if file.suffix == ".py"]
        self.files.update(files)
        return True

    def _relative(self, paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
        return ((path.relative_to(self.selection.root).as_posix(), path) for path in paths)


def _module_path(root: Path, name: str) -> Path | None:
    """Find a top-level module as Python does: package, module, folder without __init__.py."""
    if (root / name / "__init__.py").is_file():
        return root / name
    if (root / f"{name}.py").is_file():
        return root / f"{name}.py"
    folder = root / name
    return folder if any(folder.rglob("*.py")) and not _is_elsewhere(name) else None


def _is_elsewhere(name: str) -> bool:
    """A folder without __init__.py loses to a module of that name anywhere on sys.path."""
    spec = _spec(name)
    return name in sys.stdlib_module_names or (spec is not None and spec.has_location)


def _origin(name: str) -> Path | None:
    """Return the file of a module, or its folder where it has none; None is one of Python's own."""
    spec = None if name in sys.stdlib_module_names else _spec(name)
    if spec is None:
        return None
    places = [spec.origin] if spec.has_location else spec.submodule_search_locations
    return next((Path(place) for place in places or () if place), None)


def _spec(name: str) -> ModuleSpec | None:
    try:
        return find_spec(name)
    except (ImportError, ValueError):  # a module without a spec, such as __main__
        return None


def _require_inside(outside: Mapping[str, Path], root: Path) -> None:
    for name, path in outside.items():
        folder = path.parent.parent if path.name == "__init__.py" else path.parent
        raise BuildError(
            f"module {name!r} is imported from {path}, outside of the app dir {root}. "
            f"Give --app-dir {folder}.",
        )
