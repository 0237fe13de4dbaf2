"""The Runtime API as runtimes speak to it, byte by byte where that matters."""

import asyncio
import base64
import contextlib
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from adapter.connection import Connection
from adapter.http1 import MAX_LINE, Response
from adapter.local import posted, runtime_api
from adapter.local.exchange import Exchange
from adapter.local.invocation import MAX_PAYLOAD
from adapter.local.runtime_api import RuntimeApi
from tests.http1_streams import read_head
from tests.local.ended import ended
from tests.local.world import invocation, until

NEXT = "/2018-06-01/runtime/invocation/next"
HANG_UP = {"adapter-hang-up": "cancel"}
MODE = {"lambda-runtime-function-response-mode": "streaming"}


class _Observer:
    """Notes what the API reports."""

    def __init__(self) -> None:
        self.polls = 0
        self.init: Mapping[str, float] = {}
        self.idle = asyncio.Event()
        self.on_waiting: Callable[[], None] = lambda: None
        self.init_error = b""
        self.lost_exchanges: list[Exchange] = []

    def polled(self, init: Mapping[str, float]) -> None:
        self.polls += 1
        self.init = self.init or init

    def waiting(self) -> None:
        self.idle.set()
        self.on_waiting()

    def begin(self, exchange: Exchange) -> int:
        exchange.begin(asyncio.get_running_loop().call_later(60, lambda: None))
        return 1_700_000_000_123

    def lost(self, exchange: Exchange) -> None:
        self.lost_exchanges.append(exchange)

    def init_failed(self, payload: bytes) -> None:
        self.init_error = payload


class _Runtime:
    """The API under test and the connections of a runtime to it."""

    def __init__(self) -> None:
        self.observer = _Observer()
        self.api = RuntimeApi(self.observer)
        self.address = ""
        self._open: list[Connection] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> Connection:
        host, _, port = self.address.partition(":")
        connection = await Connection.open(host, int(port))
        self._open.append(connection)
        return connection

    async def stream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, _, port = self.address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        self._writers.append(writer)
        return reader, writer

    async def next(self) -> Response:
        return await (await self.connect()).request("GET", NEXT, {})

    async def post(
        self,
        exchange: Exchange,
        what: str,
        body: bytes,
        headers: dict[str, str] | None = None,
    ) -> Response:
        path = f"/2018-06-01/runtime/invocation/{exchange.request_id}/{what}"
        return await (await self.connect()).request("POST", path, headers or {}, body)

    async def given(self, event: Any = None) -> Exchange:
        """Hand an invocation to the runtime."""
        exchange = Exchange(invocation(event))
        self.api.deliver(exchange)
        await self.next()
        return exchange

    async def close(self) -> None:
        for connection in self._open:
            connection.close()
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        await self.api.close()


@contextlib.asynccontextmanager
async def _runtime() -> AsyncIterator[_Runtime]:
    runtime = _Runtime()
    runtime.address = await runtime.api.start()
    try:
        yield runtime
    finally:
        await runtime.close()


def _error_type(response: Response) -> tuple[int, str]:
    return response.status, json.loads(response.body)["errorType"]


async def test_next_carries_the_event_and_what_lambda_says_about_it() -> None:
    async with _runtime() as runtime:
        exchange = Exchange(invocation({"a": 1}, client_context='{"custom": {}}'))
        runtime.api.deliver(exchange)
        response = await runtime.next()

    assert (response.status, json.loads(response.body)) == (200, {"a": 1})
    assert response.headers == {
        "content-type": "application/json",
        "content-length": "8",
        "lambda-runtime-aws-request-id": exchange.request_id,
        "lambda-runtime-invocation-id": exchange.invocation_id,
        "lambda-runtime-deadline-ms": "1700000000123",
        "lambda-runtime-invoked-function-arn": exchange.invocation.function_arn,
        "lambda-runtime-trace-id": exchange.invocation.trace_id,
        "lambda-runtime-client-context": '{"custom": {}}',
    }


async def test_empty_headers_are_left_out() -> None:
    async with _runtime() as runtime:
        runtime.api.deliver(Exchange(invocation()))
        response = await runtime.next()

    assert "lambda-runtime-client-context" not in response.headers


