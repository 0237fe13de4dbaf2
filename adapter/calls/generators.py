"""Generators of the user's, async and plain ones, as one kind."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from adapter import user_code

AnyGenerator = Generator[Any, Any, Any] | AsyncGenerator[Any, None]


def as_async(generator: AnyGenerator) -> AsyncGenerator[Any, None]:
    """Return a generator of either kind as an async one."""
    return in_threads(generator) if isinstance(generator, Generator) else generator


async def in_threads(generator: Generator[Any, Any, Any]) -> AsyncGenerator[Any, None]:
    """Run a plain generator, each step in a thread and all of them in one context.

    Closing it closes the generator. A step that is under way when the task is cancelled cannot be
    cancelled; the generator is closed when that step is done, and nobody waits for it.
    """
    context, lock = contextvars.copy_context(), threading.Lock()

    def run(step: Callable[[], Any]) -> Any:
        with lock:
            return context.run(step)

    def advance() -> tuple[Any, ...]:
        for item in generator:
            return (item,)
        return ()

    try:
        while found := await user_code.call(run, advance):
            yield found[0]
    except asyncio.CancelledError:
        asyncio.get_running_loop().run_in_executor(None, run, generator.close)
        raise
    except GeneratorExit:
        await user_code.call(run, generator.close)
        raise
