import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse

from adapter.function import Function, entry_point
from adapter.http.plain import plain_application, to_response
from tests import events
from tests.http.answers import ask

Closing = Callable[[Function], Function]


class Color(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    when: date = date(2026, 11, 21)


class Item(BaseModel):
    name: str
    when: datetime = datetime(2026, 11, 21, tzinfo=UTC)
    full_name: str = Field(default="", alias="fullName")


class Array:
    __module__ = "numpy"  # it is told by that, since nothing else here needs NumPy

    def tolist(self) -> list[int]:
        return [1, 2]


@pytest.mark.parametrize(
    ("result", "content_type", "body"),
    [
        (None, "text/plain; charset=utf-8", b""),
        (b"\x00\xff", "text/plain", b"\x00\xff"),
        ("é", "text/plain; charset=utf-8", "é".encode()),
        ("", "text/plain; charset=utf-8", b""),
        (1, "application/json", b"1"),
        (True, "application/json", b"true"),
        (1.5, "application/json", b"1.5"),
        ([1, "é"], "application/json", '[1,"é"]'.encode()),
        ((1, 2), "application/json", b"[1,2]"),
        ({"a": None, 1: 2}, "application/json", b'{"a":null,"1":2}'),
        ({1}, "application/json", b"[1]"),
        (frozenset({1}), "application/json", b"[1]"),
        (date(2026, 11, 21), "application/json", b'"2026-11-21"'),
        (datetime(2026, 11, 21, tzinfo=UTC), "application/json", b'"2026-11-21T00:00:00+00:00"'),
        (time(14, 2), "application/json", b'"14:02:00"'),
        (timedelta(seconds=1.5), "application/json", b"1.5"),
        (Decimal("1.50"), "application/json", b"1.5"),
        (Decimal(2), "application/json", b"2"),
        (UUID(int=1), "application/json", b'"00000000-0000-0000-0000-000000000001"'),
        (Path("/opt"), "application/json", b'"/opt"'),
        ([b"ab"], "application/json", b'["ab"]'),
        ({"color": Color.RED}, "application/json", b'{"color":"red"}'),
        (Point(1), "application/json", b'{"x":1,"when":"2026-11-21"}'),
        (
            [Item(name="a", fullName="A")],
            *("application/json", b'[{"name":"a","when":"2026-11-21T00:00:00Z","fullName":"A"}]'),
        ),
        ({"array": Array()}, "application/json", b'{"array":[1,2]}'),
    ],
)
def test_result_becomes_the_response_that_ray_serve_makes(
    result: Any,
    content_type: str,
    body: bytes,
) -> None:
    response = to_response(result)

    assert (response.status_code, response.headers["content-type"]) == (200, content_type)
    assert response.body == body


def test_response_is_sent_as_it_is() -> None:
    response = PlainTextResponse("teapot", 418)

    assert to_response(response) is response


def generator() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "result", [object(), SimpleNamespace(), generator(), {(1, 2): 3}, [b"\xff"]]
)
def test_result_that_is_not_jsonable_is_an_error(result: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        to_response(result)


class Echo:
    async def __call__(self, request: Request) -> dict[str, Any]:
        return {
            "method": request.method,
            "path": request.url.path,
            "query": request.query_params["name"],
            "header": request.headers["x-test"],
            "body": (await request.body()).decode(),
        }


def test_call_gets_a_starlette_request(closing: Closing) -> None:
    function = closing(entry_point(Echo))
    event = events.http_api(
        method="POST",
        path="/a/b",
        query="name=x",
        headers={"x-test": "1"},
        body="body",
    )

    assert ask(function, event).json == {
        "method": "POST",
        "path": "/a/b",
        "query": "x",
        "header": "1",
        "body": "body",
    }


def no_parameters() -> str:
    return "nothing asked"


async def asynchronous(request: Request) -> str:
    return request.url.path


def synchronous(request: Request) -> str:
    return request.url.path


@pytest.mark.parametrize(
    ("deployment", "text"),
    [(no_parameters, "nothing asked"), (asynchronous, "/x"), (synchronous, "/x")],
)
def test_deployment_function_answers(closing: Closing, deployment: Any, text: str) -> None:
    function = closing(entry_point(deployment))

    assert ask(function, events.http_api(path="/x")).text == text


def test_call_without_parameters_gets_no_request(closing: Closing) -> None:
    class Quiet:
        def __call__(self) -> list[int]:
            return [1]

    assert ask(closing(entry_point(Quiet)), events.http_api()).json == [1]


@pytest.mark.parametrize("gateway", [events.http_api, events.rest_v1, events.alb])
def test_binary_result_arrives_through_every_gateway(closing: Closing, gateway: Any) -> None:
    class Binary:
        def __call__(self) -> bytes:
            return bytes(range(256))

    answer = ask(closing(entry_point(Binary)), gateway())

    assert answer.body == bytes(range(256))
    assert answer.headers["content-type"] == ["text/plain"]


def failing() -> None:
    raise LookupError("broken")


def forbidden() -> None:
    raise HTTPException(403)


def unwritable() -> object:
    return object()


@pytest.mark.parametrize("deployment", [failing, forbidden, unwritable])
def test_failure_is_a_500(closing: Closing, deployment: Any) -> None:
    answer = ask(closing(entry_point(deployment)), events.http_api())

    assert (answer.status, answer.text) == (500, "Internal Server Error")


def test_only_http_is_served() -> None:
    with pytest.raises(RuntimeError, match="does not serve 'websocket'"):
        asyncio.run(_call(plain_application(no_parameters), {"type": "websocket"}))


async def _call(app: Any, scope: Any) -> None:
    await app(scope, None, None)


def test_streaming_response_is_collected_and_its_background_task_done(closing: Closing) -> None:
    done: list[str] = []

    def stream() -> StreamingResponse:
        task = BackgroundTask(done.append, "task")
        return StreamingResponse(iter(["a", "b"]), media_type="text/plain", background=task)

    assert ask(closing(entry_point(stream)), events.http_api()).text == "ab"
    assert done == ["task"]


def test_http_and_calls_reach_the_same_instance(closing: Closing) -> None:
    class Counter:
        def __init__(self) -> None:
            self.count = 0

        def __call__(self, request: Request) -> int:
            return self.add(int(request.query_params["by"]))

        def add(self, by: int) -> int:
            self.count += by
            return self.count

    function = closing(entry_point(Counter))
    assert ask(function, events.http_api(query="by=2")).json == 2
    assert function({"method": "add", "args": [3]}) == 5
    assert json.loads(function(events.alb(query="by=1"))["body"]) == 6
