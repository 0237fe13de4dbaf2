import asyncio
import functools
import threading
from collections.abc import Awaitable
from contextvars import ContextVar
from typing import Any

import pytest

from adapter import user_code


class Callables:
    def plain(self) -> str:
        return threading.current_thread().name

    async def coroutine(self) -> str:
        return threading.current_thread().name

    def awaitable(self) -> Awaitable[str]:
        return self.coroutine()

    async def __call__(self) -> str:
        return await self.coroutine()


HERE = threading.main_thread().name


@pytest.mark.parametrize(
    ("function", "is_async"),
    [
        (Callables().plain, False),
        (Callables().coroutine, True),
        (Callables().awaitable, False),
        (Callables(), True),
        (functools.partial(Callables().coroutine), True),
        (functools.partial(Callables().plain), False),
        (Callables, False),
        (len, False),
    ],
)
def test_async_is_seen_through_objects_and_partials(function: Any, *, is_async: bool) -> None:
    assert user_code.is_async(function) is is_async


@pytest.mark.parametrize("name", ["coroutine", "awaitable", "__call__"])
def test_async_code_runs_on_the_loop(name: str) -> None:
    assert asyncio.run(user_code.call(getattr(Callables(), name))) == HERE


def test_plain_code_runs_in_a_thread() -> None:
    assert asyncio.run(user_code.call(Callables().plain)) != HERE


def test_plain_code_has_a_copy_of_the_context_variables() -> None:
    mark: ContextVar[str] = ContextVar("mark", default="none")

    def change() -> str:
        found = mark.get()
        mark.set("changed in the thread")
        return found

    async def main() -> list[str]:
        mark.set("of the caller")
        return [await user_code.call(change), mark.get()]

    assert asyncio.run(main()) == ["of the caller", "of the caller"]


def test_inline_code_runs_on_the_loop() -> None:
    assert asyncio.run(user_code.call_inline(Callables().plain)) == HERE
    assert asyncio.run(user_code.call_inline(Callables().coroutine)) == HERE


def test_no_parameter_name_is_taken() -> None:
    def take(**named: int) -> dict[str, int]:
        return named

    assert asyncio.run(user_code.call(take, function=1)) == {"function": 1}
    assert asyncio.run(user_code.call_inline(take, function=1)) == {"function": 1}


def test_stop_iteration_becomes_an_error_that_can_be_waited_for() -> None:
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        asyncio.run(user_code.call(next, iter(())))
