"""Generators of the user's, async and plain ones, as one kind."""

import asyncio
import contextvars
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from adapter import user_code

logger = logging.getLogger("adapter.generators")

AnyGenerator = Generator[Any, Any, Any] | AsyncGenerator[Any, None]


def as_async(generator: AnyGenerator) -> AsyncGenerator[Any, None]:
    """Return a generator of either kind as an async one."""
    return in_threads(generator) if isinstance(generator, Generator) else generator


async def in_threads(generator: Generator[Any, Any, Any]) -> AsyncGenerator[Any, None]:
    """Run a plain generator in threads, where it may block.

    Each step has a thread, and all of them one set of context variables, a copy of the caller's.
    Closing it closes the generator; what fails then is logged. A step that is under way when the
    task is cancelled cannot be cancelled; the generator is closed when that step is done, and
    nobody waits for it.
    """
    context, one_at_a_time = contextvars.copy_context(), threading.Lock()

    def run(step: Callable[[Generator[Any, Any, Any]], Any]) -> Any:
        with one_at_a_time:
            return context.run(step, generator)

    try:
        while found := await user_code.call(run, _advanced):
            yield found[0]
    except asyncio.CancelledError:
        asyncio.get_running_loop().run_in_executor(None, run, _close)
        raise
    except GeneratorExit:
        await user_code.call(run, _close)
        raise


def _advanced(generator: Generator[Any, Any, Any]) -> tuple[Any, ...]:
    """Return the next item in a tuple, which is empty after the last."""
    for item in generator:
        return (item,)
    return ()


def _close(generator: Generator[Any, Any, Any]) -> None:
    try:
        generator.close()
    except Exception:
        logger.exception("the generator failed while it was closed")
