"""Annotations, and what of YAML they admit."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

import pytest

from adapter.config.kinds import admits, alternatives, expected, found
from adapter.serve.autoscaling import AutoscalingConfig
from adapter.serve.http_options import ProxyLocation
from adapter.serve.options import Default


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (int, [1, -1], [True, 1.0, "1", None]),
        (float, [1, 1.5], [True, "1", None]),
        (bool, [True, False], [0, "true"]),
        (str, ["", "x"], [1, None, date(2026, 1, 1)]),
        (type(None), [None], [0, "", False]),
        (Literal["auto"], ["auto"], ["Auto", None]),
        (Literal[1], [1], [True, 1.0]),
        (ProxyLocation, ["Disabled"], ["disabled", 1]),
        (list[str], [[], [1]], [(), "x", {}]),
        (tuple[str, ...], [[]], ["x", None]),
        (Sequence[str], [[]], ["x"]),
        (Mapping[str, Any], [{}, {1: 2}], [[], None]),
        (dict[str, float], [{}], [[]]),
        (AutoscalingConfig, [{}], [[], "x"]),
        (Annotated[int, "more"], [1], ["1"]),
        (Any, [1, None, []], []),
        (Callable[..., Any], [], ["x", None]),
    ],
)
def test_a_kind_admits_what_yaml_has_of_it(kind: Any, right: list[Any], wrong: list[Any]) -> None:
    assert [value for value in right if not admits(kind, value)] == []
    assert [value for value in wrong if admits(kind, value)] == []


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (int, "a whole number"),
        (int | Literal["auto"] | None, "a whole number or 'auto' or null"),
        (float | Default, "a number"),
        (ProxyLocation, "one of 'Disabled', 'HeadOnly', 'EveryNode'"),
        (list[str] | str, "a list or text"),
        (AutoscalingConfig | Mapping[str, Any], "a mapping"),
        (str | Callable[..., Any], "text"),
        (bool, "true or false"),
    ],
)
def test_what_is_expected_is_said_in_words(kind: Any, words: str) -> None:
    assert expected(alternatives(kind)) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("many", "the text 'many'"),
        (3, "3"),
        (2.5, "2.5"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        ({}, "an empty mapping"),
        ({"a": 1}, "a mapping"),
        ([], "an empty list"),
        ([1], "a list"),
        (date(2026, 11, 21), "2026-11-21"),
        ("x" * 100, f"the text '{'x' * 79}"),
    ],
)
def test_what_is_found_is_said_in_words(value: Any, words: str) -> None:
    assert found(value) == words
