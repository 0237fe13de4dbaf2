import asyncio
import functools
import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from adapter import lambda_handler, serve
from adapter.function import Function, entry_point
from adapter.local import in_process
from adapter.serve import context, multiplexing
from adapter.serve.context import DeploymentContext
from adapter.serve.handles import DeploymentHandle
from tests import events

Closing = Callable[[Function], Function]
HOUR_S = 3600.0


class Weights:
    """A model that notes where it ends."""

    def __init__(self, model_id: str, ended: list[str]) -> None:
        self.model_id = model_id
        self.ended = ended

    def __del__(self) -> None:
        self.ended.append(self.model_id)


class Server:
    def __init__(self) -> None:
        self.loads: list[str] = []
        self.ended: list[str] = []

    @serve.multiplexed(max_num_models_per_replica=2)
    async def model(self, model_id: str) -> Weights:
        self.loads.append(model_id)
        return Weights(model_id, self.ended)


async def load(server: Server, *model_ids: str) -> None:
    for model_id in model_ids:
        assert (await server.model(model_id)).model_id == model_id


def test_a_model_is_loaded_once() -> None:
    server = Server()

    asyncio.run(load(server, "a", "a", "b", "a"))

    assert server.loads == ["a", "b"]
    assert server.ended == []


def test_one_model_too_many_unloads_the_one_not_asked_for_the_longest() -> None:
    server = Server()

    asyncio.run(load(server, "a", "b", "a", "c"))

    assert server.ended == ["b"]


def test_a_model_that_was_unloaded_is_loaded_again() -> None:
    server = Server()

    asyncio.run(load(server, "a", "b", "c", "a"))

    assert server.loads == ["a", "b", "c", "a"]
    assert server.ended == ["a", "b"]


def test_three_models_are_kept_where_nothing_is_said() -> None:
    ended: list[str] = []

    @serve.multiplexed
    async def model(model_id: str) -> Weights:
        return Weights(model_id, ended)

    async def main() -> list[str]:
        for model_id in "abcd":
            await model(model_id)
        return list(ended)

    assert asyncio.run(main()) == ["a"]


def test_any_number_is_kept_where_that_is_said() -> None:
    ended: list[str] = []

    @serve.multiplexed(max_num_models_per_replica=-1)
    async def model(model_id: str) -> Weights:
        return Weights(model_id, ended)

    async def main() -> list[str]:
        for number in range(50):
            await model(str(number))
        return list(ended)

    assert asyncio.run(main()) == []


def test_an_async_destructor_is_awaited_and_python_does_not_call_it_again() -> None:
    ended: list[str] = []

    class Remote:
        def __init__(self, model_id: str) -> None:
            self.model_id = model_id

        async def __del__(self) -> None:
            await asyncio.sleep(0)
            ended.append(self.model_id)

    @serve.multiplexed(max_num_models_per_replica=1)
    async def model(model_id: str) -> Remote:
        return Remote(model_id)

    async def main() -> list[str]:
        await model("a")
        await model("b")
        gc.collect()
        before = list(ended)
        await multiplexing.unload_all()  # or Python would find b's destructor, which it cannot run
        return before

    assert asyncio.run(main()) == ["a"]


def test_a_plain_destructor_runs_in_a_thread() -> None:
    threads: list[int] = []

    class Slow:
        def __del__(self) -> None:
            threads.append(threading.get_ident())

    @serve.multiplexed(max_num_models_per_replica=1)
    async def model(model_id: str) -> Slow:
        assert model_id
        return Slow()

    async def main() -> list[int]:
        await model("a")
        await model("b")
        return list(threads)

    [thread] = asyncio.run(main())
    assert thread != threading.get_ident()


def test_a_destructor_that_fails_is_told_to_whoever_needs_the_room() -> None:
    class Stuck:
        def __del__(self) -> None:
            raise OSError("the device is busy")

    @serve.multiplexed(max_num_models_per_replica=1)
    async def model(model_id: str) -> Any:
        return Stuck() if model_id == "a" else model_id

    async def main() -> Any:
        await model("a")
        with pytest.raises(OSError, match="the device is busy"):
            await model("b")
        return await model("b")

    assert asyncio.run(main()) == "b"


def test_models_without_a_destructor_just_go() -> None:
    @serve.multiplexed(max_num_models_per_replica=1)
    async def model(model_id: str) -> str:
        return model_id.upper()

    async def main() -> list[str]:
        return [await model("a"), await model("b")]

    assert asyncio.run(main()) == ["A", "B"]


def test_calls_that_wait_for_the_same_model_load_it_once() -> None:
    loads: list[str] = []

    @serve.multiplexed
    async def model(model_id: str) -> object:
        loads.append(model_id)
        await asyncio.sleep(0)
        return object()

    async def main() -> None:
        first, second = await asyncio.gather(model("a"), model("a"))
        assert first is second

    asyncio.run(main())

    assert loads == ["a"]


