"""What the functions need from PyPI, in one file for one layer.

There is one layer for everything installed, and not one for the adapter's needs and another for
the user's: every layer unpacks into `/opt/python`, so that two sets resolved apart would be mixed
there, half of a package from one version and half from another. One resolution cannot do that.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapter.errors import BuildError
from adapter.template.marks import written_by
from adapter.template.settings import project_folders, read_toml

# What the adapter imports inside a function that serves HTTP; a subset of what pyproject.toml asks
# for, held equal by a test. Calls between functions need the standard library only.
RUN_TIME = ("fastapi>=0.136,<1", "mangum>=0.22,<0.23", "starlette>=1.3.1,<2")

_SELF = {"adapter", "serve-adapter"}
# https://packaging.python.org/en/latest/specifications/name-normalization/
_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?=$|[\[<>=!~;@(])")
_COMMENT = re.compile(r"(^|\s+)#.*$")
_INCLUDE = re.compile(r"(?:-r|--requirement)(?:\s+|=)?(?P<file>\S.*)")
_REFUSED = re.compile(r"(?:-e|--editable|-c|--constraint)(?![a-z])")
_ARCHIVES = (".tar.gz", ".whl", ".zip")
_FIND_LINKS = re.compile(r"(?:-f|--find-links)(?![a-z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """`own` are the adapter's, `users` the user's, `options` the user's pip options.

    `origin` is the file that the user's came from; "" where there was none.
    """

    own: tuple[str, ...] = RUN_TIME
    users: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    origin: str = ""

    @property
    def all(self) -> tuple[str, ...]:
        """Every requirement, the adapter's first."""
        return (*self.own, *self.users)

    def text(self, target: str) -> str:
        """Return the requirements.txt of the dependencies layer."""
        sections = [
            [f"# {written_by(target)}."],
            list(self.options),
            ["# What the adapter needs inside a function.", *self.own] if self.own else [],
            [f"# From {self.origin}.", *map(_folded, self.users)] if self.users else [],
        ]
        return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def find_requirements(app_dir: Path) -> Requirements:
    """Read the user's requirements and add the adapter's own.

    They are taken from the first of requirements.txt and the `[project]` table of pyproject.toml
    that is found from `app_dir` up to the project's folder. The user's word on a package wins.
    Raises `BuildError` for a line that cannot be installed away from where it stands.
    """
    origin, lines = _find_lines(app_dir)
    options = tuple(line for line in lines if line.startswith("-"))
    users = {line: name_of(line) for line in lines if line not in options}
    users = {line: name for line, name in users.items() if name not in _SELF}
    settled = {name for line, name in users.items() if ";" not in line}  # said on every machine
    own = tuple(line for line in RUN_TIME if name_of(line) not in settled)
    if own and any("--hash" in line for line in users):
        raise BuildError(
            f"{origin} pins hashes, so pip demands them of every package; "
            f"add {', '.join(own)} to it, with hashes.",
        )
    ordered = sorted(users, key=lambda line: (users[line], line))
    return Requirements(own=own, users=tuple(ordered), options=options, origin=origin)


def name_of(line: str) -> str:
    """Return the normalized name of a requirement's distribution; that of a bare URL is the URL."""
    found = _NAME.match(line)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else line


def _find_lines(app_dir: Path) -> tuple[str, list[str]]:
    for folder in project_folders(app_dir):
        if (path := folder / "requirements.txt").is_file():
            return path.name, list(_lines(path, above=()))
        if (path := folder / "pyproject.toml").is_file():
            project = read_toml(path).get("project", {})
            if "dependencies" in project:
                return path.name, [_checked(line, path) for line in project["dependencies"]]
    return "", []


def _lines(path: Path, above: tuple[Path, ...]) -> Iterator[str]:
    """Yield the lines that say something, those of included files in place."""
    if path in above or not path.is_file():
        raise BuildError(f"{above[-1]} includes {path}, which is no file or includes itself.")
    text = path.read_text(encoding="utf-8-sig").replace("\\\n", " ")
    for raw in text.splitlines():
        line = " ".join(_COMMENT.sub("", raw).split())
        if included := _INCLUDE.fullmatch(line):
            yield from _lines((path.parent / included["file"]).resolve(), (*above, path))
        elif line:
            yield _checked(line, path)


def _checked(line: str, path: Path) -> str:
    if _REFUSED.match(line) or _is_local(line):
        raise BuildError(
            f"{path}: {line!r} only means something on this machine, while `sam build` installs "
            "from an index. Name a release or a URL; code of your own is found by its imports.",
        )
    return line


def _is_local(line: str) -> bool:
    if _FIND_LINKS.match(line):
        return "://" not in line
    if "://" in line:
        return "file://" in line
    return not (line.startswith("-") or _NAME.match(line)) or line.endswith(_ARCHIVES)


def _folded(line: str) -> str:
    return line.replace(" --hash", " \\\n    --hash")
