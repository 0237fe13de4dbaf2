import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any

import pytest

from adapter.generators import as_async, in_threads

mark: ContextVar[str] = ContextVar("mark", default="")


async def test_an_async_generator_stays_and_a_plain_one_becomes_one() -> None:
    async def numbers() -> AsyncGenerator[int, None]:
        yield 1

    found = numbers()
    assert as_async(found) is found
    assert [number async for number in as_async(number for number in [1])] == [1]


async def test_plain_generator_runs_in_threads() -> None:
    def names() -> Generator[str, None, None]:
        yield threading.current_thread().name
        yield threading.current_thread().name

    here = threading.current_thread().name
    assert here not in [name async for name in in_threads(names())]


async def test_next_item_is_not_made_before_it_is_asked_for() -> None:
    made: list[int] = []

    def numbers() -> Generator[int, None, None]:
        for number in range(3):
            made.append(number)
            yield number

    async with aclosing(in_threads(numbers())) as items:
        assert (await anext(items), made) == (0, [0])
        assert (await anext(items), made) == (1, [0, 1])


async def test_loop_runs_while_a_plain_generator_blocks() -> None:
    go_on = threading.Event()

    def blocking() -> Generator[str, None, None]:
        assert go_on.wait(10)
        yield "went on"

    asyncio.get_running_loop().call_soon(go_on.set)
    assert [item async for item in in_threads(blocking())] == ["went on"]


async def test_plain_generator_has_the_context_of_its_caller_and_keeps_its_own() -> None:
    def marks() -> Generator[str, None, None]:
        yield mark.get()
        mark.set("inside")
        yield mark.get()
        yield mark.get()

    mark.set("outside")

    assert [item async for item in in_threads(marks())] == ["outside", "inside", "inside"]
    assert mark.get() == "outside"


class Awaitable:
    def __await__(self) -> Generator[None, None, str]:
        yield
        return "awaited"


@pytest.mark.parametrize("value", [None, 0, (), "", asyncio.sleep, Awaitable()])
async def test_any_value_is_an_item(value: Any) -> None:
    assert [item async for item in in_threads(item for item in [value])] == [value]


async def test_error_of_a_plain_generator_ends_it() -> None:
    def broken() -> Generator[int, None, None]:
        yield 1
        raise LookupError("broken")

    items = in_threads(broken())

    assert await anext(items) == 1
    with pytest.raises(LookupError, match="broken"):
        await anext(items)
    assert await anext(items, None) is None


async def test_closing_closes_the_plain_generator_in_a_thread() -> None:
    closed: list[str] = []

    def numbers() -> Generator[int, None, None]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(threading.current_thread().name)

    async with aclosing(in_threads(numbers())) as items:
        await anext(items)

    assert len(closed) == 1
    assert threading.current_thread().name not in closed


async def test_what_goes_wrong_while_it_is_closed_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def stubborn() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            raise LookupError("no end")

    async with aclosing(in_threads(stubborn())) as items:
        await anext(items)

    (record,) = caplog.records
    assert record.getMessage() == "the generator failed while it was closed"
    assert record.exc_info


async def test_step_under_way_is_not_waited_for_when_cancelled_and_closed_later() -> None:
    entered, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    def blocking() -> Generator[int, None, None]:
        try:
            entered.set()
            assert go_on.wait(10)
            yield 1
        finally:
            closed.set()

    step = asyncio.ensure_future(anext(in_threads(blocking())))
    await asyncio.to_thread(entered.wait)
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    assert not closed.is_set()

    go_on.set()
    assert await asyncio.to_thread(closed.wait, 10)
