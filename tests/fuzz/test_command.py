"""The command that fuzzes: `python -m tests.fuzz`."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.__main__ import EXAMPLES, CtrlC, Target, fuzz

COMMAND = [sys.executable, "-m", "tests.fuzz"]
PIPES: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


@pytest.fixture(autouse=True)
def _as_the_command_has_it() -> Iterator[None]:
    before = hypothesis.settings.get_current_profile_name()
    hypothesis.settings.register_profile("quick", database=None, max_examples=EXAMPLES)
    hypothesis.settings.load_profile("quick")
    yield
    hypothesis.settings.load_profile(before)


def test_target_that_holds_is_told_with_seed_and_number_of_examples() -> None:
    @given(number=st.integers())
    def test_number(number: int) -> None:
        assert number == int(str(number))

    said: list[str] = []

    assert fuzz(Target("number", test_number), 0, 7, said.append, CtrlC())
    assert said[0].split()[:7] == ["number", "seed", "7", "1", "rounds", str(EXAMPLES), "examples"]


def test_example_that_fails_is_told_with_the_seed_that_finds_it_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @given(number=st.integers())
    def test_small(number: int) -> None:
        assert number < 100

    said: list[str] = []

    assert not fuzz(Target("small", test_small), 60, 7, said.append, CtrlC())
    # Not its value: schemathesis, once imported, makes hypothesis leave values out.
    assert "test_small(" in capsys.readouterr().err
    seed = said[-1].rpartition(" ")[2]
    assert said[-1] == f"again: python -m tests.fuzz small --seed {seed}"
    assert not fuzz(Target("small", test_small), 0, int(seed), said.append, CtrlC())


def test_seed_brings_the_same_examples() -> None:
    seen: list[list[int]] = [[], []]
    for numbers in seen:

        @given(number=st.integers())
        def test_number(number: int) -> None:
            numbers.append(number)  # noqa: B023 - it is run at once

        Target("number", test_number).run(7)

    assert seen[0] == seen[1]


def test_targets_are_listed() -> None:
    listed = subprocess.run([*COMMAND, "--list"], check=True, capture_output=True, text=True)

    assert {"event_to_an_application", "http_message"} <= set(listed.stdout.split())


def test_unknown_target_is_a_usage_error() -> None:
    ended = subprocess.run([*COMMAND, "nothing"], check=False, capture_output=True, text=True)

    assert ended.returncode == 2
    assert "no target 'nothing'" in ended.stderr


def test_ctrl_c_ends_it_after_the_round() -> None:
    command = [*COMMAND, "line_that_a_function_prints", "prelude", "--seconds", "600"]
    with subprocess.Popen(command, **PIPES) as running:
        assert running.stdout is not None
        try:
            running.stdout.readline()
            running.send_signal(signal.SIGINT)
            rest, error = running.communicate(timeout=60)
        finally:
            running.kill()

    assert (running.returncode, error) == (130, "")
    assert [line.split()[0] for line in rest.splitlines()] == ["line_that_a_function_prints"]