async def test_a_waiting_poll_gets_the_next_invocation() -> None:
    async with _runtime() as runtime:
        polling = asyncio.create_task(runtime.next())
        await runtime.observer.idle.wait()
        waiting = runtime.api.waiting
        runtime.api.deliver(Exchange(invocation("hello")))
        response = await polling

    assert waiting
    assert json.loads(response.body) == "hello"


async def test_several_polls_wait_at_once_and_get_one_invocation_each() -> None:
    async with _runtime() as runtime:
        exchanges = [Exchange(invocation(number)) for number in range(3)]
        polls = [asyncio.create_task(runtime.next()) for _ in exchanges]
        for exchange in exchanges:
            runtime.api.deliver(exchange)
        responses = await asyncio.gather(*polls)
        for exchange in exchanges:
            await runtime.post(exchange, "response", exchange.invocation.payload)
        answers = [exchange.answer.payload for exchange in exchanges]

    assert sorted(json.loads(response.body) for response in responses) == [0, 1, 2]
    assert answers == [b"0", b"1", b"2"]


async def test_a_poll_whose_connection_is_gone_gets_nothing() -> None:
    async with _runtime() as runtime:
        reader, writer = await runtime.stream()
        writer.write(f"GET {NEXT} HTTP/1.1\r\n\r\n".encode())
        await runtime.observer.idle.wait()
        writer.close()
        await writer.wait_closed()
        await until(lambda: not runtime.api.waiting)
        exchange = await runtime.given("kept")

    assert reader.at_eof()
    assert exchange.invocation.payload == b'"kept"'


async def test_one_connection_carries_many_invocations() -> None:
    async with _runtime() as runtime:
        connection = await runtime.connect()
        exchanges = [Exchange(invocation(number)) for number in range(3)]
        for exchange in exchanges:
            runtime.api.deliver(exchange)
            await connection.request("GET", NEXT, {})
            path = f"/2018-06-01/runtime/invocation/{exchange.request_id}/response"
            await connection.request("POST", path, {}, b"null")

    assert all(exchange.answer.payload == b"null" for exchange in exchanges)


async def test_a_response_answers_the_invocation() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        headers = {"lambda-runtime-invocation-id": exchange.invocation_id}
        response = await runtime.post(exchange, "response", b'{"ok": true}', headers)
        answer = exchange.answer

    assert response.status == 202
    assert (answer.payload, answer.error_type) == (b'{"ok": true}', None)


async def test_an_error_answers_with_its_type() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        body = b'{"errorType": "KeyError", "errorMessage": "x"}'
        response = await runtime.post(exchange, "error", body)
        answer = exchange.answer

    assert response.status == 202
    assert (answer.payload, answer.error_type) == (body, "KeyError")


async def test_an_error_that_is_no_json_is_unhandled() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        await runtime.post(exchange, "error", b"oops")

    assert exchange.answer.error_type == "Unhandled"


async def test_a_wrong_invocation_id_is_refused_and_the_right_one_still_works() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        wrong = {"lambda-runtime-invocation-id": "another"}
        refused = await runtime.post(exchange, "response", b"1", wrong)
        accepted = await runtime.post(exchange, "response", b"2")

    assert _error_type(refused) == (400, "InvalidInvocationId")
    assert accepted.status == 202
    assert exchange.answer.payload == b"2"


async def test_a_request_id_that_was_never_given_is_refused() -> None:
    async with _runtime() as runtime:
        response = await runtime.post(Exchange(invocation()), "response", b"1")

    assert _error_type(response) == (400, "InvalidRequestID")


async def test_an_answer_after_the_timeout_is_stale() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        runtime.api.expire(exchange)
        response = await runtime.post(exchange, "response", b"1")

    assert _error_type(response) == (410, "ErrorRuntimeInvokeTimeout")
    assert not exchange.ended


async def test_a_second_answer_is_refused() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        await runtime.post(exchange, "response", b"1")
        response = await runtime.post(exchange, "error", b"{}")

    assert _error_type(response) == (403, "InvalidStateTransition")
    assert exchange.answer.payload == b"1"


async def test_past_invocations_are_forgotten_after_a_while() -> None:
    async with _runtime() as runtime:
        first = await runtime.given()
        await runtime.post(first, "response", b"1")
        for _ in range(100):
            await runtime.post(await runtime.given(), "response", b"1")
        response = await runtime.post(first, "response", b"1")

    assert _error_type(response) == (400, "InvalidRequestID")


