"""A streamed response, byte for byte, as it reaches the Runtime API."""

import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from adapter.function import Function
from adapter.responder import Responder
from adapter.servable import ApplicationServable
from adapter.settings import HttpSettings
from tests import events
from tests.runtime.scripted import PATIENCE_S, serving

MEGABYTE = 1024 * 1024


class Streaming:
    """A handler that gives its responder to a coroutine function."""

    def __init__(self, work: Callable[[Responder], Coroutine[Any, Any, None]]) -> None:
        self._work = work

    def __call__(self, event: Any, context: Any) -> Any:
        raise NotImplementedError

    async def serve(self, _event: Any, _context: Any, responder: Responder) -> None:
        await self._work(responder)


async def one_and_two(responder: Responder) -> None:
    stream = await responder.stream("text/event-stream")
    await stream.write(b"one")
    await stream.write(b"")
    await stream.write(b"twelve bytes")
    await stream.end()


def test_a_stream_is_chunked_and_its_connection_is_closed() -> None:
    async def scenario() -> None:
        async with serving(Streaming(one_and_two)) as (api, _):
            (await api.poll()).give({}, lambda_runtime_invocation_id="attempt-1")
            post = await api.post()
            assert post.head.second == "/2018-06-01/runtime/invocation/id-1/response"
            assert post.received == b"3\r\none\r\nc\r\ntwelve bytes\r\n0\r\n\r\n"
            headers = post.head.headers
            assert headers["lambda-runtime-function-response-mode"] == "streaming"
            assert headers["transfer-encoding"] == "chunked"
            assert headers["connection"] == "close"
            assert headers["content-type"] == "text/event-stream"
            assert headers["lambda-runtime-invocation-id"] == "attempt-1"
            assert headers["trailer"].split(", ") == [
                "lambda-runtime-function-error-type",
                "lambda-runtime-function-error-body",
            ]
            assert "content-length" not in headers
            await api.poll()
            assert api.connections == 2

    asyncio.run(scenario())


def test_an_empty_stream_is_ended() -> None:
    async def nothing(responder: Responder) -> None:
        await (await responder.stream("text/plain")).end()

    async def scenario() -> None:
        async with serving(Streaming(nothing)) as (api, _):
            (await api.poll()).give({})
            assert (await api.post()).received == b"0\r\n\r\n"

    asyncio.run(scenario())


def test_the_first_piece_leaves_before_the_second_is_produced() -> None:  # row 18
    async def scenario() -> None:
        arrived = asyncio.Event()

        async def gated(responder: Responder) -> None:
            stream = await responder.stream("text/plain")
            await stream.write(b"first")
            await arrived.wait()
            await stream.write(b"second")
            await stream.end()

        async with serving(Streaming(gated)) as (api, _):
            (await api.poll()).give({})
            post = await api.post(whole=False)
            await post.until(b"first")
            assert b"second" not in post.received
            arrived.set()
            await post.ended.wait()
            assert b"second" in post.received

    asyncio.run(scenario())


