import asyncio
import functools
import gc
import json
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from adapter.calls.dispatch import Dispatcher
from adapter.errors import InvalidCall, NotSerializable
from adapter.responder import Collected
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
        self.closed = False

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

    def kind_of(self, value: Any) -> str:
        return type(value).__name__

    def points(self) -> Iterator[Point]:
        yield Point(1)

    def thread(self) -> str:
        return threading.current_thread().name

    async def loop_thread(self) -> str:
        return threading.current_thread().name

    def request_id(self) -> str:
        invocation = context.invocation.get()
        return invocation.request_id if invocation else ""

    def numbers(self) -> Iterator[int]:
        yield from (1, 2)

    async def more_numbers(self) -> Any:
        yield 1
        yield 2

    async def numbers_later(self) -> Iterator[int]:
        return self.numbers()

    async def more_numbers_later(self) -> Any:
        return self.more_numbers()

    def failing(self, after: int) -> Iterator[int]:
        yield from range(after)
        raise LookupError("at once")

    def locks(self) -> Iterator[Any]:
        yield 1
        yield threading.Lock()

    def reading(self) -> Iterator[int]:
        yield 1
        raise OSError("disk")

    async def endless(self) -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            self.closed = True

    def broken(self) -> None:
        raise LookupError("broken on purpose")

    def exhausted(self) -> Any:
        return next(iter(()))

    def lock(self) -> Any:
        return threading.Lock()

    def _private(self) -> str:
        return "private"


def dispatch(call: dict[str, Any], target: Any = None) -> Any:
    return asyncio.run(answer(call, target))


async def answer(call: dict[str, Any], target: Any = None) -> Any:
    collected = Collected()
    await Dispatcher(target or Model(), error_body)(call, collected)
    return collected.result


def error_body(error: BaseException) -> bytes:
    text = {"errorType": type(error).__name__, "errorMessage": str(error)}
    return json.dumps(text).encode()


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


POINT = {"$object": [__name__, "Point", {"x": 1}]}


def test_handle_sends_and_gets_objects() -> None:
    about = {"objects": True}
    later = {"$object": [__name__, "Point", {"x": 2}]}

    assert dispatch({"method": "kind_of", "args": [POINT], "context": about}) == "Point"
    assert dispatch({"method": "shift", "args": [POINT], "context": about}) == later
    assert dispatch({"method": "shift", "args": [{"x": 1}], "context": about}) == later


@pytest.mark.parametrize("about", [{}, {"objects": 1}, {"objects": "true"}, {"objects": None}])
def test_whoever_does_not_ask_for_objects_sends_and_gets_plain_json(about: dict[str, Any]) -> None:
    assert dispatch({"method": "kind_of", "args": [POINT], "context": about}) == "dict"
    assert dispatch({"method": "shift", "args": [{"x": 1}], "context": about}) == {"x": 2}


async def test_items_are_objects_for_who_asks() -> None:
    call = streamed("points")
    call["context"]["objects"] = True

    assert await answer(streamed("points")) == b'{"item":{"x":1}}\n{"end":true}\n'
    assert json.loads((await answer(call)).splitlines()[0]) == {"item": POINT}


def test_plain_method_runs_in_a_thread_and_async_on_the_loop() -> None:
    here = threading.current_thread().name

    assert dispatch({"method": "thread"}) != here
    assert dispatch({"method": "loop_thread"}) == here


def test_plain_method_sees_the_context_of_its_invocation() -> None:
    async def main() -> Any:
        context.invocation.set(InvocationContext(request_id="r-1"))
        return await answer({"method": "request_id"})

    assert asyncio.run(main()) == "r-1"


@pytest.mark.parametrize(
    "name",
    [
        *("nothing", "", "_private", "__init__", "__class__", "__reduce__", "double.__func__"),
        *("secret", "size", "limit", "names", "Settings"),
    ],
)
def test_only_public_methods_can_be_called(name: str) -> None:  # R6
    with pytest.raises(InvalidCall) as caught:
        dispatch({"method": name})

    assert str(caught.value).startswith(
        f"Tried to call a method {name!r} that does not exist. Available methods: ['__call__', 'br",
    )


def test_refusal_does_not_repeat_a_long_name() -> None:
    with pytest.raises(InvalidCall) as caught:
        dispatch({"method": "x" * 100_000})

    assert len(str(caught.value)) < 500


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


