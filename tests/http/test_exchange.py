import asyncio
import logging
from typing import Any

import pytest

from adapter.http.exchange import Exchange
from adapter.http.response import Response
from adapter.responder import ResponseStream

Headers = list[tuple[bytes, bytes]]
START = {"type": "http.response.start", "status": 201, "headers": [(b"a", b"1"), (b"a", b"2")]}
SERVER_ERROR = {
    "status": 500,
    "headers": [(b"content-type", b"text/plain; charset=utf-8")],
    "body": b"Internal Server Error",
}


class Recorded:
    """A destination, and the streams it gives, that keep in order what happens to them."""

    def __init__(self, *, streams: bool = False, gone_after: int | None = None) -> None:
        self.streams = streams
        self.happened: list[Any] = []
        self._gone_after = gone_after

    async def answer(self, response: Response) -> None:
        self.happened.append(response)

    async def stream(self, status: int, headers: Headers) -> ResponseStream:
        self.happened.append((status, headers))
        return self

    async def write(self, data: bytes) -> None:
        if self._gone_after is not None and len(self.happened) > self._gone_after:
            raise ConnectionResetError
        self.happened.append(data)

    async def end(self) -> None:
        self.happened.append("end")

    async def fail(self, error: BaseException) -> None:
        self.happened.append(repr(error))


def exchange(destination: Recorded, method: str = "GET", body: bytes = b"") -> Exchange:
    return Exchange({"type": "http", "method": method, "path": "/"}, body, destination)


def run(app: Any, method: str = "GET", body: bytes = b"") -> dict[str, Any]:
    destination = Recorded()
    asyncio.run(exchange(destination, method, body).run(app))
    response: dict[str, Any]
    (response,) = destination.happened
    return response


def streamed(app: Any, method: str = "GET", gone_after: int | None = None) -> list[Any]:
    destination = Recorded(streams=True, gone_after=gone_after)
    asyncio.run(exchange(destination, method).run(app))
    return destination.happened


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
        await asyncio.sleep(0)  # it begins to wait
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
        (
            sending({**START, "headers": [("a", "1")]}),
            "the response of GET / cannot be sent: headers must be pairs of bytes: [('a', '1')]",
        ),
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
    destination = Recorded()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await sending(START, {"type": "http.response.body"})(scope, receive, send)
        destination.happened.append("background work")

    asyncio.run(exchange(destination).run(app))

    assert destination.happened[-1] == "background work"
    assert destination.happened[0]["status"] == 201


