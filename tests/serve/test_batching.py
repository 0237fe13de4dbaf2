import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from adapter import serve
from adapter.errors import InvalidOption, ServeError
from adapter.function import entry_point
from adapter.serve import context, in_flight
from adapter.serve.context import DeploymentContext
from adapter.serve.handles import DeploymentHandle
from tests.serve.recorder import Recorder

HOUR_S = 3600.0


def one_at_a_time() -> None:
    """Be in an environment that serves one invocation at a time, as on Lambda."""
    here = DeploymentContext(deployment="Model", application="default", max_concurrency=1)
    context.enter(here, whole_process=False)


class Model:
    def __init__(self, name: str = "") -> None:
        self.name = name
        self.batches: list[list[int]] = []

    @serve.batch(max_batch_size=3, batch_wait_timeout_s=HOUR_S)
    async def double(self, numbers: list[int]) -> list[int]:
        self.batches.append(numbers)
        return [2 * number for number in numbers]

    @serve.batch(batch_wait_timeout_s=HOUR_S)
    async def named(self, texts: list[str], mark: list[str]) -> list[str]:
        return [f"{self.name} {text}{end}" for text, end in zip(texts, mark, strict=True)]


def test_calls_in_flight_together_are_one_call_with_lists() -> None:
    model = Model()

    async def main() -> list[int]:
        return await asyncio.gather(*(model.double(number) for number in (1, 2, 3)))

    assert asyncio.run(main()) == [2, 4, 6]
    assert model.batches == [[1, 2, 3]]


def test_a_batch_that_is_not_full_begins_when_its_first_call_has_waited() -> None:
    seen: list[list[str]] = []

    @serve.batch(batch_wait_timeout_s=0.01)
    async def upper(texts: list[str]) -> list[str]:
        seen.append(texts)
        return [text.upper() for text in texts]

    async def main() -> str:
        return await upper("a")

    assert asyncio.run(main()) == "A"
    assert seen == [["a"]]


def test_what_is_left_over_waits_for_more() -> None:
    model = Model()

    async def main() -> None:
        calls = [asyncio.ensure_future(model.double(number)) for number in range(4)]
        await asyncio.gather(*calls[:3])
        await asyncio.gather(calls[3], model.double(4), model.double(5))

    asyncio.run(main())

    assert model.batches == [[0, 1, 2], [3, 4, 5]]


def test_where_nothing_else_can_join_a_batch_begins_at_once() -> None:
    model = Model()

    async def main() -> list[Any]:
        one_at_a_time()
        alone = await model.double(1)
        together = await asyncio.gather(*(model.double(number) for number in range(5)))
        return [alone, *together]

    assert asyncio.run(main()) == [2, 0, 2, 4, 6, 8]
    assert model.batches == [[1], [0, 1, 2], [3, 4]]


def test_calls_of_a_task_group_are_one_batch_too() -> None:
    model = Model()

    async def main() -> None:
        one_at_a_time()
        async with asyncio.TaskGroup() as group:
            for number in (1, 2):
                group.create_task(later(model, number))

    async def later(model: Model, number: int) -> None:
        await model.double(number)

    asyncio.run(main())

    assert model.batches == [[1, 2]]


def test_arguments_are_lists_however_they_are_passed() -> None:
    model = Model("m")

    async def main() -> list[str]:
        one_at_a_time()
        return list(await asyncio.gather(model.named("a", "!"), model.named(mark="?", texts="b")))

    assert asyncio.run(main()) == ["m a!", "m b?"]


def test_calls_of_another_shape_are_another_batch() -> None:
    seen: list[Any] = []

    @serve.batch
    async def total(*numbers: list[int], **more: list[int]) -> list[int]:
        seen.append((numbers, more))
        return [0] * len(numbers[0])

    async def main() -> None:
        one_at_a_time()
        await asyncio.gather(total(1), total(2, 3), total(4), total(5, c=6))

    asyncio.run(main())

    assert seen == [(([1, 4],), {}), (([2], [3]), {}), (([5],), {"c": [6]})]


def test_arguments_that_do_not_fit_are_the_callers_error_alone() -> None:
    model = Model()

    async def main() -> list[Any]:
        one_at_a_time()
        call: Any = model.double
        return list(await asyncio.gather(call(1), call(1, 2, 3), return_exceptions=True))

    fine, wrong = asyncio.run(main())

    assert fine == 2
    assert isinstance(wrong, TypeError)


