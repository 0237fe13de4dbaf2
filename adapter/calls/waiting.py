"""Calls that Lambda would not take yet, and that are sent again.

Ray Serve keeps a call until a replica is free. Lambda keeps none: where every environment that a
function may have is busy it refuses the call, which then surely did not run. So the handle waits a
moment, a little longer each time, and sends the call again, within the time that its caller has.
"""

import asyncio
import contextlib
import os
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from adapter import deadline
from adapter.errors import BackPressureError, InvocationError
from adapter.serve import context

Answer = TypeVar("Answer")

FIRST_S = 0.05  # as long as many a call takes
LONGEST_S = 2.0  # between two attempts; an environment becomes free at any moment
WITHOUT_DEADLINE_S = 910.0  # a function runs for at most 900 s, then there is room
UNREACHED = 3  # attempts to connect: nobody listening is a mistake more often than a moment
# Of the time that the caller has left. The rest is for its answer, and for that of a call which is
# taken at the last moment.
SHARE = 0.9


class Queue(NamedTuple):
    """How many calls of a deployment may wait, -1 for any number, and how others are refused."""

    max_queued_requests: int = -1
    status_code: int = 503
    retry_after_s: float | None = None


class Waiting:
    """Counts the calls of this process that wait, by function."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._waiting: Counter[str] = Counter()
        self._counting = threading.Lock()  # calls may be carried by several event loops

    async def until_taken(
        self,
        function: str,
        send: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """Send a call, and again while it surely did not run.

        `function` is its name without prefix and alias. Raises what `send` raises: at once where
        the function may have run, else when the time is over. Raises `BackPressureError` where more
        calls than the deployment allows would wait.
        """
        try:
            return await send()
        except InvocationError as error:
            if not error.never_ran:
                raise
            with self._counted(function, error):
                return await _again(send, error)

    @contextlib.contextmanager
    def _counted(self, function: str, error: InvocationError) -> Iterator[None]:
        queue = queues(self._environ).get(function, Queue())
        with self._counting:
            before = self._waiting[function]
            if 0 <= queue.max_queued_requests <= before:
                raise BackPressureError(before, *queue) from error
            self._waiting[function] += 1
        try:
            yield
        finally:
            with self._counting:
                self._waiting[function] -= 1


async def _again(send: Callable[[], Awaitable[Answer]], error: InvocationError) -> Answer:
    now = asyncio.get_running_loop().time
    began, attempts = now(), 1
    end = began + _seconds()
    while True:
        delay = _delay(attempts, error)
        if now() + delay > end or (error.status is None and attempts >= UNREACHED):
            error.args = (f"{error} (sent {attempts} times in {now() - began:.1f} s)",)
            raise error
        await asyncio.sleep(delay)
        attempts += 1
        try:
            return await send()
        except InvocationError as another:
            if not another.never_ran:
                raise
            error = another


def _seconds() -> float:
    """Return for how long to go on."""
    invocation = context.invocation.get()
    left = deadline.seconds_left(invocation.deadline_ms) if invocation is not None else None
    return WITHOUT_DEADLINE_S if left is None else SHARE * left


def _delay(attempts: int, error: InvocationError) -> float:
    """Return a random time, so that callers that were refused together do not return together.

    Up to twice as long as before, and never sooner than Lambda has asked for.
    """
    most = min(LONGEST_S, FIRST_S * 2.0 ** min(attempts - 1, 30))
    asked = getattr(error, "retry_after_s", None) or 0.0
    # Environments of one snapshot would all have the numbers of the same `random`.
    return max(asked, most * int.from_bytes(os.urandom(4)) / 2**32)


def queues(environ: Mapping[str, str]) -> dict[str, Queue]:
    """Read `ADAPTER_QUEUES`: `Model:5,Other:1:429:2.5`.

    That is a function's name, `max_queued_requests`, and where the deployment has a
    `backpressure_config` its `status_code` and `retry_after_s`.
    """
    found = {}
    for entry in filter(None, environ.get("ADAPTER_QUEUES", "").split(",")):
        name, most, *refusal = entry.split(":")
        status, seconds = (*refusal, "", "")[:2]
        found[name] = Queue(int(most), int(status or 503), float(seconds) if seconds else None)
    return found