GENERATORS = ["numbers", "more_numbers", "numbers_later", "more_numbers_later"]


@pytest.mark.parametrize("name", GENERATORS)
def test_generator_that_the_caller_did_not_ask_for_is_refused(name: str) -> None:
    with pytest.raises(TypeError) as caught:
        dispatch({"method": name})

    assert str(caught.value) == (
        f"Method '{name}' returned a generator. You must use `handle.options(stream=True)` to call "
        "generators on a deployment."
    )


def test_result_that_is_no_generator_is_refused_where_one_was_asked_for() -> None:
    with pytest.raises(TypeError, match=r"'static' .* but it did not return a generator"):
        dispatch(streamed("static"))


def streamed(method: str, *args: Any) -> dict[str, Any]:
    return {"method": method, "args": list(args), "context": {"stream": True}}


class Written:
    """A responder whose stream keeps what is written; it breaks after `takes` pieces."""

    streams = True

    def __init__(self, takes: int = 100) -> None:
        self.answered = False
        self.pieces: list[bytes] = []
        self.ended = False
        self.content_type = ""
        self._takes = takes

    async def respond(self, result: Any) -> None:
        raise AssertionError(result)

    async def stream(self, content_type: str) -> "Written":
        self.answered = True
        self.content_type = content_type
        return self

    async def write(self, data: bytes) -> None:
        if len(self.pieces) == self._takes:
            raise ConnectionError("hung up")
        self.pieces.append(data)

    async def end(self) -> None:
        self.ended = True

    async def fail(self, error: BaseException) -> None:
        raise AssertionError(error)


@pytest.mark.parametrize("name", GENERATORS)
async def test_items_are_written_one_by_one_and_then_the_end(name: str) -> None:
    written = Written()
    await Dispatcher(Model(), error_body)(streamed(name), written)

    assert written.pieces == [b'{"item":1}\n', b'{"item":2}\n', b'{"end":true}\n']
    assert (written.content_type, written.ended) == ("application/x-ndjson", True)


async def test_generator_without_items_is_a_stream_all_the_same() -> None:
    written = Written()
    await Dispatcher(lambda: (item for item in ""), error_body)(streamed("__call__"), written)

    assert (written.pieces, written.ended) == ([b'{"end":true}\n'], True)


async def test_error_before_the_first_item_begins_no_stream() -> None:
    written = Written()
    with pytest.raises(LookupError, match="at once"):
        await Dispatcher(Model(), error_body)(streamed("failing", 0), written)

    assert not written.answered


async def test_error_after_an_item_is_told_and_leaves_the_stream_open() -> None:
    written = Written()
    with pytest.raises(LookupError, match="at once"):
        await Dispatcher(Model(), error_body)(streamed("failing", 1), written)

    frames = [json.loads(piece) for piece in written.pieces]
    error = {"errorType": "LookupError", "errorMessage": "at once"}
    assert (frames, written.ended) == ([{"item": 0}, {"error": error}], False)


async def test_item_that_cannot_travel_is_an_error_of_the_stream() -> None:
    written = Written()
    with pytest.raises(NotSerializable, match="an item of 'locks' is a "):
        await Dispatcher(Model(), error_body)(streamed("locks"), written)

    assert json.loads(written.pieces[-1])["error"]["errorType"] == "NotSerializable"


async def test_generator_is_closed_where_nobody_takes_its_items() -> None:
    model, written = Model(), Written(takes=1)
    await Dispatcher(model, error_body)(streamed("endless"), written)

    assert (model.closed, len(written.pieces), written.ended) == (True, 1, False)


async def test_os_error_of_the_generator_is_not_taken_for_a_hang_up() -> None:
    with pytest.raises(OSError, match="disk"):
        await Dispatcher(Model(), error_body)(streamed("reading"), Written())


async def test_frames_are_one_answer_where_nothing_streams() -> None:
    assert await answer(streamed("numbers")) == b'{"item":1}\n{"item":2}\n{"end":true}\n'


async def test_error_is_the_last_frame_of_one_answer(caplog: pytest.LogCaptureFixture) -> None:
    frames = (await answer(streamed("failing", 1))).splitlines()

    assert [list(json.loads(frame)) for frame in frames] == [["item"], ["error"]]
    assert "LookupError: at once" in caplog.text
    with pytest.raises(LookupError, match="at once"):
        await answer(streamed("failing", 0))


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
