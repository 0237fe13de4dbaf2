"""A child process in a process group of its own, its output line by line."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STDOUT, STDERR = 1, 2
_LONGEST_LINE = 64 * 1024  # bytes; a longer line is shown in pieces rather than held in memory
_LAST_OUTPUT_S = 0.2  # how long descendants that left the group may keep our end of a pipe open

Output = Callable[[int, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to execute: arguments, the whole environment, the working directory."""

    command: Sequence[str]
    variables: Mapping[str, str]
    folder: Path


class ChildProcess:
    """A running child. `write` gets each line of its output without the line's end."""

    def __init__(self, write: Output) -> None:
        self._protocol = _Protocol(write)
        self._transport: asyncio.SubprocessTransport | None = None

    async def start(self, program: Program) -> None:
        """Start it. Raises OSError where the program cannot be executed.

        Its process group keeps the terminal's Ctrl-C from it: the server ends its functions
        itself, in order.
        """
        self._transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: self._protocol,
            *program.command,
            env=program.variables,
            cwd=program.folder,
            stdin=asyncio.subprocess.DEVNULL,
            process_group=0,
        )

    @property
    def pid(self) -> int:
        """The process id, 0 before the start."""
        return self._transport.get_pid() if self._transport else 0

    def terminate(self) -> None:
        """Ask the child to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the child and what it started."""
        self._signal(signal.SIGKILL)

    async def wait(self) -> str:
        """Wait for the end of the child and its group; return the reason in Lambda's words."""
        if self._transport is None:
            raise RuntimeError("the process was not started")
        try:
            await self._protocol.exited.wait()
            self._kill_group()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._protocol.closed.wait(), _LAST_OUTPUT_S)
            return _reason(self._transport.get_returncode())
        except asyncio.CancelledError:
            self.kill()
            await self._protocol.exited.wait()  # or nobody takes note of its end
            raise
        finally:
            self._transport.close()

    def _signal(self, number: signal.Signals) -> None:
        if self._transport is not None and not self._protocol.exited.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._transport.get_pid(), number)

    def _kill_group(self) -> None:
        # macOS says PermissionError of a group in which only a zombie is left.
        if self._transport is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._transport.get_pid(), signal.SIGKILL)


class _Protocol(asyncio.SubprocessProtocol):
    """Cuts the output into lines and notes the end of the process and of its pipes.

    asyncio's own `Process.wait()` returns only when every holder of the pipes has gone (3.11).
    """

    def __init__(self, write: Output) -> None:
        self._write = write
        self._rest = {STDOUT: b"", STDERR: b""}
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        data = data.encode() if isinstance(data, str) else data  # only its annotation says str
        *lines, rest = (self._rest[fd] + data).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            self._write(fd, line)
        while len(rest) > _LONGEST_LINE:
            self._write(fd, rest[:_LONGEST_LINE])
            rest = rest[_LONGEST_LINE:]
        self._rest[fd] = rest

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self._rest.get(fd):
            self._write(fd, self._rest[fd])
            self._rest[fd] = b""

    def process_exited(self) -> None:
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.closed.set()


def _reason(returncode: int | None) -> str:
    if returncode is None or returncode == 0:
        return "Runtime exited without providing a reason"
    if returncode < 0:
        return f"Runtime exited with error: signal: {_signal_name(-returncode)}"
    return f"Runtime exited with error: exit status {returncode}"


def _signal_name(number: int) -> str:
    return (signal.strsignal(number) or str(number)).lower()
