"""What the fronts answer about themselves: routes, health and metrics."""

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest

from adapter import serve
from adapter.local import in_process
from adapter.local.endpoints import Endpoints
from adapter.local.http_api import HttpRoute
from adapter.local.http_front import HttpFront
from adapter.local.invocation import Answer
from adapter.local.metrics import Metrics
from adapter.serve.metrics import Series
from tests.local.scripted import Scripted, listening
from tests.local.world import Records, application_plan, function_plan, serving


@contextlib.asynccontextmanager
async def asking() -> AsyncIterator[httpx2.AsyncClient]:
    metrics = Metrics()
    metrics.add([Series("gauge", "memory", {}, [1])])
    function = Scripted(Answer(payload=b'"the application"'))
    front = HttpFront(Records().log)
    front.routes = [
        HttpRoute(prefix="/", name="Echo", function=function),
        HttpRoute(prefix="/api", name="Api", function=function, application="second"),
    ]
    async with (
        listening(Endpoints(front, metrics)) as url,
        httpx2.AsyncClient(base_url=url, timeout=30) as made,
    ):
        yield made
    await front.close()


TEXT = "text/plain; charset=utf-8"
METRICS = "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "content_type", "text"),
    [
        ("/-/healthz", TEXT, "success"),
        ("/-/routes", "application/json", '{"/":"default","/api":"second"}'),
        ("/-/metrics", METRICS, "# TYPE memory gauge\nmemory 1\n"),
    ],
)
async def test_what_is_told(path: str, content_type: str, text: str) -> None:
    async with asking() as client:
        got = await client.get(path)
        head = await client.head(path)

    assert (got.status_code, got.headers["content-type"], got.text) == (200, content_type, text)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(text))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("POST", "/-/metrics"),
        ("DELETE", "/-/routes"),
        ("GET", "/-/routes/"),
        ("GET", "/-/other"),
        ("GET", "/api/-/healthz"),
    ],
)
async def test_all_else_is_the_applications(method: str, path: str) -> None:
    async with asking() as client:
        assert (await client.request(method, path)).json() == "the application"


async def test_adapter_run_tells_its_applications() -> None:
    plans = [
        application_plan(function_plan(name="one"), name="one", route_prefix="/one"),
        application_plan(function_plan(name="two"), name="two", route_prefix="/two/deep"),
        application_plan(function_plan(name="hidden"), name="hidden", route_prefix=None),
    ]
    async with serving(*plans) as served:
        routes = await served.http.get("/-/routes")
        health = await served.http.get("/-/healthz")

    assert routes.json() == {"/one": "one", "/two/deep": "two"}
    assert health.text == "success"


@pytest.fixture
def _one_server() -> Iterator[None]:
    serve.start(http_options={"port": 0})
    yield
    serve.shutdown()


def shown(path: str) -> Any:
    with urllib.request.urlopen(in_process.url() + path, timeout=10) as answer:
        return answer.read().decode()


@pytest.mark.usefixtures("_one_server")
def test_serve_run_tells_its_applications() -> None:
    @serve.deployment
    def plain() -> str:
        return "plain"

    serve.run(plain.bind(), name="first", route_prefix="/first")
    serve.run(plain.bind(), name="second", route_prefix="/")
    serve.run(plain.bind(), name="hidden", route_prefix=None)

    assert shown("/-/healthz") == "success"
    assert json.loads(shown("/-/routes")) == {"/first": "first", "/": "second"}

    serve.delete("second")

    assert json.loads(shown("/-/routes")) == {"/first": "first"}
    with pytest.raises(urllib.error.HTTPError) as caught:
        shown("/x")
    with caught.value as refused:
        assert (refused.code, refused.read().decode()) == (
            404,
            "Path '/x' not found. Ping http://.../-/routes for available routes.",
        )
