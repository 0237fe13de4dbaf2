"""Tasks that an invocation leaves behind: `asyncio.create_task` without an `await`.

Lambda freezes an environment as soon as it asks for its next invocation, and what has not ended by
then stands still, for seconds or for ever. Under the policy "wait" such tasks are waited for after
the answer has left, "report" names them in a warning, "ignore" does neither.

An invocation's tasks are found by a context variable when it has ended, not by a task factory while
it runs: that costs nothing for each task, and leaves the factory to the user's code. Tasks made
during init, by a lifespan for example, and what these make are not an invocation's.
"""

import asyncio
import contextvars
import gc
import logging
import sys
import weakref
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Literal, cast

from adapter import deadline
from adapter.errors import InvalidOption

logger = logging.getLogger("adapter.runtime")

Policy = Literal["wait", "report", "ignore"]
# A task may be there to stay: the monitors of a database driver begin with the first query. Waiting
# for these until the deadline would be billed, so they get this long, and once. What ends at all
# mostly ends sooner; the rest belongs into a queue, or before the answer.
PATIENCE_S = 10.0
_NAMED = 10  # tasks in a warning


class _Mark:
    """Which invocation a task is of: one that runs, or will, holds a context that holds this."""

    __slots__ = ("__weakref__",)


_mark: ContextVar[_Mark | None] = ContextVar("background", default=None)
_Task = asyncio.Task[Any]


class Background:
    """What an environment does with tasks that outlive their invocation.

    For one that serves one invocation at a time; see `from_environment`.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        # Those that were named, and those of no invocation, which they never get.
        self._known: weakref.WeakSet[_Task] = weakref.WeakSet()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Background":
        """Read `ADAPTER_BACKGROUND`, by default "wait". Raises `InvalidOption`.

        Managed Instances that take several invocations at once freeze nothing between them.
        """
        policy = environ.get("ADAPTER_BACKGROUND") or "wait"
        if policy not in ("wait", "report", "ignore"):
            raise InvalidOption(
                f"ADAPTER_BACKGROUND={policy!r} must be 'wait', 'report' or 'ignore'.",
            )
        alone = int(environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or 1) == 1
        return cls(cast("Policy", policy) if alone else "ignore")

    def track(self, context: contextvars.Context) -> "Pending":
        """Follow the tasks of code that will run in a context, and in copies that it makes.

        The caller lets go of the context before it settles what is pending: or it has to be looked
        for.
        """
        mark = _Mark()
        if self.policy != "ignore":
            context.run(_mark.set, mark)
        return Pending(self, context, mark)

    def pending(self, mark: _Mark) -> set[_Task]:
        """Return the tasks that bear a mark, have not ended and were not named before."""
        marks = {
            task: _context(task).get(_mark)
            for task in asyncio.all_tasks()
            if task not in self._known
        }
        self._known.update(task for task, found in marks.items() if found is None)
        return {task for task, found in marks.items() if found is mark}

    def name(self, tasks: Iterable[_Task], what: str) -> None:
        """Warn of tasks, once for each: they are never waited for again."""
        found = sorted(_description(task) for task in tasks)
        self._known.update(tasks)
        more = [f"and {len(found) - _NAMED} more"] if len(found) > _NAMED else []
        logger.warning("%s: %s", what, ", ".join(found[:_NAMED] + more))


class Pending:
    """The tasks of one invocation."""

    def __init__(self, background: Background, context: contextvars.Context, mark: _Mark) -> None:
        self._background = background
        # On Python 3.11 the task still lives while its end is told, and with it this context. There
        # no other task can have it, only copies; later versions hand it out.
        self._context = context if sys.version_info < (3, 12) else None
        # Weakly: when it is gone, so are all contexts that have held it, and what would run in one.
        # To look at all tasks of the event loop takes longer than much else of an invocation.
        self._mark = weakref.ref(mark)

    async def settle(self, deadline_ms: int) -> None:
        """Deal with what the invocation left behind, when its own task has ended.

        Waits at most until shortly before `deadline_ms` (Unix time in milliseconds, 0 is none). A
        task that fails meanwhile is logged with its traceback.
        """
        if self._context is not None:
            self._context.run(_mark.set, None)
        if (mark := self._mark()) is None:
            return
        if not (left := self._background.pending(mark)):
            await asyncio.sleep(0)  # what was asked of the event loop meanwhile becomes tasks
            left = self._background.pending(mark)
        if left and self._background.policy == "wait":
            left = await self._wait(left, mark, _patience_s(deadline_ms))
            what = "tasks run on after the invocation, and stand still while Lambda freezes them"
        else:
            what = "tasks were left behind by the invocation, and Lambda freezes them"
        if left:
            self._background.name(left, what)

    async def _wait(self, left: set[_Task], mark: _Mark, patience_s: float) -> set[_Task]:
        end = asyncio.get_running_loop().time() + patience_s
        while left:
            seconds = end - asyncio.get_running_loop().time()
            done, _ = await asyncio.wait(left, timeout=max(0, seconds))
            for task in done:
                _log_failure(task)
            left = self._background.pending(mark)  # they may have made others
            if seconds <= 0:
                break
        return left


def _patience_s(deadline_ms: int) -> float:
    left = deadline.seconds_left(deadline_ms)
    return PATIENCE_S if left is None else min(PATIENCE_S, left)


def _log_failure(task: _Task) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("%s failed", _description(task), exc_info=error)


def _context(task: _Task) -> contextvars.Context:
    if sys.version_info >= (3, 12):
        return task.get_context()
    # Python 3.11 does not tell, but its garbage collector has to know what a task holds.
    held = (found for found in gc.get_referents(task) if isinstance(found, contextvars.Context))
    return next(held, contextvars.Context())


def _description(task: _Task) -> str:
    coroutine: Any = task.get_coro()
    code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
    where = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
    return f"{task.get_name()} {getattr(coroutine, '__qualname__', coroutine)}{where}"
