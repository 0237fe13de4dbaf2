"""Child processes: their output, how they end, and that nothing of them stays."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from adapter.local.process import STDERR, STDOUT, ChildProcess, Program
from tests.local.world import is_alive, until


class _Child:
    """A child that runs `source`, and what it printed."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, bytes]] = []
        self.printed = asyncio.Event()
        self.process = ChildProcess(self._write)

    def _write(self, fd: int, line: bytes) -> None:
        self.lines.append((fd, line))
        self.printed.set()

    async def start(self, source: str) -> None:
        command = (sys.executable, "-u", "-c", source)
        await self.process.start(Program(command=command, variables=os.environ, folder=Path.cwd()))

    async def run(self, source: str) -> str:
        await self.start(source)
        return await self.process.wait()


async def test_output_comes_line_by_line_from_both_streams() -> None:
    child = _Child()
    reason = await child.run(r"import os; os.write(1, b'a\r\nb\n\nc'); os.write(2, b'\xff\n')")

    assert [line for fd, line in child.lines if fd == STDOUT] == [b"a", b"b", b"", b"c"]
    assert [line for fd, line in child.lines if fd == STDERR] == [b"\xff"]
    assert reason == "Runtime exited without providing a reason"


async def test_a_line_without_end_is_passed_on_in_pieces() -> None:
    child = _Child()
    await child.run("import os\nfor _ in range(8): os.write(1, b'x' * 25_000)")

    assert max(len(line) for _, line in child.lines) == 64 * 1024
    assert sum(len(line) for _, line in child.lines) == 200_000


async def test_an_exit_status_is_named_as_lambda_does() -> None:
    assert await _Child().run("raise SystemExit(3)") == "Runtime exited with error: exit status 3"


async def test_a_signal_is_named_as_lambda_does() -> None:
    child = _Child()
    await child.start("import time; time.sleep(60)")
    child.process.kill()

    assert await child.process.wait() == "Runtime exited with error: signal: killed"


async def test_killing_ends_what_the_child_started() -> None:
    child = _Child()
    await child.start(
        "import subprocess, sys, time\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)\n"
        "time.sleep(60)",
    )
    await child.printed.wait()
    grandchild = int(child.lines[0][1])
    child.process.kill()
    await child.process.wait()

    await until(lambda: not is_alive(grandchild))


async def test_what_a_child_leaves_behind_is_killed_when_it_ends() -> None:
    child = _Child()
    await child.run(
        "import subprocess, sys\n"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)",
    )

    await until(lambda: not is_alive(int(child.lines[0][1])))


async def test_a_descendant_in_another_session_does_not_hold_up_the_end() -> None:
    child = _Child()
    source = "import time; time.sleep(60)"
    reason = await child.run(
        "import subprocess, sys\n"
        f"command = [sys.executable, '-c', {source!r}]\n"
        "print(subprocess.Popen(command, start_new_session=True).pid)\n"
        "raise SystemExit(1)",
    )
    os.kill(int(child.lines[0][1]), 9)

    assert reason == "Runtime exited with error: exit status 1"


async def test_the_child_is_outside_the_terminals_process_group() -> None:
    child = _Child()
    await child.run("import os; print(os.getpgrp() == os.getpid())")

    assert child.lines == [(STDOUT, b"True")]


async def test_a_program_that_is_not_there_is_an_os_error() -> None:
    program = Program(command=("/no/such/program",), variables={}, folder=Path.cwd())

    with pytest.raises(FileNotFoundError):
        await ChildProcess(lambda _fd, _line: None).start(program)


async def test_a_cancelled_wait_kills_the_child() -> None:
    child = _Child()
    await child.start("print('up')\nimport time; time.sleep(60)")
    pid = child.process.pid
    waiting = asyncio.create_task(child.process.wait())
    await child.printed.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    await until(lambda: not is_alive(pid))