def test_instances_have_queues_of_their_own() -> None:
    first, second = Model("first"), Model("second")

    async def main() -> list[str]:
        one_at_a_time()
        calls: list[Coroutine[Any, Any, str]] = [
            first.named("a", "1"),
            second.named("b", "2"),
            first.named("c", "3"),
        ]
        return await asyncio.gather(*calls)

    assert asyncio.run(main()) == ["first a1", "second b2", "first c3"]


def test_event_loops_have_queues_of_their_own() -> None:
    model = Model()

    async def main() -> int:
        one_at_a_time()
        return await model.double(4)

    assert [asyncio.run(main()), asyncio.run(main())] == [8, 8]


def test_an_instance_is_not_kept_alive() -> None:
    model = Model()

    async def main() -> None:
        one_at_a_time()
        await model.double(1)

    asyncio.run(main())
    gone = weakref.ref(model)
    model = Model()
    gc.collect()

    assert gone() is None


def test_an_instance_that_cannot_be_known_weakly_is_refused_with_the_remedy() -> None:
    class Slotted:
        __slots__ = ()

        @serve.batch
        async def double(self, numbers: list[int]) -> list[int]:
            return numbers

    async def main() -> None:
        await Slotted().double(1)

    with pytest.raises(TypeError, match="'__weakref__'"):
        asyncio.run(main())


def test_an_instance_need_not_be_hashable() -> None:
    class Unhashable(Model):
        __hash__ = None  # type: ignore[assignment]  # as Python has it for what is unhashable

    async def main() -> int:
        one_at_a_time()
        return await Unhashable().double(2)

    assert asyncio.run(main()) == 4


def test_an_exception_reaches_every_caller_and_the_next_batch_is_fine() -> None:
    @serve.batch
    async def inverse(numbers: list[float]) -> list[float]:
        return [1 / number for number in numbers]

    async def main() -> list[Any]:
        one_at_a_time()
        failed = await asyncio.gather(inverse(0), inverse(1), return_exceptions=True)
        return [*failed, await inverse(2)]

    first, second, last = asyncio.run(main())

    assert isinstance(first, ZeroDivisionError)
    assert isinstance(second, ZeroDivisionError)
    assert last == 0.5


@pytest.mark.parametrize("result", [[1], [1, 2, 3]])
def test_another_number_of_results_is_an_error_for_every_caller(result: list[int]) -> None:
    @serve.batch
    async def wrong(numbers: list[int]) -> list[int]:
        assert numbers
        return result

    async def main() -> list[Any]:
        one_at_a_time()
        return list(await asyncio.gather(wrong(1), wrong(2), return_exceptions=True))

    errors = asyncio.run(main())

    assert [type(error) for error in errors] == [ServeError, ServeError]
    expected = f"input list has length 2 but the returned list has length {len(result)}"
    assert expected in str(errors[0])


def test_a_caller_that_is_cancelled_leaves_a_batch_that_has_not_begun() -> None:
    model = Model()

    async def main() -> int:
        first = asyncio.ensure_future(model.double(1))
        second = asyncio.ensure_future(model.double(2))
        await asyncio.sleep(0)  # both are queued
        first.cancel()
        await asyncio.wait([first])
        return sum(await asyncio.gather(second, model.double(3), model.double(4)))

    assert asyncio.run(main()) == 18
    assert model.batches == [[2, 3, 4]]


class Gate:
    """Batches that run until they are let go; `outcome` says how each ended."""

    def __init__(self) -> None:
        self.running: asyncio.Queue[list[int]] = asyncio.Queue()
        self.go = asyncio.Event()
        self.cancelled: asyncio.Queue[list[int]] = asyncio.Queue()

    @serve.batch(max_batch_size=2, max_concurrent_batches=2)
    async def wait(self, numbers: list[int]) -> list[int]:
        self.running.put_nowait(numbers)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.put_nowait(numbers)
            raise
        return numbers


def test_a_batch_goes_on_for_the_callers_that_stay_and_is_cancelled_for_none() -> None:
    async def main() -> list[int]:
        one_at_a_time()
        gate = Gate()
        calls = [asyncio.ensure_future(gate.wait(number)) for number in (1, 2, 3, 4)]
        started = [await gate.running.get(), await gate.running.get()]
        for call in calls[1:]:
            call.cancel()
        assert (started, await gate.cancelled.get()) == ([[1, 2], [3, 4]], [3, 4])
        assert gate.cancelled.empty()
        gate.go.set()
        return [await calls[0]]

    assert asyncio.run(main()) == [1]


@serve.batch
async def ask_model(numbers: list[int]) -> list[int]:
    result: list[int] = await DeploymentHandle("Model").remote(numbers)
    return result


