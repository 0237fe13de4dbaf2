"""A handle's result that a route returns without awaiting it is one clear error."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from adapter import serve, testing
from adapter.http.unawaited import NotAwaited, told

api = FastAPI()


@serve.deployment
class Model:
    def __call__(self, number: int) -> int:
        return number

    def count(self) -> Iterator[int]:
        yield 1


@serve.deployment
@serve.ingress(api)
class Gateway:
    def __init__(self, model: Any) -> None:
        self.model = model

    @api.get("/bare")
    async def bare(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - as programs are
        return self.model.remote(1)

    @api.get("/typed")
    async def typed(self) -> int:
        response: int = self.model.remote(1)
        return response

    @api.get("/plain")
    def plain(self) -> Any:
        return {"number": self.model.remote(1)}

    @api.get("/nested")
    def nested(self) -> dict[str, int]:
        return {"number": self.model.remote(1)}

    @api.get("/awaited")
    async def awaited(self) -> int:
        number: int = await self.model.remote(1)
        return number

    @api.get("/wrong")
    async def wrong(self) -> int:
        return "not a number"  # type: ignore[return-value]  # on purpose

    @api.get("/stream")
    async def stream(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - as programs are
        return self.model.options(stream=True).count.remote()


@serve.deployment
class Plain:
    def __init__(self, model: Any) -> None:
        self.model = model

    async def __call__(self, request: Any) -> Any:
        response = self.model.remote(1)
        return response if request.url.path == "/bare" else {"number": response}


@pytest.mark.parametrize("path", ["/bare", "/typed", "/plain", "/nested"])
def test_a_route_that_does_not_await_is_told_to(path: str) -> None:
    with testing.client(Gateway.bind(Model.bind())) as client:
        with pytest.raises(NotAwaited, match=r"return `await handle\.remote\(\.\.\.\)`, or in"):
            client.get(path)
        assert client.get("/awaited").json() == 1


@pytest.mark.parametrize("path", ["/bare", "/nested"])
def test_a_plain_deployment_that_does_not_await_is_told_to(path: str) -> None:
    with (
        testing.client(Plain.bind(Model.bind())) as client,
        pytest.raises(NotAwaited, match="await handle"),
    ):
        client.get(path)


def test_items_on_their_way_are_told_too() -> None:
    with (
        testing.client(Gateway.bind(Model.bind())) as client,
        pytest.raises(NotAwaited, match="async for item in"),
    ):
        client.get("/stream")


def test_the_log_names_the_route(caplog: pytest.LogCaptureFixture) -> None:
    with testing.client(Gateway.bind(Model.bind()), raise_server_exceptions=False) as client:
        caplog.clear()
        assert client.get("/bare").status_code == 500

    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    route = f"GET /bare ({__name__}.Gateway.bare)"
    assert record.getMessage().startswith(f"the response of {route} cannot be sent: the route ret")
    assert record.exc_info is None


def test_other_complaints_of_fastapi_stay() -> None:
    with (
        testing.client(Gateway.bind(Model.bind())) as client,
        pytest.raises(Exception, match="not a n") as raised,
    ):
        client.get("/wrong")

    assert type(raised.value).__name__ == "ResponseValidationError"
    assert told(ValueError("another")) is None
