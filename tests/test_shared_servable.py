"""Deployments that share a function: what it serves, and the calls between them."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI

from adapter import serve
from adapter.errors import BackPressureError, DeployFailed, InvalidCall, RemoteError, Unhealthy
from adapter.function import Function, entry_point, shared_entry_point
from adapter.serve import context, metrics
from adapter.serve.handles import DeploymentHandle
from tests import events
from tests.http.answers import ask

Closing = Callable[[Function], Function]
MODEL: DeploymentHandle[Any] = DeploymentHandle("Model")


COUNTER = metrics.Counter("counted")


class OutOfStock(Exception):
    def __init__(self, item: str) -> None:
        super().__init__(item)
        self.item = item


class Held:
    """What no JSON can say."""


def bound(cls: Any, *args: Any, **options: Any) -> serve.Application[Any]:
    application: serve.Application[Any] = serve.deployment(**options)(cls).bind(*args)
    return application


class Model:
    def __init__(self) -> None:
        self.held = Held()
        self.running = self.most = 0
        self.go_on = asyncio.Event()
        self.ended: list[str] = []
        self.batches: list[int] = []

    def __call__(self, value: Any = None) -> Any:
        return value

    def thread(self) -> int:
        return threading.get_ident()

    async def loop(self) -> int:
        return id(asyncio.get_running_loop())

    def is_held(self, value: Any) -> bool:
        return value is self.held

    def give(self) -> Held:
        return self.held

    def where(self) -> list[Any]:
        served = context.served()
        here = serve.get_replica_context()
        return [here.deployment, here.servable_object is self, served.request_id, served.route]

    def model_id(self) -> str:
        return serve.get_multiplexed_model_id()

    def count_one(self) -> None:
        COUNTER.inc()

    def fail(self) -> None:
        raise OutOfStock("lamp")

    def refuse(self) -> None:
        raise KeyError("lamp")

    async def cancel_itself(self) -> None:
        task = asyncio.create_task(asyncio.sleep(3600))
        task.cancel()
        await task

    async def count(self, to: int) -> AsyncIterator[int]:
        try:
            for number in range(to):
                yield number
        finally:
            self.ended.append("count")

    def plain_count(self, to: int) -> Iterator[int]:
        yield from range(to)
        raise KeyError("over")

    async def together(self, many: int) -> int:
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running == many:
            self.go_on.set()
        await self.go_on.wait()
        self.running -= 1
        return self.most

    async def wait(self) -> None:
        self.go_on.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            for _ in range(50):  # cleaning up takes its time
                await asyncio.sleep(0)
            self.ended.append("wait")
            raise

    async def leave(self) -> None:
        response = DeploymentHandle[Any]("Gateway").hold.remote()
        await asyncio.sleep(3600)
        await response

    async def back(self, depth: int) -> int:
        caller: DeploymentHandle[Any] = DeploymentHandle("Gateway")
        return depth if not depth else await caller.down.remote(depth - 1)

    @serve.batch(max_batch_size=4, batch_wait_timeout_s=3600)
    async def batched(self, items: list[int]) -> list[int]:
        self.batches.append(len(items))
        return items


class Gateway:
    """Runs what a test gives it."""

    def __init__(self) -> None:
        self.model = MODEL

    async def run(self, name: str) -> Any:
        return await CODE[name](self.model)

    def plain(self) -> Any:
        return self.model.remote("from a thread").result(timeout_s=60)

    async def hold(self) -> None:
        await self.model.wait.remote()

    async def down(self, depth: int) -> int:
        return depth if not depth else await self.model.back.remote(depth - 1)


CODE: dict[str, Any] = {}


async def collect(items: Any, found: list[int]) -> None:
    async for item in items:
        found.append(item)  # noqa: PERF401 - what comes before an error counts


async def until(condition: Callable[[], Any]) -> None:
    while not condition():  # noqa: ASYNC110 - what it waits for tells nobody
        await asyncio.sleep(0)


@pytest.fixture
def function(closing: Closing) -> Function:
    return closing(shared_entry_point(bound(Model), bound(Gateway), default="Gateway"))


def run(function: Function, code: Any) -> Any:
    """Run `await code(handle of Model)` in Gateway."""
    CODE["code"] = code
    return function({"method": "run", "args": ["code"]}, SimpleNamespace(aws_request_id="one"))


def test_a_call_names_the_deployment(function: Function) -> None:
    sent = {"method": "__call__", "args": [7], "deployment": "Model"}

    assert function(sent) == 7


def test_calls_that_name_none_and_http_reach_the_default(closing: Closing) -> None:
    app = FastAPI()

    @app.get("/")
    async def read() -> str:
        return str(await MODEL.remote("asked"))

    gateway = bound(serve.ingress(app)(type("Gateway", (Gateway,), {})))
    function = closing(shared_entry_point(bound(Model), gateway, default="Gateway"))

    assert function({"method": "plain"}) == "from a thread"
    assert ask(function, events.http_api()).json == "asked"


@pytest.mark.parametrize("name", ["Nobody", ["Model"], 3])
def test_a_deployment_that_is_not_there_is_refused_by_name(function: Function, name: Any) -> None:
    with pytest.raises(InvalidCall, match=r"no deployment .*; it has Gateway, Model\."):
        function({"method": "__call__", "deployment": name})


def test_a_function_of_its_own_takes_its_name_and_no_other(closing: Closing) -> None:
    alone = closing(entry_point(Model))

    assert alone({"method": "__call__", "args": [1], "deployment": "Model"}) == 1
    with pytest.raises(InvalidCall, match="no deployment 'Gateway'; it has Model"):
        alone({"method": "__call__", "deployment": "Gateway"})


def test_arguments_and_results_are_passed_as_they_are(function: Function) -> None:
    async def code(model: Any) -> Any:
        held = await model.give.remote()
        return [isinstance(held, Held), await model.is_held.remote(held)]

    assert run(function, code) == [True, True]


def test_a_response_may_be_an_argument(function: Function) -> None:
    async def code(model: Any) -> Any:
        return await model.is_held.remote(model.give.remote())

    assert run(function, code) is True


def test_calls_run_on_the_functions_own_loop(function: Function) -> None:
    async def code(model: Any) -> Any:
        return await model.loop.remote() == id(asyncio.get_running_loop())

    assert run(function, code) is True


def test_code_in_there_belongs_to_the_deployment_that_is_called(function: Function) -> None:
    async def code(model: Any) -> Any:
        found = await model.where.remote()
        return [*found, serve.get_replica_context().deployment]

    assert run(function, code) == ["Model", True, "one", "", "Gateway"]


def test_the_model_id_is_that_of_the_call(function: Function) -> None:
    async def code(model: Any) -> Any:
        named = model.options(multiplexed_model_id="fr")
        return [await named.model_id.remote(), await model.model_id.remote()]

    assert run(function, code) == ["fr", ""]


def test_an_exception_is_what_it_is_between_functions(function: Function) -> None:
    async def code(model: Any) -> Any:
        with pytest.raises(OutOfStock) as caught:
            await model.fail.remote()
        with pytest.raises(KeyError):
            await model.refuse.remote()
        return caught.value

    error = run(function, lambda model: _described(code(model)))

    assert error == ["lamp", "OutOfStock", True, True, "Model"]


async def _described(caught: Any) -> list[Any]:
    error = await caught
    remote = isinstance(error, RemoteError)
    in_trace = "in fail" in error.remote_traceback
    return [error.item, error.error_type, remote, in_trace, error.deployment]


def test_an_unknown_method_is_refused(function: Function) -> None:
    async def code(model: Any) -> Any:
        with pytest.raises(InvalidCall, match="Tried to call a method 'nothing'"):
            await model.nothing.remote()

    run(function, code)


def test_who_cancels_something_of_its_own_fails_and_is_not_cancelled(function: Function) -> None:
    async def code(model: Any) -> Any:
        with pytest.raises(RuntimeError, match="waited for what it had cancelled"):
            await model.cancel_itself.remote()

    run(function, code)


def test_items_come_as_they_are_yielded(function: Function) -> None:
    async def code(model: Any) -> Any:
        return [item async for item in model.options(stream=True).count.remote(40)]

    assert run(function, code) == list(range(40))


def test_an_error_comes_after_the_items_before_it(function: Function) -> None:
    async def code(model: Any) -> Any:
        found: list[int] = []
        with pytest.raises(KeyError):
            await collect(model.options(stream=True).plain_count.remote(3), found)
        return found

    assert run(function, code) == [0, 1, 2]


def test_who_stops_early_closes_the_generator(function: Function) -> None:
    async def code(model: Any) -> Any:
        async with model.options(stream=True).count.remote(1000) as items:
            await anext(items)
        await until(lambda: OF[Model].ended)
        return OF[Model].ended

    assert run(function, code) == ["count"]


def test_a_generator_has_to_be_asked_for_as_a_stream(function: Function) -> None:
    async def code(model: Any) -> Any:
        with pytest.raises(TypeError, match="returned a generator"):
            await model.count.remote(1)
        with pytest.raises(TypeError, match="did not return a generator"):
            [item async for item in model.options(stream=True).give.remote()]

    run(function, code)


def test_calls_leave_at_once_and_run_together(function: Function) -> None:
    async def code(model: Any) -> Any:
        return await asyncio.gather(*(model.together.remote(3) for _ in range(3)))

    assert max(run(function, code)) == 3


def test_no_more_calls_run_at_once_than_the_deployment_allows(closing: Closing) -> None:
    model = bound(Model, max_ongoing_requests=1)
    function = closing(shared_entry_point(model, bound(Gateway), default="Gateway"))

    async def code(model: Any) -> Any:
        return await asyncio.gather(*(model.together.remote(1) for _ in range(5)))

    assert run(function, code) == [1] * 5


def test_more_than_may_wait_are_refused(closing: Closing) -> None:
    model = bound(Model, max_ongoing_requests=1, max_queued_requests=1)
    function = closing(shared_entry_point(model, bound(Gateway), default="Gateway"))

    async def code(model: Any) -> Any:
        calls = [model.wait.remote() for _ in range(3)]
        with pytest.raises(BackPressureError, match=r"max_queued_requests=1"):
            await calls[2]
        for call in calls:
            call.cancel()

    run(function, code)


def test_who_is_called_back_does_not_wait_for_itself(closing: Closing) -> None:
    once = {"max_ongoing_requests": 1}
    model, gateway = bound(Model, **once), bound(Gateway, **once)
    function = closing(shared_entry_point(model, gateway, default="Gateway"))

    assert function({"method": "down", "args": [6]}) == 0


def test_calls_made_together_are_one_batch(closing: Closing) -> None:
    function = closing(shared_entry_point(bound(Model), bound(Gateway), default="Gateway"))

    async def code(model: Any) -> Any:
        items = await asyncio.gather(*(model.batched.remote(item) for item in range(4)))
        return [items, OF[Model].batches]

    assert run(function, code) == [[0, 1, 2, 3], [4]]


def test_a_cancelled_call_is_cancelled_in_the_callee_before_the_caller_goes_on(
    function: Function,
) -> None:
    async def code(model: Any) -> Any:
        async def calling() -> None:
            await model.wait.remote()

        task = asyncio.create_task(calling())
        await OF[Model].go_on.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: OF[Model].ended)
        return OF[Model].ended

    assert run(function, code) == ["wait"]


@pytest.mark.parametrize("method", ["wait", "leave"])
def test_an_invocation_that_is_cancelled_ends_after_all_the_calls_below_it(
    function: Function,
    method: str,
) -> None:
    CODE["code"] = lambda model: _awaited(getattr(model, method).remote())

    async def main() -> list[str]:
        invocation = asyncio.create_task(function.invoke({"method": "run", "args": ["code"]}, None))
        await OF[Model].go_on.wait()
        invocation.cancel()
        with pytest.raises(asyncio.CancelledError):
            await invocation
        return list(OF[Model].ended)

    assert function.complete(main()) == ["wait"]


async def _awaited(response: Any) -> Any:
    return await response


def test_an_event_is_accepted_at_once_and_runs_on(function: Function) -> None:
    async def code(model: Any) -> Any:
        event = model.options(invocation_type="Event")
        accepted = await event.together.remote(1)
        await OF[Model].go_on.wait()
        return accepted

    assert run(function, code) is None


def test_a_failed_event_is_logged(function: Function, caplog: pytest.LogCaptureFixture) -> None:
    async def code(model: Any) -> Any:
        await model.options(invocation_type="Event").fail.remote()
        await until(lambda: caplog.records)

    run(function, code)

    assert caplog.messages == ["a call of Model, which nobody waits for, failed"]


def test_numbers_are_of_the_deployment_that_counts(function: Function) -> None:
    series: list[metrics.Series] = []
    metrics.connect(series.extend)

    async def code(model: Any) -> Any:
        COUNTER.inc()
        await model.count_one.remote()

    run(function, code)
    metrics.connect(None)

    assert [one.tags["deployment"] for one in series] == ["Gateway", "Model"]


OF: dict[type[Any], Any] = {}


@pytest.fixture(autouse=True)
def _instances(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let tests look at the instance that was constructed last."""
    made = Model.__init__

    def init(self: Model) -> None:
        made(self)
        OF[Model] = self

    monkeypatch.setattr(Model, "__init__", init)
    yield
    OF.clear()
    CODE.clear()


