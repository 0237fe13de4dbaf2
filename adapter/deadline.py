"""How long an invocation may still run.

Lambda kills an environment whose invocation outlives its timeout, and everything in it is lost. So
what runs is cancelled a little earlier: half a second, or a tenth of the time where that is less.
`ADAPTER_DEADLINE_MARGIN_MS` changes the half second. Plain code in a thread cannot be cancelled; it
is left to Lambda, which ends it with its environment.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from adapter import user_code

DEFAULT_MARGIN_MS = 500


def of(lambda_context: Any) -> int:
    """Return an invocation's deadline in Unix milliseconds, 0 where it has none.

    Our own context says it; AWS's says how much time is left.
    """
    if (found := getattr(lambda_context, "deadline_ms", None)) is not None:
        return int(found)
    remaining = getattr(lambda_context, "get_remaining_time_in_millis", None)
    return int(time.time() * 1000 + remaining()) if remaining else 0


def seconds_left(deadline_ms: int, environ: Mapping[str, str] = os.environ) -> float | None:
    """Return after how many seconds to cancel, None where there is no deadline."""
    if not deadline_ms:
        return None
    left_ms = max(0.0, deadline_ms - time.time() * 1000)
    margin_ms = float(environ.get("ADAPTER_DEADLINE_MARGIN_MS", DEFAULT_MARGIN_MS))
    return (left_ms - min(margin_ms, left_ms / 10)) / 1000


_in_flight: set[int] = set()  # the invocations that `limited` bounds just now


@contextlib.asynccontextmanager
async def limited(deadline_ms: int) -> AsyncIterator[asyncio.Timeout]:
    """Cancel what runs inside shortly before the deadline; TimeoutError comes out then."""
    loop = asyncio.get_running_loop()
    left = seconds_left(deadline_ms)
    threads = user_code.count_threads()
    async with asyncio.timeout(None) as limit:

        def expire() -> None:
            if not threads.any(alone=len(_in_flight) == 1):
                limit.reschedule(loop.time())

        timer = None if left is None else loop.call_later(left, expire)
        _in_flight.add(id(limit))
        try:
            yield limit
        finally:
            _in_flight.discard(id(limit))
            if timer is not None:
                timer.cancel()
