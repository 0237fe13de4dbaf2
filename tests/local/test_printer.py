"""Printing for readers that are slow, asleep or gone."""

import json
import os
import threading
from collections.abc import Iterator

import pytest

from adapter.local import printer as module
from adapter.local.printer import LinePrinter


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read_end, write_end = os.pipe()
    yield read_end, write_end
    os.close(write_end)


def _never() -> None:
    raise AssertionError("there is a reader")


def test_lines_arrive_in_order(pipe: tuple[int, int]) -> None:
    read_end, write_end = pipe
    with LinePrinter(write_end, as_json=False, on_broken=_never) as printer:
        for number in range(100):
            printer(f"ü{number}")
    with os.fdopen(read_end, "rb") as reader:
        text = reader.read1().decode()

    assert text.splitlines() == [f"ü{number}" for number in range(100)]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_reader_that_sleeps_stops_nobody_and_learns_what_it_missed(
    pipe: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
    as_json: bool,  # noqa: FBT001 - both ways of printing
) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 10)
    read_end, write_end = pipe
    with LinePrinter(write_end, as_json=as_json, on_broken=_never) as printer:
        for _ in range(100):
            printer("x" * 10_000)
        reader = os.fdopen(read_end, encoding="utf-8")
        lines = [reader.readline() for _ in range(10)]
        printer("after")
        while not lines[-1].startswith("after"):
            lines.append(reader.readline())
        reader.close()

    seen = len([line for line in lines if line.startswith("x")])
    note = lines[-2].strip()
    lost = json.loads(note)["lines"] if as_json else int(note.strip("(").split()[0])
    assert seen + lost == 100
    assert lost > 0


def test_a_reader_that_is_gone_is_reported(pipe: tuple[int, int]) -> None:
    read_end, write_end = pipe
    os.close(read_end)
    broken = threading.Event()
    with LinePrinter(write_end, as_json=False, on_broken=broken.set) as printer:
        printer("nobody hears this")

        assert broken.wait(10)


def test_the_end_does_not_wait_long_for_a_reader_that_sleeps(pipe: tuple[int, int]) -> None:
    read_end, write_end = pipe
    printer = LinePrinter(write_end, as_json=False, on_broken=lambda: None)
    with printer:
        printer("x" * 1_000_000)
    asleep = printer._thread.is_alive()
    os.close(read_end)  # wakes the thread with a broken pipe
    printer._thread.join()

    assert asleep