class Failing:
    def __init__(self) -> None:
        raise ValueError("no weights")


class Noted:
    ended: list[str] = []  # noqa: RUF012 - of all instances

    def __init__(self, name: str) -> None:
        self.name = name

    async def check_health(self) -> None:
        if self.name == "ill":
            raise RuntimeError("lost its connection")

    def __del__(self) -> None:
        self.ended.append(self.name)


def test_a_failed_start_names_the_deployment_and_stops_those_before_it() -> None:
    Noted.ended.clear()
    with pytest.raises(DeployFailed, match="Failing failed to start: ValueError: no weights") as it:
        shared_entry_point(bound(Noted, "first"), bound(Failing), default="Failing")

    assert isinstance(it.value.__cause__, ValueError)
    assert Noted.ended == ["first"]


def test_deployments_are_stopped_callers_first() -> None:
    Noted.ended.clear()
    first, second = bound(Noted, "callee", name="A"), bound(Noted, "caller", name="B")
    shared_entry_point(first, second, default="B").close()

    assert Noted.ended == ["caller", "callee"]


def test_the_health_of_each_is_checked(closing: Closing) -> None:
    always = {"health_check_period_s": 1e-9}
    well = bound(Noted, "well", name="Well", **always)
    other = bound(Noted, "well", name="Other", **always)
    function = closing(shared_entry_point(well, other, default="Well"))
    servable: Any = function._servable
    servable._servables["Other"]._instance.target.name = "ill"

    with pytest.raises(Unhealthy, match="Other: check_health failed"):
        function.complete(function.idle_check())


def test_a_constructor_may_call_those_before_it_and_no_other(closing: Closing) -> None:
    class Asking:
        async def __init__(self, name: str) -> None:  # type: ignore[misc]  # an async constructor
            self.answer = await DeploymentHandle[Any](name).remote("ready")

        def __call__(self) -> Any:
            return self.answer

    function = closing(shared_entry_point(bound(Model), bound(Asking, "Model"), default="Asking"))
    assert function({"method": "__call__"}) == "ready"

    with pytest.raises(DeployFailed, match="deployment Model is not running"):
        shared_entry_point(bound(Asking, "Model"), bound(Model), default="Asking")


def test_status_tells_of_all_of_them(
    function: Function,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "adapter.local.in_process", raising=False)  # as on Lambda

    async def code(model: Any) -> Any:
        del model
        return list(serve.status().applications["default"].deployments)

    assert run(function, code) == ["Model", "Gateway"]
