"""Asynchronous invocations: accepted at once, run in the background, repeated where they fail."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from adapter.local.invocation import Answer, Invocable, Invocation
from adapter.local.log import InvocationRecord, Log
from adapter.plan.values import FunctionPlan

# Lambda repeats a failed event after one and again after two minutes. At a terminal somebody is
# waiting to see it, so here the same happens after one and two seconds.
RETRY_DELAYS_S = (1.0, 2.0)


class ServedFunction(Invocable, Protocol):
    """A function as Lambda's API knows it: with its settings, and able to wait."""

    plan: FunctionPlan

    async def invoke_when_free(self, invocation: Invocation) -> Answer:
        """Run the function to its end, waiting where `invoke` would be throttled."""
        ...


class EventQueue:
    """Runs events in the background; those that still run or wait at `close` are dropped."""

    def __init__(self, log: Log, *, retry_delays_s: Sequence[float] = RETRY_DELAYS_S) -> None:
        self._log = log
        self._retry_delays_s = retry_delays_s
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, function: ServedFunction, invocation: Invocation, method: str) -> None:
        """Accept an event; `method` is what the log calls it besides "Event"."""
        work = self._run(function, invocation, f"Event {method}".rstrip())
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Drop what has not finished."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, function: ServedFunction, invocation: Invocation, label: str) -> None:
        retries = self._retry_delays_s[: function.plan.maximum_retry_attempts]
        for attempt, delay in enumerate((0.0, *retries)):
            await asyncio.sleep(delay)
            answer = await function.invoke_when_free(invocation)
            again = f" (retry {attempt})" if attempt else ""
            self._log.invocation(
                InvocationRecord(
                    function=function.plan.name,
                    label=label + again,
                    status="error" if answer.error_type else "ok",
                    request_id=invocation.request_id,
                    duration_ms=answer.duration_ms,
                    cold=answer.cold,
                    error=answer.error_type or "",
                ),
            )
            if answer.error_type is None:
                return
