import asyncio
import gc
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from adapter.errors import RequestCancelledError, ServeError
from adapter.serve import context
from adapter.serve.channel import Channel
from adapter.serve.context import InvocationContext
from adapter.serve.handles import DeploymentHandle
from adapter.serve.responses import DeploymentResponse, DeploymentResponseGenerator
from tests.serve.recorder import Recorder

handle = DeploymentHandle("Model")


def test_result_waits_outside_of_a_loop(recorder: Recorder) -> None:
    response = handle.remote()
    recorder.futures[0].set_result(42)

    assert response.result() == 42
    assert response.result(timeout_s=0) == 42


def test_response_is_awaited_inside_a_loop(recorder: Recorder) -> None:
    async def twice() -> list[Any]:
        response = handle.remote()
        recorder.futures[0].set_result(42)
        return [await response, await response]

    assert asyncio.run(twice()) == [42, 42]


def test_error_of_the_call_is_raised_by_both(recorder: Recorder) -> None:
    async def wait() -> None:
        await response

    response = handle.remote()
    recorder.futures[0].set_exception(KeyError("x"))

    with pytest.raises(KeyError):
        response.result()
    with pytest.raises(KeyError):
        asyncio.run(wait())


def test_result_is_refused_inside_a_running_loop(recorder: Recorder) -> None:
    async def block() -> None:
        response = handle.remote()
        recorder.futures[0].set_result(42)
        response.result()

    expected = (
        r"^Sync methods should not be called from within an `asyncio` event loop\. "
        r"Use `await response` instead\.$"
    )
    with pytest.raises(RuntimeError, match=expected):
        asyncio.run(block())


def test_result_inside_a_running_loop_may_be_asked_for(recorder: Recorder) -> None:
    async def there_already() -> Any:
        response = handle.remote()
        recorder.futures[0].set_result(42)
        return response.result(_skip_asyncio_check=True)

    assert asyncio.run(there_already()) == 42


@pytest.mark.usefixtures("recorder")
def test_there_are_no_object_refs() -> None:
    response, items = handle.remote(), handle.options(stream=True).remote()

    for refused in (response._to_object_ref_sync, items._to_object_ref_gen_sync):
        with pytest.raises(ServeError, match="there are no object refs: results travel as values"):
            refused(_timeout_s=1)
    for awaited in (response._to_object_ref, items._to_object_ref_gen):
        with pytest.raises(ServeError, match="there are no object refs: results travel as values"):
            asyncio.run(awaited())


def test_result_in_a_thread_beside_a_running_loop_is_allowed(recorder: Recorder) -> None:
    async def main() -> Any:
        response = handle.remote()
        recorder.futures[0].set_result(42)
        return await asyncio.to_thread(response.result)

    assert asyncio.run(main()) == 42


def test_result_times_out(recorder: Recorder) -> None:
    response = handle.remote()

    with pytest.raises(TimeoutError, match=r"^Get timed out: the result was not there after 0 s"):
        response.result(timeout_s=0)
    assert not recorder.futures[0].cancelled()


def test_timeout_of_the_callee_is_its_own(recorder: Recorder) -> None:
    response = handle.remote()
    recorder.futures[0].set_exception(TimeoutError("of the callee"))

    with pytest.raises(TimeoutError, match=r"^of the callee$"):
        response.result(timeout_s=10)


def test_cancel_cancels_the_call(recorder: Recorder) -> None:
    response = handle.remote()
    assert not response.cancelled()
    response.cancel()

    assert response.cancelled()
    assert recorder.futures[0].cancelled()


def test_result_stands_against_a_later_cancel(recorder: Recorder) -> None:
    response = handle.remote()
    recorder.futures[0].set_result(42)
    response.cancel()

    assert (response.result(), response.cancelled()) == (42, False)


@pytest.mark.usefixtures("recorder")
def test_waiting_for_a_cancelled_response_is_an_error_of_its_own() -> None:
    async def wait() -> None:
        await response

    response = handle.remote()
    response.cancel()
    text = f"Request {response.request_id} was cancelled."

    with pytest.raises(RequestCancelledError) as of_result:
        response.result()
    with pytest.raises(RequestCancelledError) as of_await:
        asyncio.run(wait())
    assert (str(of_result.value), str(of_await.value)) == (text, text)


@pytest.mark.usefixtures("recorder")
def test_cancel_wakes_who_waits_in_another_thread() -> None:
    response = handle.remote()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(response.result)
        response.cancel()
        with pytest.raises(RequestCancelledError):
            waiting.result(10)


def test_cancelling_who_waits_cancels_the_call(recorder: Recorder) -> None:
    async def wait() -> None:
        await handle.remote()

    async def main() -> bool:
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)  # it waits
        waiting.cancel()
        await asyncio.wait([waiting])
        return waiting.cancelled()

    assert asyncio.run(main())
    assert recorder.futures[0].cancelled()


def test_timeout_around_await_cancels_the_call_and_stays_a_timeout(recorder: Recorder) -> None:
    async def main() -> None:
        async with asyncio.timeout(0):
            await handle.remote()

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert recorder.futures[0].cancelled()


