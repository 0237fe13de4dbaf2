"""The handle calls of an invocation: where it is cancelled, they are, too.

It does not end before those that run in the background have left: the event loop may stand still
then, until the next invocation or for ever.
"""

import asyncio
from concurrent.futures import Future
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from adapter.serve import transport


class Calls:
    """Calls that belong together, of one invocation for example, and are not done."""

    def __init__(self) -> None:
        self.cancelled = False  # one of them was
        self._over = False
        self._pending: set[Future[Any]] = set()
        self._events: set[Future[Any]] = set()  # of those, that nobody has to wait for

    def add(self, call: Future[Any], *, is_event: bool = False) -> None:
        """Count a call until it is done; an event is done when it has been accepted."""
        self._pending.add(call)
        if is_event:
            self._events.add(call)
        call.add_done_callback(self._done)
        if self._over:  # a thread of the invocation goes on
            call.cancel()

    def cancel(self) -> None:
        """Cancel the calls, and those that are added later.

        An invocation that cancels others than its own waits for these to hang up, too.
        """
        self._over = True
        for call in list(self._pending):
            call.cancel()
        if self.cancelled and (own := _calls.get()) is not None:
            own.cancelled = True

    @property
    def has_events(self) -> bool:
        """Whether there are events that have not been accepted."""
        return bool(self._events)

    async def accepted(self) -> None:
        """Wait until the events have been accepted, or have failed."""
        while events := list(self._events):
            await asyncio.gather(*map(asyncio.wrap_future, events), return_exceptions=True)
            self._events.difference_update(events)

    def _done(self, call: Future[Any]) -> None:
        self._pending.discard(call)
        self._events.discard(call)
        self.cancelled = self.cancelled or call.cancelled()


_calls: ContextVar[Calls | None] = ContextVar("calls", default=None)


class cancelled_together:  # noqa: N801 - used as `contextlib`'s are, at a third of the time
    """Cancel the handle calls that are made inside, where what runs inside is cancelled.

    Calls count wherever the invocation makes them: in tasks and in threads that it started, too. So
    plain code that waits for `.result()` in a thread, which itself cannot be cancelled, ends. They
    are counted in `calls`, for who wants to cancel them from outside.
    """

    def __init__(self, calls: Calls | None = None) -> None:
        self._inside = calls or Calls()

    async def __aenter__(self) -> None:
        self._token = _calls.set(self._inside)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        calls = self._inside
        try:
            if kind is None or issubclass(kind, Exception):
                if calls.has_events:
                    await calls.accepted()
            elif issubclass(kind, asyncio.CancelledError):
                calls.cancel()
        except asyncio.CancelledError:
            calls.cancel()
            raise
        finally:
            _calls.reset(self._token)
            if calls.cancelled:
                # The event loop may stand still until the next invocation.
                await transport.current().settle()


def add(call: Future[Any], *, is_event: bool = False) -> None:
    """Count a call that begins, until it is done; an event, until it has been accepted."""
    if (calls := _calls.get()) is not None:
        calls.add(call, is_event=is_event)
