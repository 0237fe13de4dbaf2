import asyncio
import threading
from typing import Any

import pytest

from adapter.loop_thread import LoopThread, result_of, submit


def test_coroutine_runs_in_the_thread() -> None:
    async def where() -> str:
        assert asyncio.get_running_loop() is thread.loop
        return threading.current_thread().name

    thread = LoopThread("worker")
    name = thread.submit(where()).result()
    thread.stop()

    assert name == "worker"


def test_given_loop_is_used() -> None:
    loop = asyncio.new_event_loop()
    thread = LoopThread("worker", loop)
    thread.stop()

    assert thread.loop is loop
    assert loop.is_closed()


def test_stop_cancels_what_still_runs() -> None:
    async def forever() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    started, ended = threading.Event(), list[str]()
    thread = LoopThread("worker")
    future = thread.submit(forever())
    started.wait()
    thread.stop()

    assert ended == ["cancelled"]
    assert future.cancelled()


def test_error_reaches_who_waits() -> None:
    async def fail() -> Any:
        raise LookupError("broken")

    thread = LoopThread("worker")
    with pytest.raises(LookupError, match="broken"):
        thread.submit(fail()).result()
    thread.stop()


async def test_who_is_on_the_loop_submits_to_it_too() -> None:
    async def work() -> asyncio.Task[Any] | None:
        return asyncio.current_task()

    future = submit(work(), asyncio.get_running_loop())

    assert await result_of(future) not in (None, asyncio.current_task())
    assert await result_of(future) is future.result()  # again, now that it is there


async def test_an_error_on_the_same_loop_reaches_who_waits() -> None:
    async def fail() -> Any:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        await result_of(submit(fail(), asyncio.get_running_loop()))


async def test_cancelling_the_future_cancels_the_work_on_the_same_loop() -> None:
    ended = asyncio.Event()
    future = submit(_until_cancelled(asyncio.Event(), ended), asyncio.get_running_loop())
    await asyncio.sleep(0)  # it begins
    assert future.cancel()

    await ended.wait()


async def test_work_that_is_cancelled_cancels_its_future() -> None:
    async def give_up() -> None:
        raise asyncio.CancelledError

    future = submit(give_up(), asyncio.get_running_loop())
    with pytest.raises(asyncio.CancelledError):
        await result_of(future)

    assert future.cancelled()


async def test_cancelling_who_waits_cancels_the_work() -> None:
    began, ended = asyncio.Event(), asyncio.Event()
    future = submit(_until_cancelled(began, ended), asyncio.get_running_loop())
    waiting = asyncio.create_task(result_of(future))
    await began.wait()
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    await ended.wait()
    assert future.cancelled()


async def test_a_result_of_another_thread_wakes_who_waits() -> None:
    async def name() -> str:
        await released.wait()
        return threading.current_thread().name

    released = asyncio.Event()
    thread = LoopThread("worker")
    waiting = asyncio.create_task(result_of(thread.submit(name())))
    await asyncio.sleep(0)  # it waits
    thread.loop.call_soon_threadsafe(released.set)

    assert await waiting == "worker"
    await asyncio.to_thread(thread.stop)


async def _until_cancelled(began: asyncio.Event, ended: asyncio.Event) -> None:
    began.set()
    try:
        await asyncio.Event().wait()
    finally:
        ended.set()
