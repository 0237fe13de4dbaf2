"""A config file that has been read and holds no mistake."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapter.config.document import Document, read_document
from adapter.config.fields import FieldReader
from adapter.config.marks import Marks, Place
from adapter.config.mistakes import Mistakes
from adapter.config.schema import ApplicationConfig, ServeConfig
from adapter.errors import InvalidOption
from adapter.serve.names import DEFAULT_APPLICATION

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """What a file says, and where in it. `shown` is its path as a message writes it."""

    path: Path
    shown: str
    config: ServeConfig
    marks: Marks

    def mistakes(self) -> Mistakes:
        """Begin to collect what turns out to be wrong when the file is applied."""
        return Mistakes(self.shown)

    def application(self, name: str) -> tuple[Place, ApplicationConfig]:
        """Return an application and its place. Raises `InvalidOption` where there is none."""
        for number, application in enumerate(self.config.applications):
            if application.name == name:
                return ("applications", number), application
        raise InvalidOption(f"{self.shown} has no application {name!r}.")


def is_config_file(target: str) -> bool:
    """Whether TARGET is a config file and not module:attribute."""
    return target.endswith(SUFFIXES)


def read_config(path: Path) -> ConfigFile:
    """Read a config file. Raises `ConfigError` with every mistake in it."""
    shown = os.path.relpath(path) if path.resolve().is_relative_to(Path.cwd()) else str(path)
    mistakes = Mistakes(shown)
    document = read_document(path, mistakes)
    config = FieldReader(document, mistakes).read(ServeConfig)
    _note_shared(document, mistakes)
    mistakes.refuse()
    return ConfigFile(path=path, shown=shown, config=config, marks=document.marks)


def _note_shared(document: Document, mistakes: Mistakes) -> None:
    """Note names and prefixes of applications, and names of deployments, that are there twice."""
    seen: dict[tuple[Any, ...], Place] = {}
    for place, scope, key, name in _distinct(document.value):
        first = seen.setdefault((scope, key, str(name)), place)
        if first != place:
            line = document.marks.value(first).line
            message = f"{key}={name!r} is taken: line {line} has it, too."
            mistakes.add(document.marks.value(place), message)


def _distinct(value: Any) -> Iterator[tuple[Place, Place, str, str]]:
    """Yield what must differ: its place, the place in which it must, its key and itself."""
    for place, application in _tables(value, (), "applications"):
        name = application.get("name", DEFAULT_APPLICATION)
        prefix = application.get("route_prefix", "/")
        yield (*place, "name"), (), "name", name
        if prefix is not None:
            yield (*place, "route_prefix"), (), "route_prefix", prefix
        for inner, deployment in _tables(application, place, "deployments"):
            if "name" in deployment:
                yield (*inner, "name"), place, "name", deployment["name"]


def _tables(value: Any, place: Place, key: str) -> Iterator[tuple[Place, dict[Any, Any]]]:
    """Yield the mappings in a list of them, as far as they are any; others are noted already."""
    items = value.get(key) if isinstance(value, dict) else None
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield (*place, key, number), item
