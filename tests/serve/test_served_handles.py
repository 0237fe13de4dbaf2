"""Handles of deployments that run: what Ray Serve's users rely on, row by row."""

import asyncio
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI

from adapter import serve
from adapter.errors import RemoteError, ServeError
from adapter.serve.handles import DeploymentHandle

app = FastAPI()


class QuotaExceeded(ValueError):
    """An exception of the user's own."""

    def __init__(self, *, limit: int) -> None:
        super().__init__("over")
        self.limit = limit


@dataclass
class Sample:
    size: int


@serve.deployment
class Model:
    def __call__(self, number: int) -> int:
        return number + 1

    def find(self, key: str) -> str:
        known: dict[str, str] = {}
        return known[key]

    def spend(self) -> None:
        raise QuotaExceeded(limit=5)

    def numbers(self, most: int) -> Iterator[int]:
        yield from range(most)

    def grow(self, sample: Any) -> Any:
        return type(sample)(sample.size + 1)

    def samples(self, most: int) -> Iterator[Any]:
        yield from map(Sample, range(most))


@serve.deployment
@serve.ingress(app)
class Gateway:
    def __init__(self, model: DeploymentHandle) -> None:
        self.model = model

    @app.get("/find")
    async def find(self, key: str) -> Any:
        return await self.model.find.remote(key)

    async def blocked(self) -> Any:
        return self.model.remote(1).result()

    async def nested(self) -> Any:
        return await self.model.remote([self.model.remote(1)])

    async def chained(self, number: int) -> Any:
        return await self.model.remote(self.model.remote(self.model.remote(number)))


@pytest.fixture(scope="module", name="gateway")
def _gateway() -> Iterator[DeploymentHandle[Any]]:
    yield serve.run(Gateway.bind(Model.bind()), name="rows", _local_testing_mode=True)
    serve.shutdown()


@pytest.fixture(name="model")
def _model(gateway: DeploymentHandle[Any]) -> DeploymentHandle[Any]:
    assert gateway.deployment_name == "Gateway"
    return serve.get_deployment_handle("Model", "rows")


def test_exception_is_of_its_builtin_type_with_cause_and_traceback(
    model: DeploymentHandle[Any],
) -> None:
    with pytest.raises(KeyError) as caught:
        model.find.remote("a").result(timeout_s=10)

    assert isinstance(caught.value, RemoteError)
    assert type(caught.value.cause) is KeyError
    assert "return known[key]" in str(caught.value)


def test_exception_of_an_own_class_is_caught_as_that(model: DeploymentHandle[Any]) -> None:
    with pytest.raises(QuotaExceeded, match="QuotaExceeded in deployment Model: over") as caught:
        model.spend.remote().result(timeout_s=10)

    error: Any = caught.value
    assert (error.limit, error.cause.limit, error.cause.args) == (5, 5, ("over",))


def test_objects_arrive_as_what_they_are_without_any_hint(model: DeploymentHandle[Any]) -> None:
    assert model.grow.remote(Sample(1)).result(timeout_s=10) == Sample(2)
    assert list(model.options(stream=True).samples.remote(2)) == [Sample(0), Sample(1)]


def test_exception_keeps_its_type_through_another_deployment(
    gateway: DeploymentHandle[Any],
) -> None:
    with pytest.raises(KeyError, match="KeyError in deployment Model") as caught:
        gateway.find.remote("a").result(timeout_s=10)

    assert isinstance(caught.value, RemoteError)
    assert (caught.value.error_type, caught.value.deployment) == ("KeyError", "Gateway")


def test_missing_method_is_named_with_those_that_there_are(model: DeploymentHandle[Any]) -> None:
    expected = (
        r"Tried to call a method 'nosuch' that does not exist\. "
        r"Available methods: \['__call__', 'find', 'grow', 'numbers', 'samples', 'spend'\]\."
    )
    with pytest.raises(ServeError, match=expected):
        model.nosuch.remote().result(timeout_s=10)


def test_generator_needs_stream(model: DeploymentHandle[Any]) -> None:
    expected = "Method 'numbers' returned a generator. You must use `handle.options(stream=True)`"
    with pytest.raises(TypeError) as caught:
        model.numbers.remote(2).result(timeout_s=10)
    assert expected in str(caught.value)
    assert list(model.options(stream=True).numbers.remote(2)) == [0, 1]


def test_stream_needs_a_generator(model: DeploymentHandle[Any]) -> None:
    with pytest.raises(TypeError, match="but it did not return a generator"):
        list(model.options(stream=True).remote(1))


def test_response_is_resolved_where_it_is_an_argument_of_its_own(
    gateway: DeploymentHandle[Any],
    model: DeploymentHandle[Any],
) -> None:
    assert gateway.chained.remote(0).result(timeout_s=10) == 3
    assert model.remote(number=model.remote(0)).result(timeout_s=10) == 2


def test_response_inside_another_value_is_refused(gateway: DeploymentHandle[Any]) -> None:
    with pytest.raises(ServeError, match="`DeploymentResponse` is not serializable") as caught:
        gateway.nested.remote().result(timeout_s=10)

    assert "Please only pass `DeploymentResponse` objects as top level arguments" in str(
        caught.value
    )


def test_generator_is_no_argument(model: DeploymentHandle[Any]) -> None:
    items = model.options(stream=True).numbers.remote(2)

    with pytest.raises(RuntimeError, match="Streaming deployment handle results cannot be"):
        model.remote(items)
    items.cancel()


def test_result_inside_a_running_loop_is_refused(gateway: DeploymentHandle[Any]) -> None:
    with pytest.raises(
        RuntimeError, match="Sync methods should not be called from within an `asyn"
    ):
        gateway.blocked.remote().result(timeout_s=10)


def test_handle_works_in_plain_and_in_asynchronous_code(model: DeploymentHandle[Any]) -> None:
    async def wait() -> list[Any]:
        response = model.remote(1)
        streamed = [item async for item in model.options(stream=True).numbers.remote(3)]
        return [await response, *streamed]

    assert asyncio.run(wait()) == [2, 0, 1, 2]
    assert model.remote(1).result(timeout_s=10) == 2


def test_any_method_of_an_ingress_is_called_by_handle(gateway: DeploymentHandle[Any]) -> None:
    assert gateway.options(method_name="chained").remote(1).result(timeout_s=10) == 4


def test_ingress_itself_is_not_called_by_handle(gateway: DeploymentHandle[Any]) -> None:
    with pytest.raises(ServeError, match="Tried to call a method '__call__' that does not exist"):
        gateway.remote().result(timeout_s=10)


def test_pickled_handle_is_one_to_the_same_deployment(model: DeploymentHandle[Any]) -> None:
    found = pickle.loads(pickle.dumps(model.options(stream=True)))

    assert list(found.numbers.remote(2)) == [0, 1]