def test_a_failure_in_the_middle_is_told_by_trailers(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(responder: Responder) -> None:
        stream = await responder.stream("text/plain")
        await stream.write(b"one")
        raise LookupError("no second")

    async def scenario() -> None:
        async with serving(Streaming(broken)) as (api, _):
            (await api.poll()).give({})
            post = await api.post()
            head, _, trailers = post.received.partition(b"\r\n0\r\n")
            assert head == b"3\r\none"
            lines = trailers.decode().strip().split("\r\n")
            found = dict(line.split(": ") for line in lines)
            assert found["lambda-runtime-function-error-type"] == "Function.LookupError"
            error = json.loads(base64.b64decode(found["lambda-runtime-function-error-body"]))
            assert (error["errorType"], error["errorMessage"]) == ("LookupError", "no second")
            assert "in broken" in error["stackTrace"][-1]
            await api.poll()

    asyncio.run(scenario())

    assert [record.message for record in caplog.records] == ["LookupError: no second"]


def test_a_slow_reader_slows_the_producer() -> None:
    written = 0

    async def endless(responder: Responder) -> None:
        nonlocal written
        stream = await responder.stream("application/octet-stream")
        for _ in range(150):
            await stream.write(bytes(MEGABYTE))
            written += 1
        await stream.end()

    async def standstill() -> int:
        before = -1
        while before != written or not written:
            before = written
            await asyncio.sleep(0.1)
        return written

    async def scenario() -> None:
        async with serving(Streaming(endless)) as (api, _):
            api.reading.clear()
            (await api.poll()).give({})
            post = await api.post(whole=False)
            assert await standstill() < 50  # what fits into the sockets' buffers
            api.reading.set()
            async with asyncio.timeout(PATIENCE_S):
                await post.ended.wait()
            assert written == 150

    # The scripted end keeps all it gets, so its copying is what takes the time.
    asyncio.run(scenario())


@pytest.mark.parametrize("status", [410, 413])
def test_a_stream_that_is_refused_is_logged_and_the_loop_goes_on(
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        async with serving(Streaming(one_and_two)) as (api, _):
            api.post_status = lambda _post: status
            (await api.poll()).give({})
            await api.post()
            await api.poll()

    asyncio.run(scenario())

    (record,) = caplog.records
    assert f"answered a stream with {status}" in record.message


def test_a_stream_that_is_cut_is_an_os_error_and_the_loop_goes_on() -> None:
    async def scenario() -> None:
        seen: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

        async def endless(responder: Responder) -> None:
            stream = await responder.stream("text/plain")
            try:
                while True:
                    await stream.write(bytes(MEGABYTE))
            except OSError as error:
                seen.set_result(error)
                with pytest.raises(ConnectionError):
                    await stream.write(b"more")
                await stream.end()

        async with serving(Streaming(endless)) as (api, _):
            (await api.poll()).give({})
            (await api.post(whole=False)).writer.transport.abort()
            async with asyncio.timeout(PATIENCE_S):
                await seen
            await api.poll()

    asyncio.run(scenario())


app = FastAPI()


async def numbers() -> AsyncIterator[str]:
    yield "one"
    yield "two"


async def none_then_error() -> AsyncIterator[str]:
    yield str(1 // len(""))  # ZeroDivisionError


async def one_then_error() -> AsyncIterator[str]:
    yield "one"
    raise LookupError("no second")


async def one_then_nothing() -> AsyncIterator[str]:
    yield "one"
    await asyncio.Event().wait()


@app.api_route("/numbers", methods=["GET", "HEAD"])
async def stream_numbers() -> StreamingResponse:
    return StreamingResponse(numbers(), 207, {"x-a": "1"}, media_type="text/plain")


@app.get("/plain")
async def plain() -> dict[str, int]:
    return {"a": 1}


@app.get("/broken")
async def broken() -> StreamingResponse:
    return StreamingResponse(one_then_error(), media_type="text/plain")


@app.get("/broken-at-once")
async def broken_at_once() -> StreamingResponse:
    return StreamingResponse(none_then_error())


@app.get("/too-many-headers")
async def too_many_headers() -> StreamingResponse:
    return StreamingResponse(numbers(), headers={"x-long": "a" * 17_000})


@app.get("/late")
async def late() -> StreamingResponse:
    return StreamingResponse(one_then_nothing())


async def answer_to(event: events.Event, *streams: str, **headers: str) -> tuple[str, bytes]:
    """Return the content type and the unchunked body that an event's answer is posted with."""
    function = Function(
        ApplicationServable(app, HttpSettings(streams=frozenset(streams))),
        asyncio.get_running_loop(),
    )
    await function.start()
    async with serving(function) as (api, _):
        (await api.poll()).give(event, **headers)
        post = await api.post()
        await api.poll()
    await function.stop()
    return post.head.headers["content-type"], post.received


PRELUDE = "application/vnd.awslambda.http-integration-response"


def test_a_function_url_gets_prelude_and_body() -> None:
    content_type, body = asyncio.run(answer_to(events.function_url(path="/numbers"), "url"))

    assert content_type == PRELUDE
    head, _, rest = body.partition(bytes(8))
    assert json.loads(head.partition(b"\r\n")[2]) == {
        "statusCode": 207,
        "headers": {"x-a": "1", "content-type": "text/plain; charset=utf-8"},
    }
    assert rest == b"one\r\n3\r\ntwo\r\n0\r\n\r\n"


def test_a_rest_api_that_streams_gets_prelude_and_body() -> None:
    content_type, body = asyncio.run(answer_to(events.rest_v1(path="/numbers"), "rest"))

    assert content_type == PRELUDE
    assert bytes(8) + b"one" in body


def test_a_whole_response_is_in_the_same_format_for_a_url_that_streams() -> None:
    content_type, body = asyncio.run(answer_to(events.function_url(path="/plain"), "url"))

    assert content_type == PRELUDE
    assert bytes(8) + b'{"a":1}\r\n0\r\n\r\n' in body


@pytest.mark.parametrize("sender", [events.function_url, events.rest_v1, events.http_api])
def test_who_takes_no_stream_gets_a_result(sender: Callable[..., events.Event]) -> None:
    content_type, body = asyncio.run(answer_to(sender(path="/numbers")))

    assert content_type == "application/json"
    assert json.loads(body)["body"] == "onetwo"


def test_the_local_http_api_gets_whole_responses_as_results() -> None:
    assert asyncio.run(answer_to(events.local_http_api(path="/plain"), "http-api"))[0] == (
        "application/json"
    )
    event = events.local_http_api(path="/numbers")
    assert asyncio.run(answer_to(event, "http-api"))[0] == PRELUDE


def test_an_event_that_somebody_else_made_is_answered_as_on_aws() -> None:
    event = events.http_api(path="/numbers")

    assert asyncio.run(answer_to(event, "http-api"))[0] == "application/json"


def test_a_response_without_a_body_is_the_prelude_alone() -> None:
    event = events.function_url(method="HEAD", path="/numbers")

    assert asyncio.run(answer_to(event, "url"))[1].endswith(bytes(8) + b"\r\n0\r\n\r\n")


def test_an_error_before_the_first_piece_is_a_500_for_a_url() -> None:
    event = events.function_url(path="/broken-at-once")

    assert b'"statusCode":500' in asyncio.run(answer_to(event, "url"))[1]


def test_an_error_after_the_first_piece_never_looks_complete() -> None:  # R15
    body = asyncio.run(answer_to(events.function_url(path="/broken"), "url"))[1]

    assert b'"statusCode":200' in body
    assert b"lambda-runtime-function-error-type: Function.LookupError\r\n" in body


def test_headers_above_16_kb_are_a_500_that_says_so(caplog: pytest.LogCaptureFixture) -> None:
    body = asyncio.run(answer_to(events.function_url(path="/too-many-headers"), "url"))[1]

    assert b'"statusCode":500' in body
    assert "room for 16384 (16 KB)" in caplog.text


def test_a_stream_is_broken_off_before_the_deadline(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> bytes:
        event = events.function_url(path="/late")
        deadline = str(int(time.time() * 1000) + 1_000)
        return (await answer_to(event, "url", lambda_runtime_deadline_ms=deadline))[1]

    body = asyncio.run(scenario())

    assert b"one" in body
    assert b"lambda-runtime-function-error-type: Function.TimeoutError\r\n" in body
    assert "after its answer had begun" in caplog.text


def test_a_malformed_event_is_a_400_in_the_streams_format(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    event = events.function_url()
    event["headers"]["host"] = "not a host"

    assert b'"statusCode":400' in asyncio.run(answer_to(event, "url"))[1]
