"""A deployment that calls another one. For Ray Serve `adapter` becomes `ray` in the import."""

import asyncio
import time
from typing import Any

from adapter import serve


@serve.deployment(max_ongoing_requests=100)
class Echo:
    async def echo(self, text: str) -> str:
        return text


@serve.deployment
class Caller:
    def __init__(self, echo: Any) -> None:
        self._echo = echo

    async def measure(
        self,
        at_once: int,
        size: int,
        calls: int,
        line: str = "x",
    ) -> dict[str, float]:
        """Make so many calls in all, `at_once` at any time; returns the seconds of all.

        The text has `size` characters, `line` again and again.
        """
        text = line * (size // len(line))

        async def one_after_another() -> None:
            for _ in range(calls // at_once):
                if await self._echo.echo.remote(text) != text:
                    raise ValueError("wrong answer")

        cpu, start = time.process_time(), time.perf_counter()
        await asyncio.gather(*(one_after_another() for _ in range(at_once)))
        return {
            "seconds": time.perf_counter() - start,
            "cpu_seconds": time.process_time() - cpu,
        }


app = Caller.bind(Echo.bind())
