import asyncio
import threading
from typing import Any

import pytest

from adapter.loop_thread import LoopThread


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
