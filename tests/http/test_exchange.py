import asyncio
import logging
from typing import Any

import pytest

from adapter.http.exchange import Exchange

START = {"type": "http.response.start", "status": 201, "headers": [(b"a", b"1"), (b"a", b"2")]}
SERVER_ERROR = {
    "status": 500,
    "headers": [(b"content-type", b"text/plain; charset=utf-8")],
    "body": b"Internal Server Error",
}


def run(app: Any, method: str = "GET", body: bytes = b"") -> dict[str, Any]:
    answers: list[dict[str, Any]] = []

    async def answer(response: dict[str, Any]) -> None:
        answers.append(response)

    asyncio.run(Exchange({"type": "http", "method": method}, body, answer).run(app))
    (response,) = answers
    return response


def sending(*messages: dict[str, Any]) -> Any:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def test_response_is_collected() -> None:
    more = {"type": "http.response.body", "body": b"one ", "more_body": True}
    app = sending(START, more, {"type": "http.response.body", "body": b"two"})

    assert run(app) == {"status": 201, "headers": [(b"a", b"1"), (b"a", b"2")], "body": b"one two"}


def test_headers_and_body_may_be_left_out() -> None:
    app = sending({"type": "http.response.start", "status": 204}, {"type": "http.response.body"})

    assert run(app) == {"status": 204, "headers": [], "body": b""}


def test_answer_to_head_has_no_body() -> None:
    app = sending(START, {"type": "http.response.body", "body": b"hidden"})

    assert run(app, "HEAD")["body"] == b""


def test_application_gets_the_body_and_then_the_disconnect() -> None:
    received = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        received.append(await receive())
        await sending(START, {"type": "http.response.body"})(scope, receive, send)
        received.append(await receive())

    run(app, body=b"body")

    assert received == [
        {"type": "http.request", "body": b"body", "more_body": False},
        {"type": "http.disconnect"},
    ]


def test_disconnect_waits_for_the_response() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        disconnect = asyncio.create_task(receive())
        await asyncio.sleep(0)
        assert not disconnect.done()
        await sending(START, {"type": "http.response.body"})(scope, receive, send)
        assert await disconnect == {"type": "http.disconnect"}

    assert run(app)["status"] == 201


def failing_before() -> Any:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        raise LookupError("broken")

    return app


def failing_between() -> Any:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        raise LookupError("broken")

    return app


@pytest.mark.parametrize(
    ("app", "logged"),
    [
        (failing_before(), "the application failed"),
        (failing_between(), "the application failed"),
        (sending(), "the application returned without completing its response"),
        (sending(START), "the application returned without completing its response"),
        (
            sending(START, {"type": "http.response.body", "more_body": True}),
            "the application returned without completing its response",
        ),
        (sending({"type": "http.response.body"}), "the application failed"),
        (sending(START, START), "the application failed"),
        (sending({"type": "websocket.accept"}), "the application failed"),
        (sending({"status": 200}), "the application failed"),
        (sending({**START, "headers": [("a", "1")]}), "the application failed"),
    ],
)
def test_application_that_does_not_answer_is_a_logged_500(
    app: Any,
    logged: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert run(app) == SERVER_ERROR
    assert [record.message for record in caplog.records] == [logged]
    assert caplog.records[0].levelno == logging.ERROR


def test_error_after_the_response_is_logged_and_the_response_stands(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await sending(START, {"type": "http.response.body", "body": b"done"})(scope, receive, send)
        raise LookupError("in a background task")

    assert run(app)["body"] == b"done"
    assert [record.message for record in caplog.records] == ["the application failed"]


def test_message_after_the_response_is_refused() -> None:
    last = {"type": "http.response.body", "body": b"done"}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await sending(START, last)(scope, receive, send)
        with pytest.raises(RuntimeError, match=r"'http\.response\.body' is not allowed in state"):
            await send(last)

    assert run(app)["body"] == b"done"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_exit_is_no_answer(error: type[BaseException]) -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        raise error

    with pytest.raises(error):
        run(app)


def test_the_answer_leaves_before_the_application_goes_on() -> None:
    order: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await sending(START, {"type": "http.response.body"})(scope, receive, send)
        order.append("background work")

    async def answer(_response: dict[str, Any]) -> None:
        order.append("answer")

    asyncio.run(Exchange({"type": "http", "method": "GET"}, b"", answer).run(app))

    assert order == ["answer", "background work"]
