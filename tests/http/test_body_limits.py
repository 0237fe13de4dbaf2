"""How much a request may cost: its body is never unpacked, and bounded where that is asked for."""

import asyncio
import gzip
import time
from base64 import b64encode
from collections.abc import Callable
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from fastapi import Body, FastAPI, Form, Request

from adapter.errors import InvalidOption
from adapter.function import Function, lambda_handler
from adapter.http import request
from tests.http.applications import echo
from tests.http.fronts import EDGE, HTTP_API, Front, answer_of, fronts
from tests.http.streams import posted

Closing = Callable[[Function], Function]
LIMIT = 1_000


@fronts()
def test_a_compressed_request_stays_compressed(closing: Closing, front: Front) -> None:  # R8
    bomb = gzip.compress(bytes(10_000_000))
    event = front.make(
        method="POST",
        headers=(("content-encoding", "gzip"), ("content-length", str(len(bomb)))),
        body=b64encode(bomb).decode(),
        base64=True,
    )
    scope = answer_of(closing(lambda_handler(echo))(event)).json

    assert scope["body"].encode("latin-1") == bomb
    assert ["content-encoding", "gzip"] in scope["headers"]


@fronts()
@pytest.mark.parametrize(
    ("body", "base64"),
    [
        ("x" * LIMIT, False),
        ("\u00e9" * (LIMIT // 2), False),
        (b64encode(bytes(LIMIT)).decode(), True),
    ],
)
def test_a_body_may_be_as_long_as_the_limit_and_no_longer(  # R8
    closing: Closing,
    front: Front,
    body: str,
    base64: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    longer = b64encode(bytes(LIMIT + 1)).decode() if base64 else f"{body}x"
    allowing, refusing = (
        closing(lambda_handler(echo, max_body_bytes=LIMIT))(
            front.make(method="POST", body=sent, base64=base64),
        )
        for sent in (body, longer)
    )

    assert answer_of(allowing).status == 200
    refusal = answer_of(refusing)
    assert refusal.status == 413
    assert str(LIMIT) in refusal.text.replace(",", "")


def test_a_limit_may_come_from_the_environment(  # R8
    closing: Closing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ADAPTER_MAX_BODY_BYTES", "3")
    function = closing(lambda_handler(echo))

    statuses = [answer_of(function(HTTP_API.make(body=body))).status for body in ("123", "1234")]
    assert statuses == [200, 413]


@pytest.mark.parametrize("limit", [-1, 1.5, "10"])
def test_a_limit_is_a_number_of_bytes(limit: Any) -> None:
    with pytest.raises(InvalidOption, match="max_body_bytes"):
        lambda_handler(echo, max_body_bytes=limit)


def test_a_body_that_cloudfront_has_cut_is_too_large(closing: Closing) -> None:  # R8
    event = EDGE.make(method="POST", body="the beginn")
    event["Records"][0]["cf"]["request"]["body"]["inputTruncated"] = True

    assert answer_of(closing(lambda_handler(echo))(event)).status == 413


@pytest.fixture
def service(closing: Closing) -> Function:
    app = FastAPI()

    @app.post("/json")
    def take(item: Annotated[Any, Body()]) -> str:
        return type(item).__name__

    @app.post("/request")
    async def parse(request: Request) -> str:
        return type(await request.json()).__name__

    @app.post("/form")
    async def form(name: Annotated[str, Form()]) -> str:
        return name

    return closing(lambda_handler(app))


@fronts()
def test_json_that_is_too_deep_is_the_clients_fault(  # R8
    service: Function,
    front: Front,
) -> None:
    event = front.make(
        method="POST",
        path="/json",
        headers=(("content-type", "application/json"),),
        body="[" * 100_000 + "]" * 100_000,
    )

    assert 400 <= answer_of(service(event)).status < 500
    assert answer_of(service(front.make(path="/missing"))).status == 404


def test_json_that_an_application_reads_itself_crashes_nothing(service: Function) -> None:  # R8
    event = HTTP_API.make(method="POST", path="/request", body="[" * 100_000)

    assert answer_of(service(event)).status in {400, 500}
    assert answer_of(service(HTTP_API.make(path="/missing"))).status == 404


DEEP = {
    "a list": b"[" * 100_000 + b"]" * 100_000,
    "an object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a call": b'{"method": "__call__", "args": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
}


@pytest.mark.parametrize("event", DEEP)
def test_an_event_that_is_too_deep_is_a_function_error_and_the_loop_goes_on(  # R1, R8
    event: str,
) -> None:
    assert b'"errorType"' in posted(echo, DEEP[event])


def multipart(fields: int) -> str:
    part = '--b\r\ncontent-disposition: form-data; name="name"\r\n\r\nx\r\n'
    return part * fields + "--b--\r\n"


@fronts()
def test_a_form_of_too_many_fields_is_the_clients_fault(  # R8
    service: Function,
    front: Front,
) -> None:
    statuses = [
        answer_of(
            service(
                front.make(
                    method="POST",
                    path="/form",
                    headers=(("content-type", "multipart/form-data; boundary=b"),),
                    body=multipart(fields),
                ),
            ),
        ).status
        for fields in (900, 1_100)
    ]

    assert statuses == [200, 400]


@fronts()
def test_a_refusal_of_head_has_no_body(closing: Closing, front: Front) -> None:
    function = closing(lambda_handler(echo, max_body_bytes=LIMIT))
    too_long = function(front.make(method="HEAD", body="x" * (LIMIT + 1)))
    unreadable = function(front.make(method="HEAD", headers=(("host", "a b"),)))

    answers = [answer_of(too_long), answer_of(unreadable)]

    assert [(answer.status, answer.body) for answer in answers] == [(413, b""), (400, b"")]


@fronts()
def test_a_late_answer_to_head_has_no_body(closing: Closing, front: Front) -> None:
    async def stuck(scope: Any, _receive: Any, _send: Any) -> None:
        if scope["type"] == "http":
            await asyncio.Event().wait()

    deadline_ms = int(time.time() * 1000) + 700
    context = SimpleNamespace(aws_request_id="id-1", deadline_ms=deadline_ms)
    answer = answer_of(closing(lambda_handler(stuck))(front.make(method="HEAD"), context))

    assert (answer.status, answer.body) == (504, b"")


def test_header_names_that_take_much_memory_are_not_remembered() -> None:
    def kept(names: list[str]) -> int:
        before = request._keys.cache_info().currsize
        found = request.encoded([(name, "1") for name in names])
        assert [name.decode() for name, _ in found] == names
        return request._keys.cache_info().currsize - before

    assert kept(["x-short", "x-shorter"]) == 1
    assert kept(["x-" + "long" * 600]) == 0
    assert kept([f"x-{number:0100}" for number in range(30)]) == 0
