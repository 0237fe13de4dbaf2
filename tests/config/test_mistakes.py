"""Mistakes are collected and shown together."""

import pytest

from adapter.config.marks import Mark
from adapter.config.mistakes import Mistakes
from adapter.errors import ConfigError


def test_no_mistake_is_no_error() -> None:
    Mistakes("file.yaml").refuse()


def test_one_mistake_is_one_line() -> None:
    mistakes = Mistakes("file.yaml")
    mistakes.add(Mark(3, 5), "wrong.")

    with pytest.raises(ConfigError) as caught:
        mistakes.refuse()
    assert str(caught.value) == "file.yaml:3:5: wrong."


def test_several_are_counted_and_come_in_the_order_of_the_file() -> None:
    mistakes = Mistakes("file.yaml")
    for mark in (Mark(10, 1), Mark(9, 20), Mark(9, 3), Mark(9, 20)):
        mistakes.add(mark, "wrong.")

    assert str(mistakes.error()).splitlines() == [
        "file.yaml has 3 mistakes.",
        "file.yaml:9:3: wrong.",
        "file.yaml:9:20: wrong.",
        "file.yaml:10:1: wrong.",
    ]
