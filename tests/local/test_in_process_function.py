"""One deployment in this process: invocations from another event loop, and handle calls."""

import asyncio
import gc
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any, cast

import pytest

from adapter import serve
from adapter.errors import RemoteError, RequestCancelledError, ServeError
from adapter.local import in_process_function
from adapter.local.in_process_function import InProcessAnswer, InProcessFunction
from adapter.local.invocation import Answer, Invocation
from adapter.plan.graph import walk
from adapter.plan.sharing import groups
from adapter.serve import context, transport
from adapter.serve.channel import AHEAD
from adapter.serve.deployments import Application
from adapter.serve.handles import DeploymentHandle

tenant: ContextVar[str] = ContextVar("tenant", default="none")


class Seen:
    """What the deployment did, for the test to see."""

    def __init__(self) -> None:
        self.made = 0
        self.waiting = threading.Event()
        self.go_on = threading.Event()
        self.cancelled = threading.Event()
        self.closed = threading.Event()


@serve.deployment
class Model:
    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    def echo(self, value: Any) -> Any:
        return value

    def tenant(self) -> str:
        return tenant.get()

    async def tenants(self) -> AsyncIterator[str]:
        yield tenant.get()

    async def tenant_of_another(self) -> str:
        tenant.set("caller")
        return str(await DeploymentHandle("Model").tenant.remote())

    async def deadline_of_another(self) -> int:
        model = DeploymentHandle("Model")
        return int(await model.deadline.remote(model.echo.remote("waited for")))

    def deadline(self, _argument: str) -> int:
        current = context.invocation.get()
        assert current is not None
        return current.deadline_ms

    async def numbers(self, count: int) -> AsyncIterator[int]:
        try:
            for number in range(count):
                self.seen.made += 1
                yield number
        finally:
            self.seen.closed.set()

    def plain_numbers(self, count: int) -> Iterator[int]:
        try:
            for number in range(count):
                self.seen.made += 1
                yield number
        finally:
            self.seen.closed.set()

    async def failing(self, after: int) -> AsyncIterator[int]:
        for number in range(after):
            yield number
        raise LookupError("no more")

    async def one_and_wait(self) -> AsyncIterator[int]:
        yield 1
        await self.wait()

    async def wait(self) -> None:
        self.seen.waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.seen.cancelled.set()

    async def one_when_told(self) -> AsyncIterator[int]:
        yield 1
        assert await asyncio.to_thread(self.seen.go_on.wait, 10)
        yield 2

    def ask_itself_and_wait(self) -> None:
        try:
            DeploymentHandle("Model").wait.remote().result()
        finally:
            self.seen.closed.set()


class One:
    """A transport to one function."""

    def __init__(self, function: InProcessFunction) -> None:
        self.send = function.send
        self.stream = function.stream

    async def settle(self) -> None:
        """Nothing is to be closed."""

    def ingress(self, application: str) -> str:
        raise AssertionError(application)

    def check(self, deployment: str, application: str) -> None:
        raise AssertionError((deployment, application))


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def function(seen: Seen) -> Iterator[InProcessFunction]:
    application = cast("Any", Model).bind(seen)
    assert isinstance(application, Application)
    [group] = groups(walk(application, "default"))
    started = InProcessFunction(group, "default")
    started.start()
    transport.connect(One(started))
    yield started
    transport.connect(None)
    started.stop()


pytestmark = pytest.mark.usefixtures("function")

handle = DeploymentHandle("Model")
streaming = handle.options(stream=True)


def invocation(method: str, *args: Any, stream: bool = True) -> Invocation:
    event = {"method": method, "args": args, "context": {"stream": stream}}
    return Invocation(payload=json.dumps(event).encode(), function_arn="")


async def test_a_whole_answer_is_there_when_it_is_opened(function: InProcessFunction) -> None:
    async with function.open(invocation("echo", 42, stream=False)) as reply:
        assert (reply.streamed, reply.answer.payload) == (False, b"42")
        assert [piece async for piece in reply.pieces()] == []