def test_request_id_is_that_of_the_invocation_that_calls(recorder: Recorder) -> None:
    async def inside() -> tuple[str, str]:
        context.invocation.set(InvocationContext(request_id="r-1"))
        streaming = handle.options(stream=True)
        return handle.remote().request_id, streaming.remote().request_id

    assert asyncio.run(inside()) == ("r-1", "r-1")
    assert handle.remote().request_id != handle.remote().request_id
    assert len(recorder.calls) == 4


def test_response_cannot_be_pickled() -> None:
    response = DeploymentResponse(Future())

    expected = (
        r"`DeploymentResponse` is not serializable.*only pass `DeploymentResponse` objects as"
    )
    with pytest.raises(ServeError, match=expected):
        pickle.dumps([response])


@pytest.fixture
def channel() -> Channel[Any]:
    return Channel()


@pytest.fixture
def future() -> Future[None]:
    return Future()


@pytest.fixture(name="response")
def _response(
    future: Future[None],
    channel: Channel[Any],
) -> Iterator[DeploymentResponseGenerator]:
    made = DeploymentResponseGenerator(future, channel)
    yield made
    made.cancel()


def put(channel: Channel[Any], *items: Any) -> None:
    for item in items:
        asyncio.run(channel.put(item))


def test_items_come_in_order_and_end_with_the_call(
    response: DeploymentResponseGenerator,
    future: Future[None],
    channel: Channel[Any],
) -> None:
    put(channel, 1, None, 2)
    future.set_result(None)

    assert list(response) == [1, None, 2]
    assert list(response) == []
    assert not response.cancelled()


def test_items_come_in_order_inside_a_loop(
    response: DeploymentResponseGenerator,
    future: Future[None],
    channel: Channel[Any],
) -> None:
    async def main() -> list[Any]:
        await channel.put(1)
        asyncio.get_running_loop().call_soon(future.set_result, None)
        return [item async for item in response]

    assert asyncio.run(main()) == [1]


def test_error_of_the_call_comes_after_the_items(
    response: DeploymentResponseGenerator,
    future: Future[None],
    channel: Channel[Any],
) -> None:
    put(channel, 1)
    future.set_exception(KeyError("x"))

    assert next(response) == 1
    with pytest.raises(KeyError):
        next(response)
    assert list(response) == []


def test_for_is_refused_inside_a_running_loop(response: DeploymentResponseGenerator) -> None:
    async def main() -> None:
        list(response)

    expected = r"event loop\. Use `async for` or `await response\.__anext__\(\)` instead\.$"
    with pytest.raises(RuntimeError, match=expected):
        asyncio.run(main())


def test_generator_has_no_single_result(response: DeploymentResponseGenerator) -> None:
    async def main() -> None:
        await response

    with pytest.raises(
        TypeError, match=r"cannot be awaited directly\. Use `async for` or `await re"
    ):
        asyncio.run(main())
    with pytest.raises(TypeError, match=r"doesn't support `\.result\(\)`\. Use iteration instead"):
        response.result(timeout_s=1)


def test_generator_cannot_be_pickled(response: DeploymentResponseGenerator) -> None:
    with pytest.raises(RuntimeError, match="Streaming deployment handle results cannot be"):
        pickle.dumps([response])


def test_cancel_drops_what_was_fetched_ahead(
    response: DeploymentResponseGenerator,
    future: Future[None],
    channel: Channel[Any],
) -> None:
    put(channel, 1, 2)
    assert next(response) == 1
    response.cancel()

    assert (future.cancelled(), response.cancelled()) == (True, True)
    with pytest.raises(RequestCancelledError, match=f"Request {response.request_id} was cancel"):
        next(response)


def test_cancel_wakes_who_iterates_in_another_thread(response: DeploymentResponseGenerator) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(next, response)
        response.cancel()
        with pytest.raises(RequestCancelledError):
            waiting.result(10)


def test_cancel_after_the_last_item_was_sent_changes_nothing(
    response: DeploymentResponseGenerator,
    future: Future[None],
    channel: Channel[Any],
) -> None:
    put(channel, 1)
    channel.end()
    response.cancel()

    assert (list(response), future.cancelled()) == ([1], False)


def test_dropping_the_generator_cancels_the_call() -> None:
    future: Future[None] = Future()
    response = DeploymentResponseGenerator(future, Channel())
    iterator = iter(response)
    del response
    assert not future.cancelled()

    del iterator
    gc.collect()
    assert future.cancelled()


def test_leaving_a_with_block_cancels_the_call(
    response: DeploymentResponseGenerator,
    future: Future[None],
) -> None:
    with response as entered:
        assert entered is response
        assert not future.cancelled()
    assert future.cancelled()


def test_leaving_an_async_with_block_cancels_the_call(
    response: DeploymentResponseGenerator,
    future: Future[None],
) -> None:
    async def main() -> None:
        async with response as entered:
            assert entered is response
            assert not future.cancelled()

    asyncio.run(main())
    assert future.cancelled()


def test_generator_may_be_dropped_by_the_garbage_collector_in_the_middle_of_its_own_writer() -> (
    None
):
    done = threading.Event()

    def drop() -> None:
        channel: Channel[Any] = Channel()
        future: Future[None] = Future()
        response: Any = DeploymentResponseGenerator(future, channel)
        with channel._lock:  # as the writer holds it
            del response
            gc.collect()
        assert future.cancelled()
        done.set()

    threading.Thread(target=drop, daemon=True).start()
    assert done.wait(10)
