import asyncio
import json
import logging
import re
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
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


def iter_of(value: int) -> Iterator[int]:
    yield value


@pytest.mark.parametrize(
    ("result", "content_type", "body"),
    [
        (None, "text/plain", b""),
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
        (np.array([[1.5, 2]]), "application/json", b"[[1.5,2.0]]"),
        (np.arange(2, dtype="int8"), "application/json", b"[0,1]"),
        ({"n": np.int64(1), "f": np.float32(0.5)}, "application/json", b'{"n":1,"f":0.5}'),
        (np.array([True])[0], "application/json", b"true"),
        (np.ma.array([1, 2]), "application/json", b"[1,2]"),
        ({Color.RED: [LookupError("broken")]}, "application/json", b'{"red":["broken"]}'),
        (Exception("broken"), "application/json", b'"broken"'),
        (IPv4Address("10.0.0.1"), "application/json", b'"10.0.0.1"'),
        (deque([1, {2}]), "application/json", b"[1,[2]]"),
        (re.compile("a+"), "application/json", b'"a+"'),
        (SimpleNamespace(a={1}), "application/json", b'{"a":[1]}'),
        (
            {UUID(int=1): np.int8(1)},
            *("application/json", b'{"00000000-0000-0000-0000-000000000001":1}'),
        ),
        (
            {date(2026, 11, 21): Point(1)},
            *("application/json", b'{"2026-11-21":{"x":1,"when":"2026-11-21"}}'),
        ),
        ({Color.RED: iter_of(1)}, "application/json", b'{"red":[1]}'),
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


@pytest.mark.parametrize("result", [object(), {(1, 2): 3}, [b"\xff"], {"a": [object()]}])
def test_result_that_is_not_jsonable_is_an_error(result: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        to_response(result)


def test_what_is_not_jsonable_is_named() -> None:
    with pytest.raises(TypeError, match="returned a object that is not JSON-able; return plain"):
        to_response(object())


def test_a_data_frame_is_a_list_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    class DataFrame:
        def to_dict(self, orient: str) -> list[dict[str, int]]:
            assert orient == "records"
            return [{"a": 1}, {"a": 2}]

    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=DataFrame))

    assert to_response(DataFrame()).body == b'[{"a":1},{"a":2}]'
    assert to_response({"frame": DataFrame()}).body == b'{"frame":[{"a":1},{"a":2}]}'


def test_a_data_frame_of_pandas_is_a_list_of_its_rows() -> None:
    pandas = pytest.importorskip("pandas")

    assert to_response(pandas.DataFrame({"a": [1, 2]})).body == b'[{"a":1},{"a":2}]'


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


async def words() -> AsyncIterator[str]:
    yield "one "
    await asyncio.sleep(0)
    yield "two"


def lines() -> Iterator[Any]:
    yield {"n": 1}
    yield "é"
    yield [2]


def raw_bytes() -> Iterator[bytes]:
    yield b"\xff"
    yield b"\x00"


def mixed() -> Iterator[Any]:
    yield "a"
    yield b"b"
    yield {"c": 1}


def empty() -> Iterator[str]:
    yield from ()


class Words:
    async def __call__(self, request: Request) -> AsyncIterator[str]:
        yield request.url.path


class Lines:
    def __call__(self) -> Iterator[Any]:
        return lines()


TEXT, BYTES, LINES = "text/plain; charset=utf-8", "text/plain", "application/x-ndjson"


@pytest.mark.parametrize(
    ("deployment", "content_type", "body"),
    [
        (words, TEXT, b"one two"),
        (lines, LINES, '{"n":1}\n"é"\n[2]\n'.encode()),
        (raw_bytes, BYTES, b"\xff\x00"),
        (mixed, TEXT, b'ab{"c":1}\n'),
        (empty, BYTES, b""),
        (Words, TEXT, b"/x"),
        (Lines, LINES, '{"n":1}\n"é"\n[2]\n'.encode()),
    ],
)
def test_generator_is_the_body_item_by_item(
    closing: Closing,
    deployment: Any,
    content_type: str,
    body: bytes,
) -> None:
    answer = ask(closing(entry_point(deployment)), events.http_api(path="/x"))

    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["content-type"] == [content_type]


class Client:
    """Takes what an application sends, as far as the test lets it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.arrived = asyncio.Event()
        self.gone = False

    async def ask(self, app: Any) -> None:
        await app({"type": "http", "asgi": {"spec_version": "2.4"}}, None, self._send)

    async def _send(self, message: dict[str, Any]) -> None:
        if self.gone:
            raise ConnectionError("gone")
        if body := message.get("body"):
            self.bodies.append(body)
            self.arrived.set()


def test_an_item_is_sent_before_the_next_is_made() -> None:
    async def main() -> None:
        client = Client()

        async def gated() -> AsyncIterator[str]:
            yield "first"
            await client.arrived.wait()
            yield "second"

        await client.ask(plain_application(gated))
        assert client.bodies == [b"first", b"second"]

    asyncio.run(main())


def test_a_plain_generator_blocks_nobody_while_it_works_on_an_item() -> None:
    let_go = threading.Event()

    def blocking() -> Iterator[str]:
        yield "first"
        assert let_go.wait(20)
        yield "second"

    async def main() -> list[bytes]:
        client = Client()
        asking = asyncio.ensure_future(client.ask(plain_application(blocking)))
        await client.arrived.wait()
        let_go.set()
        await asking
        return client.bodies

    assert asyncio.run(main()) == [b"first", b"second"]


color: ContextVar[str] = ContextVar("color", default="none")


def colors() -> Iterator[str]:
    yield color.get()
    color.set("red")
    yield color.get()


def test_a_plain_generator_sees_and_keeps_context_variables() -> None:
    async def main() -> list[bytes]:
        color.set("blue")
        client = Client()
        await client.ask(plain_application(colors))
        assert color.get() == "blue"
        return client.bodies

    assert asyncio.run(main()) == [b"blue", b"red"]


async def fails_at_once() -> AsyncIterator[str]:
    yield ""[0]


def fails_at_once_too() -> Iterator[object]:
    yield object()


@pytest.mark.parametrize("deployment", [fails_at_once, fails_at_once_too])
def test_an_error_in_the_first_item_is_an_ordinary_500(closing: Closing, deployment: Any) -> None:
    answer = ask(closing(entry_point(deployment)), events.http_api())

    assert (answer.status, answer.text) == (500, "Internal Server Error")


def noting(closed: threading.Event) -> tuple[Any, Any]:
    async def asynchronous() -> AsyncIterator[str]:
        try:
            while True:
                yield "x"
                await asyncio.sleep(0)  # or nobody else gets a turn
        finally:
            closed.set()

    def synchronous() -> Iterator[str]:
        try:
            while True:
                yield "x"
        finally:
            closed.set()

    return asynchronous, synchronous


@pytest.mark.parametrize("which", [0, 1], ids=["async", "plain"])
@pytest.mark.parametrize("end", ["cancelled", "gone"])
def test_a_generator_is_closed_where_nobody_reads_to_its_end(which: int, end: str) -> None:
    closed = threading.Event()

    async def main() -> None:
        client = Client()
        app = plain_application(noting(closed)[which])
        asking = asyncio.ensure_future(client.ask(app))
        await client.arrived.wait()
        if end == "gone":
            client.gone = True
        else:
            asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled() or asking.exception() is not None

    asyncio.run(main())  # which waits for threads at its end

    assert closed.is_set()


def test_a_plain_generator_that_is_at_work_when_it_is_cancelled_is_closed_afterwards() -> None:
    at_work, let_go, closed = (threading.Event() for _ in range(3))

    def working() -> Iterator[str]:
        try:
            yield "first"
            at_work.set()
            assert let_go.wait(20)
            yield "second"
        finally:
            closed.set()

    async def main() -> None:
        client = Client()
        asking = asyncio.ensure_future(client.ask(plain_application(working)))
        await asyncio.to_thread(at_work.wait, 20)
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        assert not closed.is_set()
        let_go.set()

    asyncio.run(main())

    assert closed.is_set()


def test_what_goes_wrong_while_a_generator_is_closed_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def stubborn() -> Iterator[str]:
        try:
            while True:
                yield "x"
        finally:
            raise LookupError("no end")

    async def main() -> None:
        client = Client()
        asking = asyncio.ensure_future(client.ask(plain_application(stubborn)))
        await client.arrived.wait()
        client.gone = True
        await asyncio.wait([asking])
        assert type(asking.exception()).__name__ == "ClientDisconnect"

    with caplog.at_level(logging.ERROR):
        asyncio.run(main())

    (record,) = caplog.records
    assert record.getMessage() == "the generator failed while it was closed"
    assert record.exc_info
