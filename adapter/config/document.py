"""YAML with the marks of its values.

It reads what `yaml.safe_load` reads; what that passes over, a key that is there twice, is a
mistake here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from adapter.config.marks import Mark, Marks, Place
from adapter.config.mistakes import Mistakes
from adapter.errors import ConfigError

_MAPPING = "tag:yaml.org,2002:map"
_SEQUENCE = "tag:yaml.org,2002:seq"
_MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True)
class Document:
    """The value of a file, plain Python, and the marks of everything inside."""

    value: Any
    marks: Marks


def read_document(path: Path, mistakes: Mistakes) -> Document:
    """Read a YAML file; what is wrong in it is noted as `mistakes`.

    Raises `ConfigError` where there is no such file, or where it cannot be read at all.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"there is no file {mistakes.path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{mistakes.path} cannot be read: {error}.") from error
    try:
        return _Reader(text, mistakes).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = _mark(mark) if mark is not None else Mark(1, 1)
        raise ConfigError(
            f"{mistakes.path}:{at.line}:{at.column}: this is not valid YAML: {_reason(error)}.",
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{mistakes.path} is not valid YAML: {error}.") from error


def _reason(error: yaml.MarkedYAMLError) -> str:
    return ", ".join(part for part in (error.context, error.problem) if part)


class _Reader:
    def __init__(self, text: str, mistakes: Mistakes) -> None:
        self._loader = yaml.SafeLoader(text)
        self._mistakes = mistakes
        self._marks = Marks()
        self._open: list[yaml.Node] = []
        self._flat: set[int] = set()

    def document(self) -> Document:
        try:
            node = self._loader.get_single_node()
            value = None if node is None else self._value(node, ())
        finally:
            self._loader.dispose()
        return Document(value, self._marks)

    def _value(self, node: yaml.Node, place: Place) -> Any:
        self._marks.values[place] = _mark(node.start_mark)
        if node in self._open:
            self._mistakes.add(_mark(node.start_mark), "this alias stands for itself.")
            return None
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == _MAPPING:
                return dict(self._pairs(node, place))
            if isinstance(node, yaml.SequenceNode) and node.tag == _SEQUENCE:
                items = enumerate(node.value)
                return [self._value(item, (*place, number)) for number, item in items]
            return self._loader.construct_object(node, deep=True)
        finally:
            self._open.pop()

    def _pairs(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[Any, Any]]:
        if id(node) not in self._flat:  # an alias brings a node a second time
            self._flat.add(id(node))
            self._note_doubles(node)
            self._loader.flatten_mapping(node)  # the keys of `<<: *alias` become its own
        for key_node, value_node in node.value:
            key = self._key(key_node)
            self._marks.keys[*place, key] = _mark(key_node.start_mark)
            yield key, self._value(value_node, (*place, key))

    def _note_doubles(self, node: yaml.MappingNode) -> None:
        first: dict[Any, Mark] = {}
        for key_node in [key for key, _ in node.value if key.tag != _MERGE]:
            key, mark = self._key(key_node), _mark(key_node.start_mark)
            if key in first:
                line = first[key].line
                self._mistakes.add(mark, f"the key {key!r} is there twice, first in line {line}.")
            first.setdefault(key, mark)

    def _key(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self._loader.construct_object(node)
        self._mistakes.add(_mark(node.start_mark), "expected a word as key; found a collection.")
        return node.start_mark.index


def _mark(mark: yaml.Mark) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)