async def test_a_stream_is_opened_with_its_beginning(
    function: InProcessFunction,
    seen: Seen,
) -> None:
    async with function.open(invocation("one_when_told")) as reply:
        pieces = reply.pieces()
        assert (reply.streamed, reply.content_type) == (True, "application/x-ndjson")
        assert await anext(pieces) == b'{"item":1}\n'
        with pytest.raises(RuntimeError, match="not ended yet"):
            _ = reply.answer

        seen.go_on.set()
        assert [piece async for piece in pieces] == [b'{"item":2}\n', b'{"end":true}\n']
        assert (reply.answer.payload, reply.answer.error_type) == (b"", None)


async def test_a_stream_that_fails_ends_and_says_so(function: InProcessFunction) -> None:
    async with function.open(invocation("failing", 1)) as reply:
        pieces = [piece async for piece in reply.pieces()]

        assert [next(iter(json.loads(piece))) for piece in pieces] == ["item", "error"]
        assert reply.answer.error_type == "LookupError"
        assert json.loads(reply.answer.payload)["errorMessage"] == "no more"


async def test_invoke_collects_a_stream(function: InProcessFunction) -> None:
    answer = await function.invoke(invocation("numbers", 1))

    assert answer.payload == b'{"item":0}\n{"end":true}\n'


async def test_leaving_before_the_end_cancels_the_deployment(
    function: InProcessFunction,
    seen: Seen,
) -> None:
    async with function.open(invocation("one_and_wait")) as reply:
        await anext(reply.pieces())
        assert not seen.cancelled.is_set()

    assert await asyncio.to_thread(seen.cancelled.wait, 10)


async def test_cancelling_who_waits_for_the_beginning_cancels_the_deployment(
    function: InProcessFunction,
    seen: Seen,
) -> None:
    waiting = asyncio.create_task(function.invoke(invocation("wait", stream=False)))
    await asyncio.to_thread(seen.waiting.wait, 10)
    waiting.cancel()

    assert await asyncio.to_thread(seen.cancelled.wait, 10)
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_deployment_that_is_stopped_answers_all_the_same(
    function: InProcessFunction,
    seen: Seen,
) -> None:
    waiting = asyncio.create_task(function.invoke(invocation("wait", stream=False)))
    await asyncio.to_thread(seen.waiting.wait, 10)
    await asyncio.to_thread(function.stop)

    assert (await waiting).error_type == "Function.Stopped"
    with pytest.raises(ServeError, match="'Model' is not running"):
        handle.remote()
    function.start()


@pytest.mark.parametrize("method", ["numbers", "plain_numbers"])
def test_a_handle_streams_items(method: str) -> None:
    assert list(streaming.options(method_name=method).remote(100)) == list(range(100))


def test_an_item_is_there_before_the_next_is_made(seen: Seen) -> None:
    response = streaming.one_when_told.remote()

    assert next(response) == 1
    seen.go_on.set()
    assert list(response) == [2]


async def test_items_come_into_the_users_own_loop(seen: Seen) -> None:
    seen.go_on.set()

    assert [item async for item in streaming.one_when_told.remote()] == [1, 2]


@pytest.mark.parametrize("method", ["numbers", "plain_numbers"])
def test_a_slow_caller_slows_the_callee(method: str, seen: Seen) -> None:
    response = streaming.options(method_name=method).remote(10_000)
    taken = [next(response) for _ in range(100)]
    for number in range(10):  # the callee's loop is free meanwhile
        assert handle.echo.remote(number).result() == number

    assert taken == list(range(100))
    assert seen.made <= 100 + 2 * AHEAD + 2  # two channels, and an item in the hand of each writer
    response.cancel()


@pytest.mark.parametrize("method", ["numbers", "plain_numbers"])
def test_leaving_early_closes_the_callees_generator(method: str, seen: Seen) -> None:
    for _ in streaming.options(method_name=method).remote(10_000):
        break
    gc.collect()

    assert seen.closed.wait(10)


