"""Responses that are held back until the application has ended, and others at the edge of one."""

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from adapter.errors import UnsupportedEvent
from adapter.function import Function, lambda_handler
from tests.http.applications import Headers, answering, sending
from tests.http.fronts import EDGE, HTTP_API, REST, answer_of

Closing = Callable[[Function], Function]


def start(status: int, headers: Headers | None = None) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": headers or []}


def body(data: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def test_a_held_answer_to_head_leaves_though_its_body_is_not_wanted(closing: Closing) -> None:
    app = sending(start(503), body(b"one", more=True), body(b"two"))
    event = HTTP_API.make(method="HEAD")

    assert answer_of(closing(lambda_handler(app, raise_errors=True))(event)).status == 503


def test_a_held_answer_is_followed_by_the_disconnect(closing: Closing) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(start(500))
        await send(body(b"down"))
        assert (await receive())["type"] == "http.disconnect"

    function = closing(lambda_handler(app, lifespan="off", raise_errors=True))

    assert answer_of(function(HTTP_API.make())).body == b"down"


def test_a_held_answer_leaves_at_the_deadline(closing: Closing) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start(503))
        await send(body(b"down"))
        await asyncio.Event().wait()

    function = closing(lambda_handler(app, lifespan="off", raise_errors=True))
    deadline_ms = int(time.time() * 1000) + 300
    context = SimpleNamespace(
        aws_request_id="id-1",
        get_remaining_time_in_millis=lambda: deadline_ms - int(time.time() * 1000),
    )
    collected: list[Any] = []

    class Responder:
        answered = streams = False

        async def respond(self, result: Any) -> None:
            self.answered = True
            collected.append(result)

    with pytest.raises(TimeoutError):
        function.complete(function.serve(HTTP_API.make(), context, Responder()))  # type: ignore[arg-type]  # nothing is streamed
    assert [answer_of(result).status for result in collected] == [503]


@pytest.mark.parametrize("header", [(b"x-count", 0), (b"x-list", []), ("x-text", "a")])
def test_a_header_that_is_no_bytes_is_a_500(closing: Closing, header: Any) -> None:
    app = answering(b"ok", headers=[header])

    assert answer_of(closing(lambda_handler(app))(HTTP_API.make())).status == 500


def test_an_answer_without_a_body_announces_no_length(closing: Closing) -> None:
    app = answering(status=204, headers=[(b"content-length", b"5")])

    assert "content-length" not in answer_of(closing(lambda_handler(app))(REST.make())).headers


def test_the_names_of_headers_count(closing: Closing) -> None:
    event = EDGE.make()
    event["Records"][0]["cf"]["config"]["eventType"] = "viewer-request"
    headers = [(b"x-%098d" % number, b"1") for number in range(400)]

    answer = answer_of(closing(lambda_handler(answering(b"ok", headers=headers)))(event))

    assert answer.status == 500


@pytest.mark.parametrize(
    "event",
    [
        {**REST.make(), "type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-west-1:1:a/b"},
        {**HTTP_API.make(), "type": "REQUEST", "routeArn": "arn:aws:execute-api:eu-west-1:1:a/b"},
        {"Records": [{"cf": {"request": {"method": "GET"}, "response": {"status": "200"}}}]},
    ],
)
def test_what_only_looks_like_a_request_is_a_named_error(closing: Closing, event: Any) -> None:
    with pytest.raises(UnsupportedEvent):
        closing(lambda_handler(answering(b"ok")))(event)
