import asyncio
import functools
import gc
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from adapter.calls.dispatch import Dispatcher
from adapter.errors import InvalidCall, NotSerializable
from adapter.serve import context
from adapter.serve.context import InvocationContext


@dataclass
class Point:
    x: int


def traced(method: Any) -> Any:
    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    return wrapper


class Model:
    limit = 3
    names = ("a", "b")

    class Settings:
        """Not a method, though it can be called."""

    def __init__(self) -> None:
        self.secret = lambda: "secret"

    def __call__(self, text: str = "") -> str:
        return f"called {text}"

    def double(self, number: int) -> int:
        return 2 * number

    async def triple(self, number: int) -> int:
        return 3 * number

    @traced
    async def wrapped(self) -> str:
        return "awaited"

    @staticmethod
    def static() -> str:
        return "static"

    @classmethod
    def kind(cls) -> str:
        return cls.__name__

    @property
    def size(self) -> int:
        raise AssertionError("read")

    def shift(self, point: Point, function: int = 1) -> Point:
        return Point(point.x + function)

    def thread(self) -> str:
        return threading.current_thread().name

    async def loop_thread(self) -> str:
        return threading.current_thread().name

    def request_id(self) -> str:
        invocation = context.invocation.get()
        return invocation.request_id if invocation else ""

    def numbers(self) -> Iterator[int]:
        yield 1

    async def more_numbers(self) -> Any:
        yield 1

    def broken(self) -> None:
        raise LookupError("broken on purpose")

    def exhausted(self) -> Any:
        return next(iter(()))

    def lock(self) -> Any:
        return threading.Lock()

    def _private(self) -> str:
        return "private"


def dispatch(call: dict[str, Any], target: Any = None) -> Any:
    return asyncio.run(Dispatcher(target or Model())(call))


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ({"args": []}, "called "),
        ({"args": ["x"]}, "called x"),
        ({"method": "double", "args": [2]}, 4),
        ({"method": "double", "kwargs": {"number": 2}}, 4),
        ({"method": "triple", "args": [2]}, 6),
        ({"method": "wrapped"}, "awaited"),
        ({"method": "static"}, "static"),
        ({"method": "kind"}, "Model"),
        ({"method": "shift", "args": [{"x": 1}]}, {"x": 2}),
        ({"method": "shift", "args": [{"x": 1}], "kwargs": {"function": 5}}, {"x": 6}),
    ],
)
def test_method_is_called_with_its_arguments(call: dict[str, Any], result: Any) -> None:
    assert dispatch(call) == result


def test_plain_method_runs_in_a_thread_and_async_on_the_loop() -> None:
    here = threading.current_thread().name

    assert dispatch({"method": "thread"}) != here
    assert dispatch({"method": "loop_thread"}) == here


def test_plain_method_sees_the_context_of_its_invocation() -> None:
    async def main() -> Any:
        context.invocation.set(InvocationContext(request_id="r-1"))
        return await Dispatcher(Model())({"method": "request_id"})

    assert asyncio.run(main()) == "r-1"


@pytest.mark.parametrize(
    "name",
    [
        *("nothing", "", "_private", "__init__", "__class__", "__reduce__", "double.__func__"),
        *("secret", "size", "limit", "names", "Settings"),
    ],
)
def test_only_public_methods_can_be_called(name: str) -> None:
    with pytest.raises(InvalidCall) as caught:
        dispatch({"method": name})

    assert str(caught.value).startswith(
        f"Tried to call a method {name!r} that does not exist. Available methods: ['__call__', 'br",
    )


def test_class_without_call_has_no_default_method() -> None:
    class Quiet:
        def predict(self) -> int:
            return 1

    with pytest.raises(InvalidCall, match=r"'__call__' that does not exist.*\['predict'\]"):
        dispatch({"args": []}, Quiet())


def test_function_deployment_is_called() -> None:
    def shift(point: Point) -> Point:
        return Point(point.x + 1)

    assert dispatch({"args": [{"x": 1}]}, shift) == {"x": 2}
    with pytest.raises(InvalidCall, match=r"'shift' that does not exist.*\['__call__'\]"):
        dispatch({"method": "shift"}, shift)


def test_async_function_deployment_is_called() -> None:
    async def double(number: int) -> int:
        return 2 * number

    assert dispatch({"args": [2]}, double) == 4


@pytest.mark.parametrize("name", ["numbers", "more_numbers"])
def test_generator_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=f"Method '{name}' returned a generator"):
        dispatch({"method": name})


def test_error_of_the_method_passes() -> None:
    with pytest.raises(LookupError, match="broken on purpose"):
        dispatch({"method": "broken"})


def test_stop_iteration_ends_the_call_instead_of_waiting_for_ever() -> None:
    with pytest.raises(RuntimeError, match="raised StopIteration") as caught:
        dispatch({"method": "exhausted"})

    assert isinstance(caught.value.__cause__, StopIteration)


def test_wrong_arguments_are_a_type_error() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'number'"):
        dispatch({"method": "double"})
    with pytest.raises(TypeError, match="unexpected keyword argument 'figure'"):
        dispatch({"method": "double", "kwargs": {"figure": 1}})


def test_result_that_cannot_travel_is_named() -> None:
    with pytest.raises(NotSerializable, match="the result of 'lock' is a "):
        dispatch({"method": "lock"})


def test_dispatcher_does_not_outlive_its_deployment() -> None:
    target = Model()
    gone = weakref.ref(target)
    dispatch({"args": []}, target)
    del target
    gc.collect()

    assert gone() is None