def test_an_error_comes_after_the_items(capfd: pytest.CaptureFixture[str]) -> None:
    response = streaming.failing.remote(2)

    assert [next(response), next(response)] == [0, 1]
    with pytest.raises(LookupError, match="LookupError in deployment Model: no more") as caught:
        next(response)
    assert isinstance(caught.value, RemoteError)
    assert "raise LookupError" in caught.value.remote_traceback
    response._future.result(10)
    assert capfd.readouterr().err.count("Model: [ERROR] LookupError: no more") == 1


def test_an_error_before_the_first_item_is_the_callees() -> None:
    with pytest.raises(LookupError, match="no more"):
        next(streaming.failing.remote(0))
    with pytest.raises(TypeError, match=r"'echo' .* did not return a generator"):
        next(streaming.echo.remote(1))
    with pytest.raises(TypeError, match="'numbers' returned a generator"):
        handle.numbers.remote(1).result()


def test_cancelling_a_response_cancels_the_callee(seen: Seen) -> None:
    response = handle.wait.remote()
    assert seen.waiting.wait(10)
    response.cancel()

    assert seen.cancelled.wait(10)
    with pytest.raises(RequestCancelledError, match=f"Request {response.request_id} was"):
        response.result()


async def test_cancelling_who_awaits_cancels_the_callee(seen: Seen) -> None:
    async def wait() -> None:
        await handle.wait.remote()

    waiting = asyncio.create_task(wait())
    await asyncio.to_thread(seen.waiting.wait, 10)
    waiting.cancel()

    assert await asyncio.to_thread(seen.cancelled.wait, 10)


def test_cancelling_reaches_the_callees_callee_through_plain_code(seen: Seen) -> None:
    response = handle.ask_itself_and_wait.remote()
    assert seen.waiting.wait(10)
    response.cancel()

    assert seen.cancelled.wait(10)
    assert seen.closed.wait(10)


def test_a_response_is_an_argument_of_a_streamed_call() -> None:
    assert list(streaming.numbers.remote(handle.echo.remote(2))) == [0, 1]


@pytest.mark.parametrize("call", [handle.tenant, handle.tenant_of_another])
def test_context_variables_of_the_caller_stay_with_it(call: DeploymentHandle) -> None:
    tenant.set("caller")
    try:
        assert call.remote().result(timeout_s=10) == "none"
    finally:
        tenant.set("none")


def test_context_variables_of_the_caller_do_not_reach_a_generator() -> None:
    tenant.set("caller")
    try:
        assert list(streaming.tenants.remote()) == ["none"]
    finally:
        tenant.set("none")


async def test_the_callers_deadline_reaches_the_callee(function: InProcessFunction) -> None:
    deadline_ms = int(time.time() * 1000) + 60_000
    event = {"method": "deadline_of_another", "context": {"deadline_ms": deadline_ms}}
    answer = await function.invoke(
        Invocation(payload=json.dumps(event).encode(), function_arn=""),
    )

    assert json.loads(answer.payload) == deadline_ms


async def test_an_answer_is_completed_once_by_two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow_in_the_thread(**fields: Any) -> Answer:
        if threading.current_thread() is not threading.main_thread():
            begun.set()
            assert go_on.wait(10)
        return Answer(**fields)

    monkeypatch.setattr(in_process_function, "Answer", slow_in_the_thread)
    begun, go_on = threading.Event(), threading.Event()
    answer = InProcessAnswer("Model")
    stopped = asyncio.create_task(asyncio.to_thread(answer.served, None))
    assert await asyncio.to_thread(begun.wait, 10)
    await answer.respond(1)
    first = answer.answer
    go_on.set()
    await stopped

    assert answer.answer is first


async def test_the_task_of_an_invocation_is_kept_until_it_ends(
    function: InProcessFunction,
    seen: Seen,
) -> None:
    async with function.open(invocation("one_when_told")) as reply:
        pieces = reply.pieces()
        await anext(pieces)
        assert len(function._serving) == 1
        seen.go_on.set()
        async for _ in pieces:
            pass
    await asyncio.to_thread(function.stop)
    function.start()

    assert not function._serving
