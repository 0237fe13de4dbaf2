"""`python -m bench`: what it runs, what it exits with, and what it leaves."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux",
    reason="the benchmarks read /proc, and awslambdaric is built for Linux",
)


def suite(*arguments: str, path: str = "") -> "subprocess.Popen[str]":
    """`path` is added to PATH, which the contenders inherit."""
    search = os.pathsep.join([os.environ["PATH"], path])
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": search},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_with(mark: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and mark.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


def test_the_chosen_benchmarks_run_in_order_and_are_written(tmp_path: Path) -> None:
    options = ("--turns", "1", "--output", "json", "--write", "--folder", str(tmp_path))
    with suite("B10", "B9", *options) as process:
        output, log = process.communicate()

    assert process.returncode == 0, log
    assert [one["id"] for one in json.loads(output)["benchmarks"]] == ["B9", "B10"]
    assert "B9: size" in log
    assert "## B9:" in (tmp_path / "RESULTS.md").read_text(encoding="utf-8")


def test_an_unknown_benchmark_is_refused_with_the_known_ones() -> None:
    with suite("B99") as process:
        _, log = process.communicate()

    assert process.returncode == 2
    assert "B10" in log
    assert "'B99'" in log


def test_few_turns_are_not_written() -> None:
    with suite("B9", "--quick", "--write") as process:
        _, log = process.communicate()

    assert process.returncode == 2
    assert "too little to be written" in log


def test_a_benchmark_that_fails_is_said_and_does_not_end_the_others(tmp_path: Path) -> None:
    wrong = tmp_path / "python"  # which has no package that a contender needs
    wrong.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    wrong.chmod(0o755)
    with suite("B9", "B10", "--turns", "1", "--python", str(wrong)) as process:
        _, log = process.communicate()

    assert process.returncode == 1
    assert "needs the packages of requirements/dev.txt" in log
    assert "B9: FAILED" in log
    assert "B10: FAILED" in log


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_whoever_ends_it_leaves_no_process(sent: signal.Signals) -> None:
    mark = f"/nowhere/{uuid.uuid4()}"
    with suite("B3", path=mark) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "turn 2" in line:
                break
        process.send_signal(sent)
        output, _ = process.communicate()

    assert process.returncode == 130
    assert output == ""
    assert processes_with(mark) == []
