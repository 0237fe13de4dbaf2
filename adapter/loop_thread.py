"""An event loop in a thread of its own, for code that has none running; and ways to any loop."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


def loop_is_running() -> bool:
    """Whether the calling thread is inside a running event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def submit(coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Future[Any]:
    """Run a coroutine on a loop, from any thread; cancelling the future cancels it.

    It is `asyncio.run_coroutine_threadsafe`, but for who is on that loop already: that one's way
    to a loop, through a socket, costs about as much as a handle call does besides.
    """
    if not loop_is_running() or asyncio.get_running_loop() is not loop:
        return asyncio.run_coroutine_threadsafe(coroutine, loop)
    task = loop.create_task(coroutine)
    future: Future[Any] = Future()

    def cancel(future: Future[Any]) -> None:
        if future.cancelled():
            loop.call_soon_threadsafe(task.cancel)

    def finish(task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            future.cancel()
        if not future.set_running_or_notify_cancel():
            return
        error = task.exception()
        if error is None:
            future.set_result(task.result())
        else:
            future.set_exception(error)

    future.add_done_callback(cancel)
    task.add_done_callback(finish)
    return future


async def result_of(future: Future[Result]) -> Result:
    """Wait for a future on the running loop; a cancellation cancels it.

    It is `asyncio.wrap_future`, without the way through a socket where the future is done by code
    of this very thread. Raises CancelledError where the future was cancelled.
    """
    if not future.done():
        await _end_of(future)
    if future.cancelled():
        raise asyncio.CancelledError
    return future.result()


async def _end_of(future: Future[Any]) -> None:
    loop, thread = asyncio.get_running_loop(), threading.get_ident()
    ended = loop.create_future()

    def wake(_: Future[Any]) -> None:
        if threading.get_ident() == thread:
            tell()
        elif not loop.is_closed():
            loop.call_soon_threadsafe(tell)

    def tell() -> None:
        if not ended.done():
            ended.set_result(None)

    future.add_done_callback(wake)
    try:
        await ended
    except asyncio.CancelledError:
        future.cancel()
        raise


class LoopThread:
    """Runs coroutines on an event loop in a daemon thread."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.loop = loop or asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def submit(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run a coroutine there; cancelling the future cancels it."""
        return submit(coroutine, self.loop)

    def stop(self, timeout_s: float = 1.0) -> None:
        """Cancel what still runs, end the thread and close the loop.

        A coroutine that does not end by `timeout_s` seconds after its cancellation is left behind
        with its loop; plain code that blocks in a worker thread is never waited for.
        """
        try:
            self.submit(cancel_all()).result(timeout_s)
        except TimeoutError:
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


async def cancel_all() -> None:
    """Cancel every other task of the running event loop, and wait for the end of each."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