def test_never_more_models_than_allowed_are_in_memory_while_some_load() -> None:
    most, loaded = 0, 0

    class Counted:
        def __del__(self) -> None:
            nonlocal loaded
            loaded -= 1

    @serve.multiplexed(max_num_models_per_replica=1)
    async def model(model_id: str) -> Counted:
        nonlocal loaded, most
        assert model_id
        loaded += 1
        most = max(most, loaded)
        await asyncio.sleep(0)
        return Counted()

    async def main() -> None:
        await asyncio.gather(*(model(model_id) for model_id in "abc"))

    asyncio.run(main())

    assert most == 1


def test_a_load_that_failed_is_tried_again() -> None:
    loads: list[str] = []

    @serve.multiplexed
    async def model(model_id: str) -> str:
        loads.append(model_id)
        if len(loads) == 1:
            raise ConnectionError("no bucket")
        return model_id

    async def main() -> str:
        with pytest.raises(ConnectionError, match="no bucket"):
            await model("a")
        return await model("a")

    assert asyncio.run(main()) == "a"
    assert loads == ["a", "a"]


def test_a_load_that_is_cancelled_goes_on_for_the_next_in_line() -> None:
    loads: list[str] = []

    @serve.multiplexed
    async def model(model_id: str) -> str:
        loads.append(model_id)
        if len(loads) == 1:
            await asyncio.Event().wait()
        return model_id

    async def main() -> str:
        first = asyncio.ensure_future(model("a"))
        second = asyncio.ensure_future(model("a"))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(main()) == "a"
    assert loads == ["a", "a"]


def test_instances_and_functions_have_models_of_their_own() -> None:
    class Two(Server):
        @serve.multiplexed(max_num_models_per_replica=1)
        async def tokenizer(self, model_id: str) -> str:
            self.loads.append(f"tokenizer {model_id}")
            return model_id

    first, second = Two(), Two()

    async def main() -> None:
        await first.model("a")
        await first.tokenizer("a")
        await second.model("a")

    asyncio.run(main())

    assert first.loads == ["a", "tokenizer a"]
    assert second.loads == ["a"]


def test_an_instance_is_not_kept_alive() -> None:
    server = Server()
    asyncio.run(load(server, "a"))
    gone = weakref.ref(server)

    server = Server()
    gc.collect()

    assert gone() is None


@pytest.mark.parametrize("model_id", [1, None, b"a"])
def test_an_id_must_be_a_string(model_id: Any) -> None:
    with pytest.raises(TypeError, match=r"The model ID must be a string\."):
        asyncio.run(load(Server(), model_id))


def test_an_id_must_not_be_empty() -> None:
    with pytest.raises(ValueError, match=r"The model ID cannot be empty\."):
        asyncio.run(load(Server(), ""))


def test_the_id_may_be_named() -> None:
    assert asyncio.run(Server().model(model_id="a")).model_id == "a"


def test_the_id_is_the_one_argument() -> None:
    @serve.multiplexed
    async def model(model_id: str, version: int = 1) -> str:
        return f"{model_id} {version}"

    call: Any = model
    assert asyncio.run(call("a")) == "a 1"
    with pytest.raises(TypeError, match="must take exactly one argument"):
        asyncio.run(call("a", 2))
    with pytest.raises(TypeError, match="missing a required argument: 'model_id'"):
        asyncio.run(call())


def plain(model_id: str) -> str:
    return model_id


async def nothing() -> None: ...


async def only_self(self: object) -> None: ...


async def three(self: object, model_id: str, version: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "text"),
    [
        pytest.param("model", "must be used with a function or method", id="text"),
        pytest.param(Server, "only be used to decorate async functions", id="class"),
        pytest.param(plain, "only be used to decorate async functions", id="plain"),
        pytest.param(nothing, "at least one 'model_id: str' argument", id="no parameter"),
        pytest.param(only_self, "at least one 'model_id: str' argument", id="self alone"),
        pytest.param(three, "at least one 'model_id: str' argument", id="too many"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"max_num_models_per_replica": 1}], ids=["bare", "called"])
def test_what_loads_no_model_by_its_id_is_refused(
    function: Any, options: dict[str, Any], text: str
) -> None:
    decorate: Any = serve.multiplexed(**options) if options else serve.multiplexed

    with pytest.raises(TypeError, match=text):
        decorate(function)


@pytest.mark.parametrize("most", ["1", 1.0, None])
def test_the_number_of_models_must_be_an_integer(most: Any) -> None:
    with pytest.raises(TypeError, match=r"max_num_models_per_replica must be an integer\."):
        serve.multiplexed(max_num_models_per_replica=most)


@pytest.mark.parametrize("most", [0, -2])
def test_the_number_of_models_must_be_positive(most: int) -> None:
    with pytest.raises(ValueError, match=r"max_num_models_per_replica must be positive\."):
        serve.multiplexed(max_num_models_per_replica=most)


