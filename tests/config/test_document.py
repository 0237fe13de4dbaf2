"""YAML with the place of everything in it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from adapter.config.document import Document, read_document
from adapter.config.marks import Mark
from adapter.config.mistakes import Mistakes
from adapter.errors import ConfigError


def read(folder: Path, text: str) -> tuple[Document, Mistakes]:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    mistakes = Mistakes("file.yaml")
    return read_document(path, mistakes), mistakes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "a: 1\nb: [x, 2.5, true, null, ~]\nc: {d: e}",
        "when: 2026-11-21\nset: !!set {a, b}\nbytes: !!binary aGk=",
        "one: &one {a: 1, b: 2}\ntwo: {<<: *one, b: 3}\nthree: *one",
        "list: [&x {a: 1}, *x]",
        "x: &x {b: 1}\na: &a {<<: *x, b: 3}\nc: *a\nd: {<<: *a, b: 4}",
        "\ufeffa: 1",
        "? 2\n: one\ntrue: two",
        "yes: no\noctal: 0o7\nexponent: 1e3",
    ],
)
def test_the_value_is_what_safe_load_reads(tmp_path: Path, text: str) -> None:
    document, mistakes = read(tmp_path, text)

    assert document.value == yaml.safe_load(text)
    assert mistakes.found == []


def test_every_value_and_key_has_its_line_and_column(tmp_path: Path) -> None:
    document, _ = read(tmp_path, "a: 1\nb:\n  - name: x\n    size:\n      - 3\n")
    marks = document.marks

    places: dict[tuple[Any, ...], Mark] = {
        (): Mark(1, 1),
        ("a",): Mark(1, 4),
        ("b",): Mark(3, 3),
        ("b", 0): Mark(3, 5),
        ("b", 0, "name"): Mark(3, 11),
        ("b", 0, "size", 0): Mark(5, 9),
    }
    assert {place: marks.value(place) for place in places} == places
    assert marks.key(("b", 0, "size")) == Mark(4, 5)


def test_what_is_not_written_has_the_place_it_would_be_a_part_of(tmp_path: Path) -> None:
    document, _ = read(tmp_path, "a: 1\nb:\n  - name: x\n")

    assert document.marks.value(("b", 0, "size", "deeper")) == Mark(3, 5)
    assert document.marks.value(("c",)) == Mark(1, 1)
    assert document.marks.key(("b", 0, "size")) == Mark(3, 5)


def test_an_alias_has_the_place_of_what_it_stands_for(tmp_path: Path) -> None:
    document, _ = read(tmp_path, "a: &a\n  b: 1\nc: *a\nd:\n  <<: *a\n")

    assert document.marks.value(("c", "b")) == document.marks.value(("a", "b")) == Mark(2, 6)
    assert document.marks.value(("d", "b")) == Mark(2, 6)


@pytest.mark.parametrize(
    ("text", "mark", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", Mark(3, 1), "the key 'a' is there twice, first in line 1."),
        ("x: &x {a: 1, a: 2}\ny: *x\n", Mark(1, 14), "the key 'a' is there twice"),
        ("? [a]\n: 1\n", Mark(1, 3), "expected a word as key; found a collection."),
        ("a: &a [1, *a]\n", Mark(1, 4), "this alias stands for itself."),
        ("a: &a {b: *a}\n", Mark(1, 4), "this alias stands for itself."),
    ],
)
def test_what_safe_load_would_pass_over_is_a_mistake(
    tmp_path: Path,
    text: str,
    mark: Mark,
    message: str,
) -> None:
    _, mistakes = read(tmp_path, text)

    [(found, said)] = mistakes.found
    assert (found, said[: len(message)]) == (mark, message)


def test_a_key_of_a_merge_may_be_written_again(tmp_path: Path) -> None:
    text = "a: &a {b: 1}\nc: &c {d: 2}\ne: {<<: [*a, *c], b: 3}\nf: {<<: *a, b: 4}\n"
    document, mistakes = read(tmp_path, text)

    assert document.value["e"] == {"b": 3, "d": 2}
    assert document.value["f"] == {"b": 4}
    assert mistakes.found == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2\n", "file.yaml:2:1: this is not valid YAML: while parsing a flow sequence, "),
        ("a:\n\t- 1\n", "file.yaml:2:1: this is not valid YAML: while scanning for the next "),
        ("a: *nowhere\n", "file.yaml:1:4: this is not valid YAML: found undefined alias"),
        ("a: 1\n---\nb: 2\n", "file.yaml:2:1: this is not valid YAML: expected a single doc"),
        ("a: !!python/name:os.system x\n", "file.yaml:1:4: this is not valid YAML: could not"),
        ("a: !mine 3\n", "file.yaml:1:4: this is not valid YAML: could not determine a con"),
        ("<<: 3\n", "file.yaml:1:5: this is not valid YAML: while constructing a mapping, "),
        ("a: \x00\n", "file.yaml is not valid YAML: "),
    ],
)
def test_what_is_no_yaml_says_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)

    assert str(caught.value).startswith(message)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^there is no file file\.yaml\.$"):
        read_document(tmp_path / "file.yaml", Mistakes("file.yaml"))
    with pytest.raises(ConfigError, match=r"^file\.yaml cannot be read: .*Is a directory"):
        read_document(tmp_path, Mistakes("file.yaml"))
    (tmp_path / "file.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ConfigError, match=r"^file\.yaml cannot be read: 'utf-8' codec can't"):
        read_document(tmp_path / "file.yaml", Mistakes("file.yaml"))