def more(data: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": True}


LAST = {"type": "http.response.body", "body": b"last"}
HEAD = (201, [(b"a", b"1"), (b"a", b"2")])


def test_a_body_in_pieces_is_sent_on_piece_by_piece() -> None:
    assert streamed(sending(START, more(b"one"), more(b"two"), LAST)) == [
        HEAD,
        b"one",
        b"two",
        b"last",
        "end",
    ]


def test_a_piece_leaves_before_the_next_is_produced() -> None:
    destination = Recorded(streams=True)

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        assert destination.happened == []  # ASGI: nothing before the first body message
        await send(more(b"one"))
        assert destination.happened == [HEAD, b"one"]
        await send(LAST)

    asyncio.run(exchange(destination).run(app))

    assert destination.happened[-1] == "end"


def test_a_body_in_one_piece_is_a_whole_answer_where_streams_are_taken_too() -> None:
    (response,) = streamed(sending(START, LAST))

    assert response["body"] == b"last"


def test_a_failure_before_the_first_piece_is_an_ordinary_500() -> None:
    assert streamed(failing_between()) == [SERVER_ERROR]


def test_a_failure_after_the_first_piece_breaks_the_stream_off() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await sending(START, more(b"one"))(scope, receive, send)
        raise LookupError("broken")

    assert streamed(app) == [HEAD, b"one", "LookupError('broken')"]


def test_a_body_that_is_not_completed_breaks_the_stream_off() -> None:
    happened = streamed(sending(START, more(b"one")))

    assert happened[:2] == [HEAD, b"one"]
    assert "without completing" in happened[2]


def test_a_reader_who_has_gone_is_an_os_error_for_the_application(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)
        await send(more(b"one"))
        for _ in range(2):
            with pytest.raises(OSError):  # noqa: PT011 - ASGI says no more than OSError
                await send(more(b"two"))
        assert await receive() == {"type": "http.disconnect"}
        raise ConnectionAbortedError("as Starlette does then")

    assert streamed(app, gone_after=1) == [HEAD, b"one"]
    assert not caplog.records


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_a_body_that_may_not_be_is_not_sent_and_does_not_run_on(method: str, status: int) -> None:
    start = {"type": "http.response.start", "status": status, "headers": []}

    async def endless(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start)
        while True:
            await send(more(b"hidden"))

    assert streamed(endless, method) == [{"status": status, "headers": [], "body": b""}]


def test_giving_up_answers_in_the_applications_place() -> None:
    destination = Recorded()

    async def scenario() -> None:
        one = exchange(destination)
        running = asyncio.create_task(one.run(sending(START, LAST)))
        await one.give_up(SERVER_ERROR)
        await running

    asyncio.run(scenario())

    assert destination.happened == [SERVER_ERROR]


class SlowToOpen(Recorded):
    """A destination whose streams open when they are let; a cancellation is too late for some."""

    def __init__(self, *, heeds: bool) -> None:
        super().__init__(streams=True)
        self.opening = asyncio.Event()
        self.let = asyncio.Event()
        self._heeds = heeds

    async def stream(self, status: int, headers: Headers) -> ResponseStream:
        self.opening.set()
        opened = asyncio.ensure_future(self.let.wait())
        while not opened.done():
            try:
                await asyncio.shield(opened)
            except asyncio.CancelledError:
                if self._heeds:
                    opened.cancel()
                    raise
        return await super().stream(status, headers)


@pytest.mark.parametrize(
    ("heeds", "happened"),
    [(False, [HEAD, "TimeoutError('Internal Server Error')"]), (True, [SERVER_ERROR])],
)
def test_giving_up_while_a_stream_is_being_opened_answers_once(
    *,
    heeds: bool,
    happened: list[Any],
) -> None:
    destination = SlowToOpen(heeds=heeds)

    async def scenario() -> None:
        one = exchange(destination)
        running = asyncio.create_task(one.run(sending(START, more(b"one"), LAST)))
        await destination.opening.wait()
        running.cancel()
        giving_up = asyncio.create_task(one.give_up(SERVER_ERROR))
        await asyncio.sleep(0)
        destination.let.set()
        await giving_up
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())

    assert destination.happened == happened


def test_a_failure_while_a_stream_is_being_opened_breaks_it_off() -> None:
    destination = SlowToOpen(heeds=True)
    sent: list[asyncio.Task[None]] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        sent.append(asyncio.create_task(send(more(b"one"))))
        await destination.opening.wait()
        asyncio.get_running_loop().call_soon(destination.let.set)
        raise LookupError("broken")

    async def scenario() -> None:
        await exchange(destination).run(app)
        await asyncio.wait(sent)
        sent[0].exception()

    asyncio.run(scenario())

    assert destination.happened[0] == HEAD
    assert destination.happened[-1] == "LookupError('broken')"
    assert SERVER_ERROR not in destination.happened


def test_a_stream_that_cannot_be_opened_is_an_ordinary_500() -> None:
    class Closed(Recorded):
        async def stream(self, status: int, headers: Headers) -> ResponseStream:
            raise ConnectionError(f"nobody there for {status} and {headers}")

    destination = Closed(streams=True)
    asyncio.run(exchange(destination).run(sending(START, more(b"one"), LAST)))

    assert destination.happened == [SERVER_ERROR]


def test_a_piece_that_is_sent_while_the_stream_is_being_opened_is_refused() -> None:
    destination = SlowToOpen(heeds=True)

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(START)
        first = asyncio.create_task(send(more(b"one")))
        await destination.opening.wait()
        with pytest.raises(RuntimeError, match="not allowed in state OPENING"):
            await send(more(b"two"))
        destination.let.set()
        await first
        await send(LAST)

    asyncio.run(exchange(destination).run(app))

    assert destination.happened == [HEAD, b"one", b"last", "end"]
