import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from adapter.dag import GraphHandle, Input, InputAttribute, InputItem, Output, Step
from adapter.errors import ServeError
from adapter.serve import transport
from adapter.serve.handles import DeploymentHandle
from adapter.serve.transport import Call
from tests.serve.recorder import Recorder

FIRST = DeploymentHandle("First", method_name="predict")
SECOND = DeploymentHandle("Second")
LAST = DeploymentHandle("combine")


class Calls(Recorder):
    """A recorder that tells of each call."""

    def __init__(self) -> None:
        super().__init__()
        self._made = asyncio.Semaphore(0)

    def send(self, call: Call) -> Future[Any]:
        future = super().send(call)
        self._made.release()
        return future

    async def made(self, number: int) -> None:
        """Wait until so many more calls were made."""
        for _ in range(number):
            await asyncio.wait_for(self._made.acquire(), 30)


@pytest.fixture
def recorder() -> Iterator[Calls]:
    connected = Calls()
    transport.connect(connected)
    yield connected
    transport.connect(None)


def graph_of_one(*args: Any, **kwargs: Any) -> GraphHandle:
    return GraphHandle(Step(LAST, *args, **kwargs))


async def arguments(graph: GraphHandle, recorder: Calls, *args: Any, **kwargs: Any) -> Any:
    """Call a graph of one step and return what the step was called with."""
    calling = asyncio.create_task(graph.remote(*args, **kwargs))
    await recorder.made(1)
    recorder.futures[0].set_result("done")
    assert await calling == "done"
    [call] = recorder.calls
    return call.args


async def test_steps_that_wait_for_nothing_run_together_and_the_last_gets_their_results(
    recorder: Calls,
) -> None:
    graph = GraphHandle(
        Step(FIRST, Input()),
        Step(SECOND, Input(), 7),
        Step(LAST, Output(0), other=Output(1)),
    )

    calling = asyncio.create_task(graph.remote("text"))
    await recorder.made(2)
    recorder.futures[1].set_result("second")
    recorder.futures[0].set_result("first")
    await recorder.made(1)
    recorder.futures[2].set_result("both")

    assert await calling == "both"
    assert [(call.deployment, call.method, call.args, call.kwargs) for call in recorder.calls] == [
        ("First", "predict", ("text",), {}),
        ("Second", "__call__", ("text", 7), {}),
        ("combine", "__call__", ("first",), {"other": "second"}),
    ]


async def test_a_step_is_called_once_however_many_take_its_output(recorder: Calls) -> None:
    graph = GraphHandle(Step(FIRST, Input()), Step(LAST, Output(0), [Output(0), {"a": Output(0)}]))

    calling = asyncio.create_task(graph.outputs(1))
    await recorder.made(1)
    recorder.futures[0].set_result(5)
    await recorder.made(1)
    recorder.futures[1].set_result(6)

    assert await calling == [5, 6]
    assert recorder.calls[1].args == (5, [5, {"a": 5}])


@pytest.mark.parametrize(
    ("wanted", "args", "kwargs", "got"),
    [
        (Input(), ({"a": 1},), {}, {"a": 1}),
        (InputItem(1), ([1, 2],), {}, 2),
        (InputItem("a"), ({"a": 1},), {}, 1),
        (InputAttribute("a"), (SimpleNamespace(a=1),), {}, 1),
        (InputItem(1), (1, 2), {}, 2),
        (InputItem("a"), (1,), {"a": 3}, 3),
        (InputAttribute("a"), (), {"a": 3}, 3),
        ((InputItem(0), "x"), ([1],), {}, (1, "x")),
    ],
)
async def test_a_step_gets_the_part_of_the_input_that_it_names(
    recorder: Calls,
    wanted: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    got: Any,
) -> None:
    assert await arguments(graph_of_one(wanted), recorder, *args, **kwargs) == (got,)


@pytest.mark.parametrize(
    ("wanted", "args", "error"),
    [
        (InputItem(1), ([1],), IndexError),
        (InputItem("a"), ({},), KeyError),
        (InputAttribute("a"), ({"a": 1},), AttributeError),
        (InputItem(2), (1, 2), IndexError),
        (InputAttribute("a"), (1, 2), KeyError),
        (Input(), (1, 2), ServeError),
        (Input(), (), ServeError),
    ],
)
async def test_an_input_without_the_part_raises_what_python_raises(
    recorder: Calls,
    wanted: Any,
    args: tuple[Any, ...],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        await graph_of_one(wanted).remote(*args)
    assert recorder.calls == []


async def test_a_step_that_fails_ends_the_others(recorder: Calls) -> None:
    graph = GraphHandle(Step(FIRST), Step(SECOND), Step(LAST, Output(0), Output(1)))

    calling = asyncio.create_task(graph.remote())
    await recorder.made(2)
    recorder.futures[0].set_exception(KeyError("on purpose"))

    with pytest.raises(KeyError, match="on purpose"):
        await calling
    assert recorder.futures[1].cancelled()
    assert len(recorder.calls) == 2


async def test_a_graph_that_is_cancelled_cancels_its_steps(recorder: Calls) -> None:
    graph = GraphHandle(Step(FIRST), Step(SECOND), Step(LAST, Output(0), Output(1)))
    calling = asyncio.create_task(graph.remote())
    await recorder.made(2)

    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling

    assert [future.cancelled() for future in recorder.futures] == [True, True]
    assert asyncio.all_tasks() == {asyncio.current_task()}
