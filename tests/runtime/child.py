"""`python -m adapter.runtime` as a child process, against a scripted Runtime API in the test's."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.runtime.scripted import PATIENCE_S, ScriptedRuntimeApi, scripted


@dataclass
class Child:
    """A running environment and its Runtime API; `said` is all that it has written."""

    api: ScriptedRuntimeApi
    process: asyncio.subprocess.Process
    said: list[str] = field(default_factory=list)
    _lines: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, text: str, times: int = 1) -> None:
        """Wait until so many lines hold `text`."""
        async with asyncio.timeout(PATIENCE_S), self._lines:
            await self._lines.wait_for(lambda: sum(text in line for line in self.said) >= times)

    def terminate(self) -> None:
        """End it as Lambda does."""
        self.process.send_signal(signal.SIGTERM)

    async def exit_code(self) -> int:
        """Wait for its end."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    async def read(self) -> None:
        """Collect what it writes."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._lines:
                self.said.append(line.decode().rstrip("\n"))
                self._lines.notify_all()


@contextlib.asynccontextmanager
async def child(source: str, folder: Path, **variables: str) -> AsyncIterator[Child]:
    """Start an environment with `source` as its `app.py`."""
    (folder / "app.py").write_text(source)
    async with scripted() as api:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-m", "adapter.runtime"),
            env={
                **os.environ,
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "LAMBDA_TASK_ROOT": str(folder),
                "_HANDLER": "app.handler",
                **variables,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        running = Child(api, process)
        reading = asyncio.create_task(running.read())
        try:
            yield running
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading
            sys.stdout.write("\n".join(running.said))  # pytest shows it where the test fails
