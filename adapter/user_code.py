"""Calling code that the user wrote: async on the loop, everything else in a thread."""

import asyncio
import contextvars
import functools
import inspect
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any


async def call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a function, method or callable object and wait for its result.

    Plain code runs in a thread, as in Ray Serve: it may block, and it may wait for a handle's
    `.result()`, which needs the event loop to run meanwhile. Context variables are carried along.
    """
    if is_async(function):
        return await function(*args, **kwargs)
    work = functools.partial(contextvars.copy_context().run, _in_thread, function, *args, **kwargs)
    result = await asyncio.get_running_loop().run_in_executor(None, work)
    return await result if inspect.isawaitable(result) else result


class Threads:
    """Which threads run plain code for one invocation."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = asyncio.current_task()
        self._running: set[int] = set()
        self.began = 0  # how many have ever begun

    def forget_task(self) -> None:
        """Let go of the invocation's task, when it has ended.

        Its context holds this object: in a circle they would wait for the garbage collector, and
        whoever looks at all tasks would see those of the last invocations.
        """
        self._task = None

    def begin(self) -> None:
        """The calling thread begins."""
        self._running.add(threading.get_ident())
        self.began += 1

    def end(self) -> None:
        """The calling thread has ended."""
        self._running.discard(threading.get_ident())

    @property
    def running(self) -> bool:
        """Whether any of ours runs."""
        return bool(self._running)

    def in_anyio(self, *, alone: bool) -> bool:
        """Whether any of AnyIO's runs, in which FastAPI runs plain routes.

        AnyIO counts for a whole event loop. Where other invocations are in flight, only threads
        that the invocation's own task waits for are known to be its. Must be called in a task:
        AnyIO says only there what it counts.
        """
        anyio: Any = sys.modules.get("anyio.to_thread")
        if anyio is None:
            return False
        limiter = anyio.current_default_thread_limiter()
        return bool(limiter.borrowed_tokens) and (
            alone or self._task in limiter.statistics().borrowers
        )


_threads: ContextVar[Threads | None] = ContextVar("threads", default=None)


def count_threads() -> Threads:
    """Count the threads of the invocation that begins here, in its own task and context."""
    threads = Threads()
    _threads.set(threads)
    return threads


def _in_thread(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    threads = _threads.get()
    if threads is not None:
        threads.begin()
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        # A future cannot hold it, and whoever waits would wait for ever; coroutines do the same.
        raise RuntimeError("the function raised StopIteration") from error
    finally:
        if threads is not None:
            threads.end()


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine, also for partials and objects with an async call."""
    if isinstance(function, functools.partial):
        return is_async(function.func)
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        type(function).__call__,
    )


async def call_inline(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call on the event loop, as constructors and factories are called: during init."""
    result = function(*args, **kwargs)
    return await result if inspect.isawaitable(result) else result
