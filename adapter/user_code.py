"""Calling code that the user wrote: async on the loop, everything else in a thread."""

import asyncio
import contextvars
import functools
import inspect
import sys
import threading
from collections.abc import Callable
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


_running: set[int] = set()  # the threads that run plain code for `call`


def _in_thread(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    _running.add(threading.get_ident())
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        # A future cannot hold it, and whoever waits would wait for ever; coroutines do the same.
        raise RuntimeError("the function raised StopIteration") from error
    finally:
        _running.discard(threading.get_ident())


def thread_check() -> Callable[[], bool]:
    """Return a function that tells whether plain code runs in a thread, ours or the framework's.

    Must be called inside a task: FastAPI runs plain routes in AnyIO's threads, and which these are
    AnyIO says only there.
    """
    limiter: Any = None
    if (anyio := sys.modules.get("anyio.to_thread")) is not None:
        limiter = anyio.current_default_thread_limiter()
    return lambda: bool(_running) or (limiter is not None and limiter.borrowed_tokens > 0)


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
