"""Which files of the user's folders are shipped, and which never are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from adapter.errors import BuildError

_CACHES = ("__pycache__", "*.pyc", "*.pyo")
# Hidden files (.env, .git and the like) and what usually holds a secret.
_NEVER = (".*", "*.env", "*.key", "*.p12", "*.pem", "*.pfx")
# What `sam build` silently leaves out of a layer's own source (aws-lambda-builders,
# PythonPipWorkflow.EXCLUDED_FILES), so that it would be missing on Lambda without a word.
_DROPPED_BY_SAM = (
    *("*.so", "*.egg", "*.egg-info"),
    *("ENV", "env", "env.bak", "venv", "venv.bak"),
    "htmlcov",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Chooses files below `root`.

    `exclude` are the user's patterns: each is matched with a path relative to `root` and with a
    bare name. `generated` are the paths that the build itself writes.
    """

    root: Path
    exclude: tuple[str, ...] = ()
    generated: frozenset[Path] = frozenset()

    def files(self, path: Path) -> Iterator[Path]:
        """Yield the files to ship of a file or folder, in order of their names.

        Raises `BuildError` for a symbolic link that leads out of `root`, in a circle or nowhere.
        """
        yield from self._walk(path, above=())

    def left_out(self, path: Path) -> Iterator[Path]:
        """Yield what `files` passes over, caches aside; a folder stands for all that is in it."""
        if _matches(path.name, _CACHES):
            return
        if not self._ships(path):
            yield path
        elif path.is_dir():
            for child in _children(path):
                yield from self.left_out(child)

    def surprises(self, path: Path) -> Iterator[Path]:
        """Yield what is left out although neither its name nor the user says so."""
        for found in self.left_out(path):
            if not (found.name.startswith(".") or self.is_excluded(found)):
                yield found

    def is_excluded(self, path: Path) -> bool:
        """Tell whether the user's patterns leave a path out."""
        relative = path.relative_to(self.root).as_posix()
        return _matches(relative, self.exclude) or _matches(path.name, self.exclude)

    def _walk(self, path: Path, above: tuple[Path, ...]) -> Iterator[Path]:
        if _matches(path.name, _CACHES) or not self._ships(path):
            return
        real = self._real(path)
        if real in above:
            raise BuildError(f"{path} is a symbolic link to a folder above it; remove the link.")
        if path.is_file():
            yield path
        elif path.is_dir():
            for child in _children(path):
                yield from self._walk(child, (*above, real))

    def _ships(self, path: Path) -> bool:
        if self.is_excluded(path) or path in self.generated or _is_environment(path):
            return False
        return not any(_matches(name, (*_NEVER, *_DROPPED_BY_SAM)) for name in self._names(path))

    def _names(self, path: Path) -> tuple[str, ...]:
        """Judge a link by what it leads to as well, so that `settings -> .env` stays here."""
        real = path.resolve()
        behind = real.relative_to(self.root).parts if self._holds(real) else ()
        return (path.name, *behind)

    def _holds(self, real: Path) -> bool:
        return real.is_relative_to(self.root)

    def _real(self, path: Path) -> Path:
        real = path.resolve()
        if not real.exists():
            raise BuildError(f"{path} is a symbolic link to {real}, which does not exist.")
        if not self._holds(real):
            raise BuildError(
                f"{path} is a symbolic link to {real}, outside of {self.root}. "
                "Copy what the functions need, or leave the link out with the setting exclude.",
            )
        return real


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda child: child.name)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _is_environment(path: Path) -> bool:
    return (path / "pyvenv.cfg").is_file()