async def ask_in_an_invocation(number: int) -> int:
    async with in_flight.cancelled_together():
        return await ask_model(number)


async def until_asked(recorder: Recorder) -> None:
    while not recorder.futures:  # noqa: ASYNC110 - the recorder tells nobody
        await asyncio.sleep(0)


def test_handle_calls_of_a_batch_outlive_the_first_callers_invocation(recorder: Recorder) -> None:
    async def main() -> int:
        one_at_a_time()
        first, second = (asyncio.create_task(ask_in_an_invocation(number)) for number in (1, 2))
        await until_asked(recorder)
        first.cancel()
        await asyncio.wait([first])
        assert not recorder.futures[0].cancelled()
        recorder.futures[0].set_result([10, 20])
        return await second

    assert asyncio.run(main()) == 20


def test_handle_calls_of_a_batch_that_all_have_left_hang_up_before_the_invocation_ends(
    recorder: Recorder,
) -> None:
    async def main() -> None:
        one_at_a_time()
        calls = [asyncio.create_task(ask_in_an_invocation(number)) for number in (1, 2)]
        await until_asked(recorder)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert recorder.futures[0].cancelled()
        assert recorder.settled > 0

    asyncio.run(main())


def test_handle_calls_that_a_batch_leaves_behind_go_on(recorder: Recorder) -> None:
    @serve.batch
    async def tell(numbers: list[int]) -> list[int]:
        DeploymentHandle("Model").remote(numbers)
        return numbers

    async def main() -> list[int]:
        one_at_a_time()
        return list(await asyncio.gather(tell(1), tell(2)))

    assert asyncio.run(main()) == [1, 2]
    assert not recorder.futures[0].cancelled()


def test_no_more_batches_run_at_a_time_than_said() -> None:
    async def main() -> tuple[list[Any], list[Any]]:
        one_at_a_time()
        gate = Gate()
        calls = [asyncio.ensure_future(gate.wait(number)) for number in range(5)]
        started = [await gate.running.get(), await gate.running.get()]
        for _ in range(5):
            await asyncio.sleep(0)  # a third batch would begin
        assert gate.running.empty()
        gate.go.set()
        results = await asyncio.gather(*calls)
        return [*started, gate.running.get_nowait()], results

    assert asyncio.run(main()) == ([[0, 1], [2, 3], [4]], [0, 1, 2, 3, 4])


def test_batch_size_fn_says_what_counts() -> None:
    batches: list[list[str]] = []

    @serve.batch(max_batch_size=5, batch_size_fn=lambda texts: sum(map(len, texts)))
    async def lengths(texts: list[str]) -> list[int]:
        batches.append(texts)
        return [len(text) for text in texts]

    async def main() -> list[Any]:
        one_at_a_time()
        texts = ["aaa", "bb", "cccc", "dd", "eeeeee"]
        calls = (lengths(text) for text in texts)
        return list(await asyncio.gather(*calls, return_exceptions=True))

    *fine, too_large = asyncio.run(main())

    assert fine == [3, 2, 4, 2]
    assert batches == [["aaa", "bb"], ["cccc"], ["dd"]]
    assert isinstance(too_large, RuntimeError)
    assert "max_batch_size=5" in str(too_large)


def test_a_batch_size_fn_that_fails_is_an_error_for_the_callers() -> None:
    def size(texts: list[str]) -> int:
        if texts == ["a", "b"] and len(asked) > 3:
            raise LookupError("no size")
        asked.append(texts)
        return 1

    asked: list[list[str]] = []

    @serve.batch(batch_size_fn=size)
    async def same(texts: list[str]) -> list[str]:
        return texts

    async def main() -> list[Any]:
        one_at_a_time()
        return list(await asyncio.gather(same("a"), same("b"), return_exceptions=True))

    assert [type(error) for error in asyncio.run(main())] == [LookupError, LookupError]


def test_a_batched_generator_gives_each_caller_an_iterator() -> None:
    @serve.batch
    async def count(limits: list[int]) -> AsyncIterator[list[Any]]:
        for number in range(max(limits)):
            yield [number if number < limit else StopIteration for limit in limits]

    async def listed(limit: int) -> list[int]:
        return [number async for number in count(limit)]

    async def main() -> list[list[int]]:
        one_at_a_time()
        return list(await asyncio.gather(listed(1), listed(3), listed(2)))

    assert asyncio.run(main()) == [[0], [0, 1, 2], [0, 1]]


