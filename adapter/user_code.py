"""Calling code that the user wrote: async on the loop, everything else in a thread."""

import asyncio
import contextvars
import functools
import inspect
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


def _in_thread(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        # A future cannot hold it, and whoever waits would wait for ever; coroutines do the same.
        raise RuntimeError("the function raised StopIteration") from error


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