async def test_a_chunked_response_is_put_together() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        reader, writer = await runtime.stream()
        writer.write(_chunked_head(exchange) + b"3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n")
        head = await read_head(reader)

    assert head is not None
    assert head.status == 202
    assert exchange.answer.payload == b"[1,2]"


@pytest.fixture
def _brief_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process ends here, so there is no news of one to wait for."""
    monkeypatch.setattr(runtime_api, "_LAST_WORDS_S", 0.05)


@pytest.mark.usefixtures("_brief_last_words")
async def test_a_chunked_response_that_is_cut_never_looks_complete() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        _, writer = await runtime.stream()
        writer.write(_chunked_head(exchange) + b"3\r\n[1,\r\n")
        writer.close()
        await ended(exchange)
        answer = exchange.answer

    assert answer.error_type == "Runtime.TruncatedResponse"


@pytest.mark.usefixtures("_brief_last_words")
async def test_a_response_shorter_than_announced_never_looks_complete() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        _, writer = await runtime.stream()
        path = f"/2018-06-01/runtime/invocation/{exchange.request_id}/response"
        writer.write(f"POST {path} HTTP/1.1\r\ncontent-length: 5\r\n\r\n[1]".encode())
        writer.close()
        await ended(exchange)
        answer = exchange.answer

    assert answer.error_type == "Runtime.TruncatedResponse"


async def test_a_response_of_exactly_the_limit_passes() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        response = await runtime.post(exchange, "response", b"x" * MAX_PAYLOAD)

    assert response.status == 202
    assert len(exchange.answer.payload) == MAX_PAYLOAD


async def test_a_response_above_the_limit_is_a_function_error() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        response = await runtime.post(exchange, "response", b"x" * (MAX_PAYLOAD + 1))
        answer = exchange.answer

    assert _error_type(response) == (413, "RequestEntityTooLarge")
    assert json.loads(answer.payload) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size "
        "(6291556 bytes).",
    }


async def test_a_client_that_waits_to_be_told_to_continue_is_told() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        reader, writer = await runtime.stream()
        path = f"/2018-06-01/runtime/invocation/{exchange.request_id}/response"
        head = f"POST {path} HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n"
        writer.write(head.encode())
        interim = await read_head(reader)
        writer.write(b"1")
        final = await read_head(reader)

    assert (interim and interim.status, final and final.status) == (100, 202)


async def test_an_init_error_is_passed_on() -> None:
    async with _runtime() as runtime:
        connection = await runtime.connect()
        path = "/2018-06-01/runtime/init/error"
        response = await connection.request("POST", path, {}, b'{"errorType": "X"}')

    assert response.status == 202
    assert runtime.observer.init_error == b'{"errorType": "X"}'


async def test_a_path_outside_the_api_is_not_found() -> None:
    async with _runtime() as runtime:
        connection = await runtime.connect()
        response = await connection.request("GET", "/2018-06-01/runtime/restore/next", {})

    assert _error_type(response) == (404, "InvalidPath")


async def test_bytes_that_are_no_http_end_the_connection_only() -> None:
    async with _runtime() as runtime:
        reader, writer = await runtime.stream()
        writer.write(b"\x16\x03\x01nonsense\r\n\r\n")
        rest = await reader.read()
        exchange = await runtime.given("still here")

    assert rest == b""
    assert exchange.invocation.payload == b'"still here"'


async def test_close_ends_connections_that_ask_for_nothing() -> None:
    async with _runtime() as runtime:
        await runtime.given()
        await runtime.api.close()
        connection = runtime._open[0]
        with pytest.raises(ConnectionError):
            await connection.request("GET", NEXT, {})


async def test_close_ends_waiting_polls() -> None:
    async with _runtime() as runtime:
        polling = asyncio.create_task(runtime.next())
        await runtime.observer.idle.wait()
        await runtime.api.close()
        (result,) = await asyncio.gather(polling, return_exceptions=True)

    assert isinstance(result, ConnectionError)


async def test_a_stream_reaches_the_caller_while_it_is_written() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        reader, writer = await runtime.stream()
        writer.write(_stream_head(exchange) + b"1\r\na\r\n")
        await exchange.begun()
        pieces = exchange.pieces()
        first = await anext(pieces)
        ended_early = exchange.ended
        writer.write(b"1\r\nb\r\n0\r\n\r\n")
        rest = [piece async for piece in pieces]
        head = await read_head(reader)
        hung_up = (await reader.read()).endswith(b"}")

    assert (exchange.streamed, exchange.content_type) == (True, "text/plain")
    assert (first, ended_early, rest) == (b"a", False, [b"b"])
    assert (exchange.answer.payload, exchange.answer.error_type) == (b"", None)
    assert (head and head.status, hung_up) == (202, True)


async def test_a_stream_with_error_trailers_has_failed() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        reader, writer = await runtime.stream()
        error = base64.b64encode(b'{"errorType": "KeyError"}')
        writer.write(_stream_head(exchange) + b"1\r\na\r\n0\r\n")
        writer.write(b"Lambda-Runtime-Function-Error-Type: Function.KeyError\r\n")
        writer.write(b"Lambda-Runtime-Function-Error-Body: " + error + b"\r\n\r\n")
        await exchange.begun()
        pieces = [piece async for piece in exchange.pieces()]
        head = await read_head(reader)

    assert (pieces, head and head.status) == ([b"a"], 202)
    assert exchange.answer.error_type == "KeyError"
    assert exchange.answer.payload == b'{"errorType": "KeyError"}'


async def test_a_caller_that_takes_nothing_stops_the_runtime_and_memory_stays_flat() -> None:
    piece, count = b"x" * 65536, 2400  # 150 MB
    sent = 0

    async def send(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(count):
            writer.write(b"10000\r\n" + piece + b"\r\n")
            await writer.drain()
            sent += len(piece)
        writer.write(b"0\r\n\r\n")

    async with _runtime() as runtime:
        exchange = await runtime.given()
        _, writer = await runtime.stream()
        writer.write(_stream_head(exchange))
        sending = asyncio.create_task(send(writer))
        await exchange.begun()
        pieces = exchange.pieces()
        await anext(pieces)
        await _stands_still(lambda: sent)
        blocked_at = sent
        tracemalloc.start()
        taken = len(piece) + sum([len(taken) async for taken in pieces])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        await sending

    assert blocked_at < 40 * 1024 * 1024  # what sockets and readers hold
    assert taken == count * len(piece)
    assert peak < 20 * 1024 * 1024


async def test_a_stream_above_the_limit_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posted, "MAX_STREAM", 3)
    async with _runtime() as runtime:
        exchange = await runtime.given()
        reader, writer = await runtime.stream()
        writer.write(_stream_head(exchange) + b"3\r\nabc\r\n1\r\nd\r\n")
        await exchange.begun()
        pieces = [piece async for piece in exchange.pieces()]
        head = await read_head(reader)

    assert (pieces, head and head.status) == ([b"abc"], 413)
    assert exchange.answer.error_type == "Function.ResponseSizeTooLarge"


async def test_a_response_mode_that_is_none_is_refused_and_the_right_one_still_works() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        wrong = {"Lambda-Runtime-Function-Response-Mode": "buffered"}
        refused = await runtime.post(exchange, "response", b"1", wrong)
        accepted = await runtime.post(exchange, "response", b"2")

    assert _error_type(refused) == (400, "Runtime.InvalidResponseModeHeader")
    assert (accepted.status, exchange.answer.payload) == (202, b"2")


@pytest.mark.usefixtures("_brief_last_words")
async def test_a_stream_that_is_cut_never_looks_complete() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        _, writer = await runtime.stream()
        writer.write(_stream_head(exchange) + b"1\r\na\r\n")
        writer.close()
        await exchange.begun()
        pieces = [piece async for piece in exchange.pieces()]

    assert pieces == [b"a"]
    assert exchange.answer.error_type == "Runtime.TruncatedResponse"


async def _taken(runtime: _Runtime, exchange: Exchange) -> Connection:
    """Hand an invocation to a runtime that a lost connection cancels."""
    runtime.api.deliver(exchange)
    connection = await runtime.connect()
    await connection.request("GET", NEXT, HANG_UP)
    return connection


@pytest.mark.usefixtures("_brief_last_words")
async def test_a_runtime_that_hangs_up_on_an_invocation_has_lost_it() -> None:
    async with _runtime() as runtime:
        exchange = Exchange(invocation())
        (await _taken(runtime, exchange)).close()
        await ended(exchange)
        late = await runtime.post(exchange, "response", b"1")

    assert exchange.answer.error_type == "Runtime.ConnectionLost"
    assert late.status == 410
    assert not runtime.api.busy


async def test_a_lost_invocation_may_be_given_up_at_once() -> None:
    async with _runtime() as runtime:
        exchange, answered = Exchange(invocation()), Exchange(invocation())
        (await _taken(runtime, exchange)).close()
        (await _taken(runtime, answered)).close()
        await until(lambda: len(runtime.observer.lost_exchanges) == 2)
        await runtime.post(answered, "response", b"1")
        runtime.api.give_up()
        ended = exchange.ended

    assert ended
    assert exchange.answer.error_type == "Runtime.ConnectionLost"
    assert answered.answer.payload == b"1"


async def test_a_runtime_that_has_lost_its_connection_may_answer_over_another_one() -> None:
    async with _runtime() as runtime:
        exchange = Exchange(invocation())
        (await _taken(runtime, exchange)).close()
        await until(lambda: runtime.observer.lost_exchanges)
        accepted = await runtime.post(exchange, "response", b"1")

    assert (accepted.status, exchange.answer.payload) == (202, b"1")


async def test_an_answer_that_was_cut_off_may_be_sent_again() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        _, writer = await runtime.stream()
        path = f"/2018-06-01/runtime/invocation/{exchange.request_id}/response"
        writer.write(f"POST {path} HTTP/1.1\r\ncontent-length: 5\r\n\r\n[1]".encode())
        writer.close()
        await until(lambda: runtime.observer.lost_exchanges)
        accepted = await runtime.post(exchange, "response", b"[1, 2]")

    assert (accepted.status, exchange.answer.payload) == (202, b"[1, 2]")


async def test_a_lost_connection_means_nothing_where_that_was_not_agreed() -> None:
    async with _runtime() as runtime:
        exchange = Exchange(invocation())
        runtime.api.deliver(exchange)
        connection = await runtime.connect()
        await connection.request("GET", NEXT, {})
        connection.close()
        for _ in range(1000):
            await asyncio.sleep(0)

        assert not exchange.ended
        assert runtime.api.running == 1


@pytest.mark.usefixtures("_brief_last_words")
async def test_who_waits_already_is_told_of_again_when_an_invocation_is_lost() -> None:
    async with _runtime() as runtime:
        exchange = Exchange(invocation())
        (await _taken(runtime, exchange)).close()
        asking = asyncio.create_task(runtime.next())
        await runtime.observer.idle.wait()
        runtime.observer.idle.clear()
        await ended(exchange)
        await runtime.observer.idle.wait()
        runtime.api.deliver(Exchange(invocation("next")))
        response = await asking

    assert response.body == b'"next"'


async def test_a_cut_whose_reason_becomes_known_fails_for_that_reason() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        _, writer = await runtime.stream()
        writer.write(_stream_head(exchange) + b"1\r\na\r\n")
        writer.transport.abort()
        await exchange.begun()
        pieces = exchange.pieces()
        await anext(pieces)
        await until(lambda: runtime.observer.lost_exchanges)
        (unanswered,) = runtime.api.unanswered
        unanswered.fail("Runtime.ExitError", "exit status 3")
        rest = [piece async for piece in pieces]
        await until(lambda: not runtime.api.unanswered)

    assert rest == []
    assert exchange.answer.error_type == "Runtime.ExitError"


async def test_once_a_stream_has_begun_no_other_answer_is_taken() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        _, writer = await runtime.stream()
        writer.write(_stream_head(exchange))
        await exchange.begun()
        refused = [await runtime.post(exchange, what, b"{}") for what in ("error", "response")]
        writer.write(b"0\r\n\r\n")
        await ended(exchange)

    assert [_error_type(one) for one in refused] == [(403, "InvalidStateTransition")] * 2
    assert exchange.answer.error_type is None


async def test_a_stream_that_nobody_wants_any_more_is_read_and_dropped() -> None:
    async with _runtime() as runtime:
        exchange = await runtime.given()
        reader, writer = await runtime.stream()
        writer.write(_stream_head(exchange) + b"1\r\na\r\n")
        await exchange.begun()
        runtime.api.expire(exchange)
        exchange.fail("Sandbox.Timedout", "Task timed out")
        for _ in range(200):
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        during = await read_head(reader)
        late = await runtime.post(exchange, "response", b"1", MODE)

    assert during is not None
    assert during.status == 410
    assert _error_type(late) == (410, "ErrorRuntimeInvokeTimeout")


async def test_a_cancelled_invocation_ends_the_connection_of_a_runtime_that_asked_for_it() -> None:
    async with _runtime() as runtime:
        exchange = Exchange(invocation())
        runtime.api.deliver(exchange)
        connection = await runtime.connect()
        response = await connection.request("GET", NEXT, HANG_UP)
        hung_up = asyncio.Event()
        connection.on_hang_up(hung_up.set)
        runtime.api.cancel(exchange)
        await hung_up.wait()
        late = await runtime.post(exchange, "response", b"1")
        again = await runtime.given("next")

    assert response.headers["adapter-hang-up"] == "cancel"
    assert _error_type(late) == (410, "ErrorRuntimeInvokeTimeout")
    assert again.invocation.payload == b'"next"'


async def test_a_runtime_that_cannot_be_told_of_a_cancellation_answers_to_nobody() -> None:
    async with _runtime() as runtime:
        exchange = Exchange(invocation())
        exchange.on_cancel = lambda: runtime.api.cancel(exchange)
        runtime.api.deliver(exchange)
        connection = await runtime.connect()
        response = await connection.request("GET", NEXT, {})
        exchange.cancel()
        busy = runtime.api.busy
        path = f"/2018-06-01/runtime/invocation/{exchange.request_id}/response"
        accepted = await connection.request("POST", path, {}, b"1")
        busy_later = runtime.api.busy

    assert "adapter-hang-up" not in response.headers
    assert (busy, accepted.status, busy_later) == (True, 202, False)
    assert exchange.answer.error_type == "Sandbox.Cancelled"


async def test_an_answered_invocation_cannot_be_cancelled() -> None:
    async with _runtime() as runtime:
        exchange = Exchange(invocation())
        runtime.api.deliver(exchange)
        connection = await runtime.connect()
        await connection.request("GET", NEXT, HANG_UP)
        await runtime.post(exchange, "response", b"1")
        runtime.api.cancel(exchange)
        runtime.api.deliver(Exchange(invocation("next")))
        response = await connection.request("GET", NEXT, HANG_UP)

    assert response.body == b'"next"'


async def test_a_cancelled_invocation_that_was_not_asked_for_yet_is_never_given() -> None:
    async with _runtime() as runtime:
        exchange = Exchange(invocation("cancelled"))
        runtime.api.deliver(exchange)
        runtime.api.cancel(exchange)
        runtime.api.deliver(Exchange(invocation("wanted")))
        response = await runtime.next()

    assert response.body == b'"wanted"'


async def test_a_waiting_poll_has_its_invocation_as_soon_as_there_is_one() -> None:
    async with _runtime() as runtime:
        polling = asyncio.create_task(runtime.next())
        await runtime.observer.idle.wait()
        exchange = Exchange(invocation("at once"))
        runtime.api.deliver(exchange)
        state = runtime.api.waiting, runtime.api.queued, runtime.api.running, exchange.timer
        response = await polling

    assert state[:3] == (0, 0, 1)
    assert state[3] is not None
    assert response.body == b'"at once"'


async def test_who_is_told_of_a_poll_may_answer_it_at_once() -> None:
    async with _runtime() as runtime:
        exchange = Exchange(invocation("at once"))
        runtime.observer.on_waiting = lambda: runtime.api.deliver(exchange)
        response = await runtime.next()

    assert response.body == b'"at once"'


def _post(exchange: Exchange, body: bytes) -> bytes:
    path = f"/2018-06-01/runtime/invocation/{exchange.request_id}/response"
    return f"POST {path} HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await read_head(reader)
    assert head is not None
    return head.status, await reader.readexactly(int(head.headers["content-length"]))


POLL = f"GET {NEXT} HTTP/1.1\r\n\r\n".encode()


async def test_requests_may_come_byte_by_byte() -> None:
    async with _runtime() as runtime:
        exchange = Exchange(invocation("slow"))
        runtime.api.deliver(exchange)
        reader, writer = await runtime.stream()
        for byte in POLL + _post(exchange, b"[1]"):
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        answers = [await _answer(reader), await _answer(reader)]

    assert [status for status, _ in answers] == [200, 202]
    assert answers[0][1] == b'"slow"'
    assert exchange.answer.payload == b"[1]"


async def test_requests_that_come_at_once_are_answered_one_after_the_other() -> None:
    async with _runtime() as runtime:
        first, second = (Exchange(invocation(number)) for number in range(2))
        reader, writer = await runtime.stream()
        writer.write(POLL + _post(first, b"1" * 1_000_000) + POLL + POLL)  # more than is kept
        await runtime.observer.idle.wait()
        runtime.api.deliver(first)
        answers = [await _answer(reader), await _answer(reader)]
        await until(lambda: runtime.api.waiting)
        polls = runtime.api.waiting
        runtime.api.deliver(second)
        answers.append(await _answer(reader))
        await until(lambda: runtime.api.waiting)

    assert [status for status, _ in answers] == [200, 202, 200]
    assert (answers[0][1], answers[2][1], polls) == (b"0", b"1", 1)
    assert len(first.answer.payload) == 1_000_000


async def test_polls_are_answered_in_the_order_they_came() -> None:
    async with _runtime() as runtime:
        readers: list[asyncio.StreamReader] = []
        for _ in range(2):
            reader, writer = await runtime.stream()
            writer.write(POLL)
            readers.append(reader)
            await until(lambda: runtime.api.waiting == len(readers))
        for number in range(2):
            runtime.api.deliver(Exchange(invocation(number)))
        bodies = [(await _answer(reader))[1] for reader in readers]

    assert bodies == [b"0", b"1"]


async def test_of_two_polls_the_one_whose_runtime_has_gone_gets_nothing() -> None:
    async with _runtime() as runtime:
        _, gone = await runtime.stream()
        gone.write(POLL)
        await until(lambda: runtime.api.waiting == 1)
        reader, writer = await runtime.stream()
        writer.write(POLL)
        await until(lambda: runtime.api.waiting == 2)
        gone.transport.abort()
        await until(lambda: runtime.api.waiting == 1)
        runtime.api.deliver(Exchange(invocation("kept")))
        answer = await _answer(reader)

    assert answer == (200, b'"kept"')


async def test_a_poll_that_says_no_more_will_come_has_hung_up() -> None:
    async with _runtime() as runtime:
        reader, writer = await runtime.stream()
        writer.write(POLL)
        await runtime.observer.idle.wait()
        writer.write_eof()
        rest = await reader.read()
        waiting = runtime.api.waiting

    assert (rest, waiting) == (b"", 0)


async def test_a_head_that_never_ends_ends_the_connection_only() -> None:
    async with _runtime() as runtime:
        reader, writer = await runtime.stream()
        with contextlib.suppress(ConnectionError):
            writer.write(b"GET / HTTP/1.1\r\na: " + b"x" * (MAX_LINE + 300_000))
            await writer.drain()
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        exchange = await runtime.given("still here")

    assert exchange.invocation.payload == b'"still here"'


async def test_a_runtime_that_reads_no_answers_is_not_read_either() -> None:
    sent = 0

    async def send(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(b"GET /nothing HTTP/1.1\r\n\r\n" * 1000)
            await writer.drain()
            sent += 25_000

    async with _runtime() as runtime:
        _, writer = await runtime.stream()
        sending = asyncio.create_task(send(writer))
        await _stands_still(lambda: sent)
        sending.cancel()
        await asyncio.wait({sending})
        writer.transport.abort()

    assert sent < 40 * 1024 * 1024  # what sockets hold


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("imports=151.2;constructor=3;lifespan=12.4", [151.2, 3.0, 12.4]),
        ("imports=fast; =1;;lifespan=12", [12.0]),
        ("", []),
    ],
)
async def test_the_first_poll_tells_how_long_the_parts_of_the_init_took(
    header: str,
    parts: list[float],
) -> None:
    async with _runtime() as runtime:
        runtime.api.deliver(Exchange(invocation()))
        await (await runtime.connect()).request("GET", NEXT, {"adapter-init": header})

    assert list(runtime.observer.init.values()) == parts


async def _stands_still(count: Callable[[], int]) -> None:
    """Wait until a count that grows has stopped to."""
    before = -1
    while count() != before:
        before = count()
        for _ in range(20):
            await asyncio.sleep(0.01)


def _stream_head(exchange: Exchange) -> bytes:
    mode = "lambda-runtime-function-response-mode: streaming\r\ncontent-type: text/plain\r\n"
    return _chunked_head(exchange)[:-2] + mode.encode() + b"\r\n"


def _chunked_head(exchange: Exchange) -> bytes:
    path = f"/2018-06-01/runtime/invocation/{exchange.request_id}/response"
    return f"POST {path} HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n".encode()
