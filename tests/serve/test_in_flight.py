import asyncio
import contextvars
import threading
from typing import Any

import pytest

from adapter.errors import RequestCancelledError
from adapter.serve import in_flight
from adapter.serve.handles import DeploymentHandle
from tests.serve.recorder import Recorder

handle = DeploymentHandle("Model")


def run_and_cancel(work: Any) -> None:
    """Run a coroutine as an invocation and cancel it when it waits."""

    async def invocation(waiting: asyncio.Event) -> None:
        async with in_flight.cancelled_together():
            await work()
            waiting.set()
            await asyncio.Event().wait()

    async def main() -> None:
        waiting = asyncio.Event()
        task = asyncio.create_task(invocation(waiting))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_calls_that_nobody_awaits_are_cancelled_with_the_invocation(recorder: Recorder) -> None:
    async def work() -> None:
        handle.remote()
        await asyncio.create_task(call())

    async def call() -> None:
        handle.remote()

    run_and_cancel(work)
    assert [future.cancelled() for future in recorder.futures] == [True, True]


def test_stream_that_is_kept_is_cancelled_with_the_invocation(recorder: Recorder) -> None:
    kept: list[Any] = []

    async def work() -> None:
        kept.append(handle.options(stream=True).remote())

    run_and_cancel(work)
    assert recorder.futures[0].cancelled()


@pytest.mark.usefixtures("recorder")
def test_plain_code_that_waits_in_a_thread_ends_with_the_invocation() -> None:
    ended = threading.Event()

    def wait() -> None:
        called.set()
        with pytest.raises(RequestCancelledError):
            handle.remote().result()
        ended.set()

    async def work() -> None:
        waiting.append(asyncio.ensure_future(asyncio.to_thread(wait)))
        await asyncio.to_thread(called.wait)

    called = threading.Event()
    waiting: list[asyncio.Future[None]] = []
    run_and_cancel(work)
    assert ended.wait(10)


def test_thread_that_outlives_its_cancelled_invocation_can_call_nobody(recorder: Recorder) -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def call_late() -> None:
        begun.set()
        go_on.wait()
        handle.remote()
        ended.set()

    async def work() -> None:
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(call_late,), daemon=True).start()
        await asyncio.to_thread(begun.wait)

    run_and_cancel(work)
    go_on.set()
    assert ended.wait(10)
    assert recorder.futures[0].cancelled()


def test_calls_outlive_an_invocation_that_ends_well_or_fails(recorder: Recorder) -> None:
    async def main(error: Exception | None) -> None:
        async with in_flight.cancelled_together():
            handle.remote()
            if error:
                raise error

    asyncio.run(main(None))
    with pytest.raises(KeyError):
        asyncio.run(main(KeyError()))
    handle.remote()

    assert [future.done() for future in recorder.futures] == [False] * 3


def test_call_of_another_invocation_is_left_alone(recorder: Recorder) -> None:
    async def other() -> None:
        async with in_flight.cancelled_together():
            handle.remote()

    async def work() -> None:
        handle.remote()

    asyncio.run(other())
    run_and_cancel(work)
    assert [future.cancelled() for future in recorder.futures] == [False, True]


def test_end_of_the_invocation_waits_for_cancelled_calls_to_hang_up(recorder: Recorder) -> None:
    async def main(*, cancel: bool) -> None:
        async with in_flight.cancelled_together():
            response = handle.remote()
            if cancel:
                response.cancel()

    asyncio.run(main(cancel=False))
    assert recorder.settled == 0
    asyncio.run(main(cancel=True))
    assert recorder.settled == 1
