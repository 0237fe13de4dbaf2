"""How long an invocation may still run.

Lambda kills an environment whose invocation outlives its timeout, and everything in it is lost. So
what runs is cancelled a little earlier: half a second, or a tenth of the time where that is less.
`ADAPTER_DEADLINE_MARGIN_MS` changes the half second. Plain code in a thread cannot be cancelled; if
it does not end by itself it is left to Lambda, which ends it with its environment.
"""

import asyncio
import contextvars
import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from adapter import user_code

DEFAULT_MARGIN_MS = 500
AGAIN_S = 0.05  # after which plain code in a thread is looked at again


def of(lambda_context: Any) -> int:
    """Return an invocation's deadline in Unix milliseconds, 0 where it has none.

    Our own context says it; AWS's says how much time is left.
    """
    if (found := getattr(lambda_context, "deadline_ms", None)) is not None:
        return int(found)
    remaining = getattr(lambda_context, "get_remaining_time_in_millis", None)
    return int(time.time() * 1000 + remaining()) if remaining else 0


def margin_ms(environ: Mapping[str, str]) -> float:
    """Read by how much sooner than the deadline to cancel, at most."""
    return float(environ.get("ADAPTER_DEADLINE_MARGIN_MS", DEFAULT_MARGIN_MS))


_OWN_MARGIN_MS = margin_ms(os.environ)


def seconds_left(deadline_ms: int, margin_ms: float = _OWN_MARGIN_MS) -> float | None:
    """Return after how many seconds to cancel, None where there is no deadline."""
    if not deadline_ms:
        return None
    left_ms = max(0.0, deadline_ms - time.time() * 1000)
    return (left_ms - min(margin_ms, left_ms / 10)) / 1000


_in_flight: set["Limit"] = set()


class Limit:
    """Cancels what runs inside shortly before the deadline; TimeoutError comes out then.

        with Limit(deadline_ms) as limit: ...

    As `asyncio.timeout` does, without the half of its cost that comes from being adjustable.
    `expired` says that the TimeoutError is ours; `answered` whether the answer has begun.
    """

    def __init__(self, deadline_ms: int, answered: Callable[[], bool] = lambda: False) -> None:
        self.expired = False
        self._left = seconds_left(deadline_ms)
        self._answered = answered
        self._began: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        _in_flight.add(self)
        self._threads = user_code.count_threads()
        task = asyncio.current_task()
        if self._left is not None and task is not None:
            self._task = task
            self._cancelling = task.cancelling()
            self._timer = self._call_later(self._left)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _in_flight.discard(self)
        self._threads.forget_task()
        if self._timer is not None:
            self._timer.cancel()
        if not self.expired:
            return
        # Another cancellation besides ours is not ours to swallow.
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _call_later(self, seconds: float) -> asyncio.TimerHandle:
        # An event loop keeps cancelled timers for a while. The invocation's context is not kept.
        nothing = contextvars.Context()
        return asyncio.get_running_loop().call_later(seconds, self._expire, context=nothing)

    def _expire(self) -> None:
        self._check = asyncio.get_running_loop().create_task(self._cancel())

    async def _cancel(self) -> None:
        if self not in _in_flight:
            return
        if self._is_held_up():
            self._timer = self._call_later(AGAIN_S)
            return
        self.expired = True
        self._task.cancel()

    def _is_held_up(self) -> bool:
        """Whether plain code runs that may still give an answer in time.

        A generator that has made a further step since the last look does not: it is cut between two
        steps. Nor does what AnyIO runs when the answer has begun: it keeps a cancellation until its
        thread has ended.
        """
        began, self._began = self._began, self._threads.began
        if self._threads.running:
            return began in (None, self._threads.began)
        return not self._answered() and self._threads.in_anyio(alone=len(_in_flight) == 1)
