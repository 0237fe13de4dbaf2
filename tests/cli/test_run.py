"""`adapter run` as a process of its own, the way a person starts it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import adapter
from tests.local.world import is_alive, wait_for_end

REPOSITORY = Path(adapter.__file__).parents[1]
PROGRAM = """
import os

from adapter import serve

@serve.deployment
class Callee:
    def __call__(self, value):
        return [value, os.getpid()]

@serve.deployment
class Caller:
    def __init__(self, callee):
        self.callee = callee

    async def __call__(self, request):
        value, pid = await self.callee.remote(request.query_params.get("value"))
        return {"value": value, "pids": [pid, os.getpid()]}

app = Caller.bind(Callee.bind())
"""


class Run:
    """A running command that speaks JSON."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.objects: list[dict[str, Any]] = []
        self.start = self.until("start")

    def until(self, kind: str) -> dict[str, Any]:
        """Read lines until one of that kind."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.objects.append(json.loads(line))
            if self.objects[-1]["type"] == kind:
                return self.objects[-1]
        raise AssertionError(f"no {kind} in {self.objects}")

    def get(self, path: str) -> Any:
        """Ask the HTTP server for JSON."""
        with urllib.request.urlopen(self.start["http_url"] + path, timeout=30) as answer:
            return json.load(answer)


def _command(*arguments: str) -> list[str]:
    ports = ("--port", "0", "--lambda-port", "0")
    return [sys.executable, "-m", "adapter.cli.main", "run", *arguments, *ports]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


@contextlib.contextmanager
def _running(folder: Path, *arguments: str) -> Iterator[Run]:
    (folder / "program.py").write_text(PROGRAM)
    process = subprocess.Popen(
        [*_command("program:app", *arguments), "--output", "json"],
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Run(process)
        finally:
            process.terminate()


def _failing(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        _command(*arguments),
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_composed_program_is_served(tmp_path: Path) -> None:
    with _running(tmp_path) as run:
        answer = run.get("/?value=5")
        called = run.until("invocation")
        served = run.until("invocation")

    assert answer["value"] == "5"
    assert len(set(answer["pids"])) == 2
    assert (called["function"], called["label"], called["caller"]) == (
        "Callee",
        "__call__",
        "Caller",
    )
    assert (served["function"], served["label"], served["status"]) == ("Caller", "GET /", "200")
    assert (called["cold"], served["cold"]) == (True, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_within_two_seconds(tmp_path: Path, number: int) -> None:
    with _running(tmp_path) as run:
        pids = run.get("/")["pids"]
        run.process.send_signal(number)
        code = run.process.wait(timeout=2)
        stop = run.until("stop")

    assert (code, stop["invocations"]) == (0, 2)
    assert not any(is_alive(pid) for pid in pids)


def test_killed_it_leaves_no_process(tmp_path: Path) -> None:
    with _running(tmp_path) as run:
        pids = run.get("/")["pids"]
        run.process.kill()
        run.process.wait(timeout=10)
        wait_for_end(pids)  # they notice the closed Runtime API


def test_people_get_a_banner_and_lines(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    process = subprocess.Popen(
        _command("program:app"),
        cwd=tmp_path,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        head = [process.stdout.readline() for _ in range(9)]
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()

    assert head[1] == "  program:app   through Lambda's protocol, on this machine\n"
    assert head[3].startswith("  HTTP    http://127.0.0.1:")
    assert head[4].endswith("Caller → Callee\n")
    assert head[5].startswith("  Lambda  http://127.0.0.1:")
    assert rest.endswith("\n  served 0 invocations\n")


def test_it_ends_when_nobody_reads_its_output(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    process = subprocess.Popen(
        [*_command("program:app"), "--output", "json"],
        cwd=tmp_path,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        start = json.loads(process.stdout.readline())
        process.stdout.close()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(start["http_url"], timeout=30).close()
        code = process.wait(timeout=30)
        errors = process.stderr.read()

    assert (code, errors) == (0, "")


def test_a_change_is_served_with_reload(tmp_path: Path) -> None:
    with _running(tmp_path, "--reload") as run:
        run.get("/")
        changed = PROGRAM.replace('"value": value', '"value": "changed"')
        (tmp_path / "program.py").write_text(changed)
        run.until("reload")
        answer = run.get("/")

    assert answer["value"] == "changed"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("programm:app", "error: no module named 'programm'"),
        ("program:ap", "error: module 'program'"),
        ("program", "error: TARGET='program' must have the form module:attribute"),
    ],
)
def test_a_wrong_target_is_one_line_and_exit_code_2(
    tmp_path: Path,
    target: str,
    message: str,
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = _failing(tmp_path, target)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*_command("program:app"), "--port", str(port)]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    assert done.returncode == 2
    assert done.stderr == (
        f"error: cannot listen on 127.0.0.1:{port}: Address already in use. Choose another port "
        "with --port; 0 picks a free one.\n"
    )


def test_an_exception_while_importing_shows_the_users_frames(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("def fail():\n    1 / 0\n\nfail()\n")
    done = _failing(tmp_path, "program:app")

    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "adapter/plan" not in done.stderr


def test_quiet_and_verbose_exclude_each_other(tmp_path: Path) -> None:
    done = _failing(tmp_path, "program:app", "--quiet", "--verbose")

    assert done.returncode == 2
    assert "--quiet and --verbose exclude each other" in done.stderr