class Named(Server):
    async def __call__(self, *_request: Any) -> str:
        return serve.get_multiplexed_model_id()

    def in_a_thread(self) -> str:
        return serve.get_multiplexed_model_id()

    async def weights(self) -> str:
        return (await self.model(serve.get_multiplexed_model_id())).model_id

    @serve.batch(max_batch_size=2, batch_wait_timeout_s=HOUR_S)
    async def batched(self, numbers: list[int]) -> list[Any]:
        return [[serve.get_multiplexed_model_id(), numbers]] * len(numbers)


def test_outside_of_a_request_there_is_no_id() -> None:
    assert serve.get_multiplexed_model_id() == ""


@pytest.mark.parametrize(
    "name",
    ["serve_multiplexed_model_id", "serve-multiplexed-model-id", "Serve-Multiplexed_Model-ID"],
)
def test_the_id_comes_in_a_header_however_it_is_spelled(closing: Closing, name: str) -> None:
    function = closing(entry_point(Named))

    answer = function(events.http_api(headers={name: "a"}))

    assert answer["body"] == "a"
    assert function(events.http_api())["body"] == ""


def test_an_asgi_application_has_the_id_too(closing: Closing) -> None:
    app = FastAPI()

    @app.get("/")
    def root() -> str:
        return serve.get_multiplexed_model_id()

    function = closing(lambda_handler(app))

    headers = {"serve_multiplexed_model_id": "a"}
    assert function(events.http_api(headers=headers))["body"] == '"a"'


def test_the_id_comes_in_a_call(closing: Closing) -> None:
    function = closing(entry_point(Named))

    for method in ("__call__", "in_a_thread", "weights"):
        event = {"method": method, "context": {"multiplexed_model_id": "a"}}
        assert function(event) == "a"
    assert function({"method": "__call__"}) == ""


@pytest.mark.parametrize("model_id", [1, None, ["a"], {}])
def test_an_id_that_is_no_text_is_none(closing: Closing, model_id: Any) -> None:
    function = closing(entry_point(Named))

    event = {"method": "__call__", "context": {"multiplexed_model_id": model_id}}
    assert function(event) == ""


def test_the_id_of_a_request_is_not_that_of_its_calls() -> None:
    @serve.deployment
    class Gateway:
        def __init__(self, named: DeploymentHandle) -> None:
            self.named = named

        async def __call__(self) -> list[str]:
            chosen = self.named.options(multiplexed_model_id="b").remote()
            return [await self.named.remote(), await chosen]

    serve.start(http_options={"port": 0})
    try:
        handle = serve.run(Gateway.bind(serve.deployment(Named).bind()))
        result = handle.options(multiplexed_model_id="a").remote().result(timeout_s=10)
    finally:
        in_process.shutdown()

    assert result == ["", "b"]


def test_models_are_unloaded_at_the_environments_end_after_the_deployment() -> None:
    ended: list[str] = []

    class Dying(Server):
        @serve.multiplexed
        async def other(self, model_id: str) -> Weights:
            return Weights(model_id, ended)

        async def use(self) -> None:
            await self.other("a")
            await self.other("b")

        def __del__(self) -> None:
            ended.append("deployment")

    function = entry_point(Dying)
    function({"method": "use"})
    function.close()

    assert ended == ["deployment", "a", "b"]


def test_a_model_that_cannot_be_unloaded_does_not_keep_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended: list[str] = []

    class Stuck(Weights):
        def __del__(self) -> None:
            super().__del__()
            raise OSError("the device is busy")

    class Dying:
        @serve.multiplexed
        async def model(self, model_id: str) -> Weights:
            return Stuck(model_id, ended)

        async def use(self) -> None:
            await asyncio.gather(self.model("a"), self.model("b"))

    function = entry_point(Dying)
    function({"method": "use"})
    function.close()

    assert ended == ["a", "b"]
    assert "a model's __del__ failed" in caplog.text


def asking_for(model_id: str, call: Callable[[], Any]) -> asyncio.Task[Any]:
    """Call as an invocation does that asks for a model."""

    async def main() -> Any:
        context.invocation.set(context.InvocationContext(multiplexed_model_id=model_id))
        return await call()

    return asyncio.ensure_future(main())


@pytest.mark.parametrize("max_concurrency", [0, 1])
def test_a_batch_is_for_one_model(max_concurrency: int) -> None:
    named = Named()

    async def main() -> list[Any]:
        here = DeploymentContext("Named", "default", max_concurrency)
        context.enter(here, whole_process=False)
        calls = [
            asking_for(model_id, functools.partial(named.batched, number))
            for number, model_id in enumerate("abab")
        ]
        return await asyncio.gather(*calls)

    assert asyncio.run(main()) == [["a", [0, 2]], ["b", [1, 3]]] * 2


def test_a_full_batch_does_not_wait_for_the_others() -> None:
    named = Named()

    async def main() -> None:
        waiting = asking_for("a", functools.partial(named.batched, 0))
        async with asyncio.timeout(30):
            full = [asking_for("b", functools.partial(named.batched, 1)) for _ in "12"]
            await asyncio.gather(*full)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])

    asyncio.run(main())