def test_an_error_in_a_batched_generator_comes_after_what_was_yielded() -> None:
    @serve.batch
    async def broken(numbers: list[int]) -> AsyncIterator[list[int]]:
        yield numbers
        raise LookupError("no more")

    async def main() -> None:
        one_at_a_time()
        items = broken(7)
        assert await anext(items) == 7
        await anext(items)

    with pytest.raises(LookupError, match="no more"):
        asyncio.run(main())


def test_a_batched_generator_that_nobody_reads_any_more_is_closed() -> None:
    closed = asyncio.Event()

    @serve.batch
    async def endless(numbers: list[int]) -> AsyncIterator[list[int]]:
        try:
            while True:
                yield numbers
                await asyncio.sleep(0)  # or nobody else gets a turn
        finally:
            closed.set()

    async def main() -> None:
        one_at_a_time()
        first, second = endless(1), endless(2)
        await asyncio.gather(anext(first), anext(second))
        await first.aclose()  # type: ignore[attr-defined]  # as the async for of a stream does
        assert not closed.is_set()
        await second.aclose()  # type: ignore[attr-defined]  # the same
        await closed.wait()

    asyncio.run(main())


def test_context_variables_are_those_of_the_first_call() -> None:
    seen: list[Any] = []

    @serve.batch
    async def note(numbers: list[int]) -> list[int]:
        seen.append(context.invocation.get())
        return numbers

    async def call(number: int) -> None:
        context.invocation.set(context.InvocationContext(request_id=f"r-{number}"))
        await note(number)

    async def main() -> None:
        one_at_a_time()
        await asyncio.gather(call(1), call(2))

    asyncio.run(main())

    assert [invocation.request_id for invocation in seen] == ["r-1"]


def test_setters_change_the_batches_to_come() -> None:
    model = Model()
    double: Any = Model.double

    async def main() -> list[int]:
        model.double.set_max_batch_size(2)
        return list(await asyncio.gather(model.double(1), model.double(2)))

    try:
        assert (double._get_max_batch_size(), double._get_batch_wait_timeout_s()) == (3, HOUR_S)
        assert asyncio.run(main()) == [2, 4]
        model.double.set_batch_wait_timeout_s(0)
        assert asyncio.run(doubled(model)) == 6
        assert (double._get_max_batch_size(), double._get_batch_wait_timeout_s()) == (2, 0)
    finally:
        model.double.set_max_batch_size(3)
        model.double.set_batch_wait_timeout_s(HOUR_S)


async def doubled(model: Model) -> int:
    return await model.double(3)


async def fine(numbers: list[int]) -> list[int]:
    return numbers


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_batch_size": 0}, InvalidOption),
        ({"max_batch_size": 1.5}, TypeError),
        ({"max_batch_size": "8"}, TypeError),
        ({"batch_wait_timeout_s": -1}, InvalidOption),
        ({"batch_wait_timeout_s": float("nan")}, InvalidOption),
        ({"batch_wait_timeout_s": "1"}, TypeError),
        ({"max_concurrent_batches": 0}, InvalidOption),
        ({"batch_size_fn": 3}, TypeError),
    ],
)
def test_an_option_outside_its_range_is_refused_and_named(
    options: dict[str, Any],
    error: type[Exception],
) -> None:
    with pytest.raises(error, match=next(iter(options))):
        serve.batch(**options)


def test_a_size_may_be_a_float_that_is_whole() -> None:
    options: Any = {"max_batch_size": 8.0}
    batched: Any = serve.batch(**options)(fine)

    assert batched._get_max_batch_size() == 8


def plain(numbers: list[int]) -> list[int]:
    return numbers


@pytest.mark.parametrize("function", [plain, Model, 3])
@pytest.mark.parametrize("decorator", [serve.batch, serve.batch()])
def test_only_async_functions_can_be_batched(decorator: Any, function: Any) -> None:
    with pytest.raises(TypeError, match=r"@serve\.batch"):
        decorator(function)


def test_a_deployment_answers_calls_through_a_batched_method() -> None:
    class Service:
        @serve.batch(batch_wait_timeout_s=HOUR_S)
        async def lengths(self, texts: list[str]) -> list[int]:
            return [len(text) + 10 * len(texts) for text in texts]

        async def all(self, texts: list[str]) -> list[int]:
            return await asyncio.gather(*(self.lengths(text) for text in texts))

    function = entry_point(Service)
    try:
        assert function({"method": "lengths", "args": ["abc"]}) == 13
        assert function({"method": "all", "args": [["a", "bb"]]}) == [21, 22]
    finally:
        function.close()
