"""The same function, event for event, under AWS's runtime client and under our loop.

Each runs on AWS's Runtime Interface Emulator and on the Runtime API of `adapter run`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import events
from tests.runtime.hosts import RUNTIMES, Host, emulator, local_host

SOURCE = """
from contextlib import asynccontextmanager
from contextvars import ContextVar

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from adapter import serve
from adapter.function import entry_point

startups = []
seen = ContextVar("seen", default="nobody")

@asynccontextmanager
async def lifespan(app):
    startups.append("once")
    yield {"greeting": "hello"}

app = FastAPI(lifespan=lifespan)

class Item(BaseModel):
    name: str

@serve.deployment
@serve.ingress(app)
class Probe:
    def __init__(self, factor):
        self.factor = factor

    @app.get("/times/{number}")
    def times(self, number: int):
        return {"result": number * self.factor}

    @app.post("/items")
    async def create(self, item: Item, request: Request, response: Response):
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return {"name": item.name, "greeting": request.state.greeting, "startups": len(startups)}

    @app.get("/bytes")
    def binary(self):
        return Response(bytes(range(256)), media_type="application/octet-stream")

    @app.get("/broken")
    def broken(self):
        raise RuntimeError("broken on purpose")

    @app.get("/request-id")
    def request_id(self, request: Request):
        return request.scope["aws.context"].aws_request_id

    @app.get("/path/{rest:path}")
    def path(self, rest: str):
        return rest

    def divide(self, a, b):
        return a / b

    async def remember(self, value):
        before = seen.get()
        seen.set(value)
        return before

    async def whoami(self):
        return "probe"

handler = entry_point(Probe, 3)
"""


@pytest.fixture(scope="module", params=list(RUNTIMES))
def runtime(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return RUNTIMES[request.param]


@pytest.fixture(scope="module", params=["adapter run", "emulator"])
def host(
    request: pytest.FixtureRequest,
    runtime: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Host]:
    folder: Path = tmp_path_factory.mktemp("host")
    start = local_host if request.param == "adapter run" else emulator
    with start(SOURCE, runtime, folder) as running:
        yield running


GATEWAYS = {
    "HTTP API": events.http_api,
    "REST API": events.rest_v1,
    "load balancer": events.alb,
    "function URL": events.function_url,
}


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_get_request_is_answered_through_every_gateway(host: Host, gateway: str) -> None:
    answer = host.invoke(GATEWAYS[gateway](method="GET", path="/times/14")).payload

    assert (answer["statusCode"], answer["body"]) == (200, '{"result":42}')


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_body_is_validated_through_every_gateway(host: Host, gateway: str) -> None:
    event = GATEWAYS[gateway](
        method="POST",
        path="/items",
        body='{"nome": "pencil"}',
        headers={"content-type": "application/json"},
    )

    assert host.invoke(event).payload["statusCode"] == 422


def test_lifespan_ran_once_and_its_state_reaches_requests(host: Host) -> None:  # row 12, R18
    event = events.http_api(
        method="POST",
        path="/items",
        body='{"name": "pencil"}',
        headers={"content-type": "application/json"},
    )
    bodies = [host.invoke(event).payload["body"] for _ in range(3)]

    assert bodies == ['{"name":"pencil","greeting":"hello","startups":1}'] * 3


def test_two_cookies_stay_two(host: Host) -> None:
    event = events.http_api(
        method="POST",
        path="/items",
        body='{"name": "pencil"}',
        headers={"content-type": "application/json"},
    )

    assert [cookie.split(";")[0] for cookie in host.invoke(event).payload["cookies"]] == [
        "a=1",
        "b=2",
    ]


def test_bytes_survive(host: Host) -> None:
    import base64

    answer = host.invoke(events.http_api(method="GET", path="/bytes")).payload

    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == bytes(range(256))


def test_an_error_in_a_route_is_a_500_and_the_environment_goes_on(host: Host) -> None:
    broken = host.invoke(events.http_api(method="GET", path="/broken")).payload
    after = host.invoke(events.http_api(method="GET", path="/times/1")).payload

    assert (broken["statusCode"], broken["body"]) == (500, "Internal Server Error")
    assert after["statusCode"] == 200


def test_the_request_id_is_the_invocations(host: Host) -> None:
    first, second = (
        host.invoke(events.http_api(method="GET", path="/request-id")).payload["body"]
        for _ in range(2)
    )

    assert first != second
    assert len(first) == len('"00000000-0000-0000-0000-000000000000"')


CALLS: dict[str, tuple[dict[str, Any], Any]] = {
    "positional": ({"method": "divide", "args": [1, 4]}, 0.25),
    "named": ({"method": "divide", "kwargs": {"a": 1, "b": 4}}, 0.25),
    "tagged": ({"method": "divide", "args": [{"$complex": [0, 1]}, 1]}, {"$complex": [0.0, 1.0]}),
    "async": ({"method": "whoami"}, "probe"),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_answers_its_result(host: Host, call: str) -> None:
    event, result = CALLS[call]

    assert host.invoke(event).payload == result


def test_an_exception_in_a_call_is_a_function_error_with_the_users_frame(host: Host) -> None:
    result = host.invoke({"method": "divide", "args": [1, 0]})

    assert result.error == "ZeroDivisionError"
    assert result.payload["errorMessage"] == "division by zero"
    assert "in divide\n    return a / b" in result.payload["stackTrace"][-1]


def test_an_unknown_method_names_those_that_exist(host: Host) -> None:
    result = host.invoke({"method": "multiply"})

    assert result.error == "InvalidCall"
    assert "'divide'" in result.payload["errorMessage"]


@pytest.mark.parametrize("event", [[], None, 7, {"Records": [{"eventSource": "aws:sqs"}]}])
def test_a_foreign_event_is_one_named_error(host: Host, event: Any) -> None:
    assert host.invoke(event).error == "UnsupportedEvent"


def test_an_empty_event_warms_the_environment(host: Host) -> None:  # row 5
    result = host.invoke({})

    assert (result.error, result.payload) == (None, None)


def test_a_context_variable_ends_with_its_invocation(host: Host) -> None:
    host.invoke({"method": "remember", "args": ["alice"]})

    assert host.invoke({"method": "remember", "args": ["bob"]}).payload == "nobody"


@pytest.mark.parametrize("gateway", ["HTTP API", "REST API", "function URL"])
def test_a_path_is_decoded_once(host: Host, gateway: str) -> None:
    sent = "/path/100%25" if gateway == "HTTP API" else "/path/100%2525"

    assert host.invoke(GATEWAYS[gateway](path=sent)).payload["body"] == '"100%25"'
