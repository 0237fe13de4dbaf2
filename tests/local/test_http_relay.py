"""Streamed answers on their way to an HTTP client, over real sockets."""

import asyncio
import contextlib
import http.client
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from adapter.local.function_url import UrlIntegration
from adapter.local.http_front import HttpFront, HttpRoute
from adapter.local.invocation import Answer
from adapter.plan.values import ApiPlan
from tests.local.scripted import Client, Scripted, listening, prelude
from tests.local.world import Records

STATUS_AND_TYPE = '{"statusCode": 201, "headers": {"content-type": "text/event-stream"}}'


@contextlib.asynccontextmanager
async def _front(
    function: Scripted,
    api: ApiPlan | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[str, Records]]:
    records = Records()
    front = HttpFront(records.log, **settings)
    front.routes = [
        HttpRoute(prefix="/", name="Echo", function=function, api=api or ApiPlan()),
    ]
    front.urls = {
        "Echo": UrlIntegration(name="Echo", function=function, streams=True),
        "Whole": UrlIntegration(name="Whole", function=function, streams=False),
    }
    async with listening(front) as url:
        yield url, records
    await front.close()


async def test_each_piece_leaves_before_the_next_one_is_made() -> None:
    function = Scripted()
    async with _front(function) as (url, records), Client.of(url) as client:
        client.ask()
        function.send(prelude(STATUS_AND_TYPE))
        head = await client.head()
        read = []
        for piece in (b"one", b"two"):
            function.send(piece)
            read.append(await client.chunk())
        function.end(duration_ms=12.5, cold=True)
        read.append(await client.chunk())
        (record,) = records.of("invocation")

    assert (head.status, head["content-type"]) == (201, "text/event-stream")
    assert head["transfer-encoding"] == "chunked"
    assert read == [b"one", b"two", b""]
    assert function.finished.is_set()
    assert (record["status"], record["error"], record["cold"]) == ("201", "", True)
    assert (record["streamed"], record["bytes"], record["duration_ms"]) == (True, 6, 12.5)
    assert record["first_byte_ms"] > 0
    assert record["note"] == "an HTTP API buffers this"


async def test_a_prelude_may_come_in_pieces_and_with_the_beginning_of_the_body() -> None:
    function = Scripted()
    data = prelude(STATUS_AND_TYPE, b"body")
    async with _front(function) as (url, _), Client.of(url) as client:
        client.ask()
        function.send(*(data[at : at + 1] for at in range(len(data) - 3)), data[-3:])
        function.end()
        head = await client.head()
        read = await client.chunk() + await client.chunk()

    assert (head.status, read) == (201, b"body")


async def test_headers_and_cookies_arrive_one_by_one() -> None:
    function = Scripted()
    text = '{"multiValueHeaders": {"X-A": ["1", "2"]}, "cookies": ["a=1", "b=2"]}'
    async with _front(function) as (url, _), Client.of(url) as client:
        client.ask()
        function.send(prelude(text))
        function.end()
        head = await client.head()

    names = {"x-a", "set-cookie"}
    assert [pair for pair in head.pairs if pair[0] in names] == [
        ("x-a", "1"),
        ("x-a", "2"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ]


async def test_a_reader_that_does_not_read_slows_the_function() -> None:
    function = Scripted()
    pieces = 400
    async with _front(function) as (url, _), Client.of(url) as client:
        client.ask()
        function.send(prelude(), *[bytes(1024 * 1024)] * pieces)
        await client.head()
        while True:
            before = function.taken
            for _ in range(1000):  # turns of the event loop, in which more would be taken
                await asyncio.sleep(0)
            if function.taken == before:
                break
        stuck_at = function.taken
        for _ in range(pieces):
            await client.chunk()
        function.end()
        end = await client.chunk()

    assert stuck_at < pieces / 2
    assert end == b""


@pytest.mark.parametrize("pieces", [[], [b"some"]])
async def test_a_function_that_fails_in_mid_stream_never_looks_complete(
    pieces: list[bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    function = Scripted()
    async with _front(function) as (url, records), Client.of(url) as client:
        client.ask()
        function.send(prelude(), *pieces)
        await client.head()
        function.fail("Function.KeyError")
        rest = await client.rest()
        (record,) = records.of("invocation")

    assert not rest.endswith(b"0\r\n\r\n")
    assert (record["status"], record["error"]) == ("200", "Function.KeyError")
    assert record["streamed"]
    assert [entry for entry in caplog.records if entry.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("sent", [b"abcd", b"abcde"])
async def test_a_body_of_known_length_is_not_complete_before_the_function_is(sent: bytes) -> None:
    function = Scripted()
    async with _front(function) as (url, _), Client.of(url) as client:
        client.ask()
        function.send(prelude('{"headers": {"content-length": "5"}}'), b"ab", sent[2:])
        head = await client.head()
        function.fail()
        rest = await client.rest()

    assert head["content-length"] == "5"
    assert len(rest) < 5


async def test_a_body_of_known_length_is_sent_with_it() -> None:
    function = Scripted()
    async with _front(function) as (url, _), Client.of(url) as client:
        for _ in range(2):  # and the connection stays usable
            client.ask()
            function.send(prelude('{"headers": {"content-length": "5"}}'), b"ab", b"", b"cde")
            function.end()
            head = await client.head()
            body = await client.reader.readexactly(5)

    assert (head["content-length"], body) == ("5", b"abcde")
    assert "transfer-encoding" not in head


@pytest.mark.parametrize(("pieces", "reason"), [([b"abcdef"], "longer"), ([b"abcd"], "4 bytes")])
async def test_a_body_of_another_length_than_announced_is_cut_and_explained(
    pieces: list[bytes],
    reason: str,
) -> None:
    function = Scripted()
    async with _front(function) as (url, records), Client.of(url) as client:
        client.ask()
        function.send(prelude('{"headers": {"content-length": "5"}}'), *pieces)
        function.end()
        await client.head()
        rest = await client.rest()
        (problem,) = records.of("malformed result")
        (record,) = records.of("invocation")

    assert len(rest) < 5
    assert reason in problem["reason"]
    assert record["error"] == "malformed result"


def _read_with_http_client(url: str) -> bytes:
    parts = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(str(parts.hostname), parts.port)) as client:
        client.request("GET", "/")
        return client.getresponse().read()


@pytest.mark.parametrize("text", ["{}", '{"headers": {"content-length": "50"}}'])
async def test_a_client_library_reports_a_broken_response(text: str) -> None:
    function = Scripted()
    function.send(prelude(text), b"some")
    function.fail()
    async with _front(function) as (url, _):
        with pytest.raises(http.client.IncompleteRead):
            await asyncio.to_thread(_read_with_http_client, url)


@pytest.mark.parametrize("pieces", [[], [b"{}"], [b"{}" + bytes(7)]])
async def test_a_failure_before_the_first_byte_is_an_internal_server_error(
    pieces: list[bytes],
) -> None:
    function = Scripted()
    function.send(*pieces)
    function.fail("Function.KeyError")
    async with _front(function) as (url, records), Client.of(url) as client:
        client.ask()
        head = await client.head()
        body = await client.reader.readexactly(int(head["content-length"]))
        (record,) = records.of("invocation")

    assert (head.status, body) == (500, b'{"message": "Internal Server Error"}')
    assert (record["error"], record["streamed"]) == ("Function.KeyError", False)


@pytest.mark.parametrize("data", [b"no json" + bytes(8), b"x" * 20_000, b"{}"])
async def test_a_malformed_prelude_is_an_internal_server_error_and_explained(data: bytes) -> None:
    function = Scripted()
    function.send(data)
    function.end()
    async with _front(function) as (url, records), Client.of(url) as client:
        client.ask()
        head = await client.head()
        (problem,) = records.of("malformed result")

    assert head.status == 500
    assert "prelude" in problem["reason"] or "delimiter" in problem["reason"]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_what_has_no_body_ends_cleanly(method: str, status: int) -> None:
    function = Scripted()
    async with _front(function) as (url, _), Client.of(url) as client:
        client.ask(method=method)
        function.send(prelude(f'{{"statusCode": {status}}}', b"dropped"))
        function.end()
        first = await client.head()
        client.ask()
        function.send(prelude('{"statusCode": 202}'))
        function.end()
        second = await client.head()

    assert (first.status, second.status) == (status, 202)
    assert function.finished.is_set()


async def test_head_says_the_length_that_the_function_announced() -> None:
    function = Scripted()
    function.send(prelude('{"headers": {"content-length": "5"}}'))
    function.end()
    async with _front(function) as (url, _), Client.of(url) as client:
        client.ask(method="HEAD")
        head = await client.head()

    assert head["content-length"] == "5"


async def test_a_client_of_http_1_0_gets_the_response_whole_or_not_at_all() -> None:
    function = Scripted()
    async with _front(function) as (url, records):
        async with Client.of(url) as client:
            client.ask(version="1.0")
            function.send(prelude(), b"one", b"two")
            function.end()
            whole = await client.rest()
        async with Client.of(url) as client:
            client.ask(version="1.0")
            function.send(prelude(), b"one")
            function.fail()
            broken = await client.rest()

    assert whole.endswith(b"\r\n\r\nonetwo")
    assert b"content-length: 6\r\n" in whole.lower()
    assert broken.startswith(b"HTTP/1.1 500 ")
    assert [record["streamed"] for record in records.of("invocation")] == [False, False]


async def test_a_client_that_hangs_up_before_the_answer_cancels_the_invocation() -> None:
    function = Scripted()
    function.opened.clear()
    async with _front(function) as (url, records), Client.of(url) as client:
        client.ask("/slow")
        await function.entered.wait()
        client.hang_up()
        await function.cancelled.wait()
        (record,) = await records.wait_for("invocation")

    assert (record["label"], record["status"]) == ("GET /slow", "499")
    assert (record["error"], record["streamed"]) == ("client hung up", False)
    assert record["duration_ms"] > 0


async def test_a_client_that_hangs_up_in_mid_stream_cancels_the_invocation() -> None:
    function = Scripted()
    async with _front(function) as (url, records), Client.of(url) as client:
        client.ask()
        function.send(prelude(), b"some")
        await client.head()
        await client.chunk()
        client.hang_up()
        await function.cancelled.wait()
        (record,) = await records.wait_for("invocation")

    assert (record["status"], record["streamed"], record["bytes"]) == ("499", True, 4)


@pytest.mark.parametrize("begun", [False, True], ids=["before the answer", "in mid-stream"])
@pytest.mark.parametrize(("said", "heeded"), [("?1", True), ("?0", False), ("1", False)])
async def test_a_client_may_hang_up_without_cancelling_anything(
    said: str,
    *,
    heeded: bool,
    begun: bool,
) -> None:
    function = Scripted()
    if not begun:
        function.opened.clear()
    async with _front(function) as (url, records):
        async with Client.of(url) as client:
            client.ask("/", f"X-Request-Disconnect-Disabled: {said}")
            await function.entered.wait()
            if begun:
                function.send(prelude(), b"some")
                await client.head()
                await client.chunk()
            client.hang_up()
        async with Client.of(url) as other:  # when it is answered the front knows who has left
            other.ask("/_url/nobody")
            await other.head()
        function.opened.set()
        function.send(*(() if begun else (prelude(),)), b"more")
        function.end()
        await (function.finished if heeded else function.cancelled).wait()
        (record,) = [
            found for found in await records.wait_for("invocation", 2) if found["status"] != "404"
        ]

    assert record["status"] == ("200" if heeded else "499")
    assert function.cancelled.is_set() is not heeded


async def test_the_limit_of_an_http_api_ends_with_the_beginning_of_a_stream() -> None:
    function = Scripted()
    async with _front(function, integration_timeout_s=0.05) as (url, _), Client.of(url) as client:
        client.ask()
        function.send(prelude())
        head = await client.head()
        await asyncio.sleep(0.2)  # longer than the limit
        function.send(b"late")
        chunk = await client.chunk()
        function.end()

    assert (head.status, chunk) == (200, b"late")


async def test_what_begins_too_late_runs_to_its_end_for_nobody() -> None:
    function = Scripted()
    function.opened.clear()
    async with _front(function, integration_timeout_s=0.05) as (url, records):
        async with Client.of(url) as client:
            client.ask()
            head = await client.head()
        function.opened.set()
        function.send(prelude(), b"some")
        function.end()
        await function.finished.wait()
        (record,) = records.of("invocation")

    assert (head.status, record["error"]) == (503, "integration timeout")
    assert not function.cancelled.is_set()


async def test_a_stream_of_another_kind_is_no_response_of_an_http_api() -> None:
    function = Scripted(content_type="application/x-ndjson")
    async with _front(function) as (url, records), Client.of(url) as client:
        client.ask()
        function.send(b'{"item": 1}\n')
        function.end()
        head = await client.head()
        (problem,) = records.of("malformed result")

    assert head.status == 500
    assert "application/x-ndjson" in problem["reason"]


async def test_as_deployed_an_http_api_wants_the_whole_answer() -> None:
    function = Scripted(content_type="application/json")
    async with _front(function, as_deployed=True) as (url, records), Client.of(url) as client:
        client.ask()
        function.send(b'{"statusCode": 2', b'01, "body": "whole"}')
        function.end()
        head = await client.head()
        body = await client.reader.readexactly(int(head["content-length"]))
        (record,) = records.of("invocation")

    assert (head.status, body) == (201, b"whole")
    assert not record["streamed"]


async def test_as_deployed_the_streaming_format_is_no_response_of_an_http_api() -> None:
    function = Scripted()
    function.send(prelude())
    function.end()
    async with _front(function, as_deployed=True) as (url, _), Client.of(url) as client:
        client.ask()
        head = await client.head()

    assert head.status == 500


async def test_as_deployed_a_rest_api_streams_without_a_limit_of_30_seconds() -> None:
    function = Scripted()
    rest = ApiPlan(kind="rest")
    async with (
        _front(function, rest, as_deployed=True, integration_timeout_s=0) as (url, records),
        Client.of(url) as client,
    ):
        client.ask()
        function.send(prelude(STATUS_AND_TYPE))
        head = await client.head()
        function.send(b"one")
        read = await client.chunk()
        function.end()
        await client.chunk()
        (record,) = records.of("invocation")

    assert (head.status, read) == (201, b"one")
    assert (record["streamed"], record["note"]) == (True, "")


async def test_a_url_streams_with_a_path_of_its_own() -> None:
    function = Scripted()
    async with _front(function, integration_timeout_s=0) as (url, records):  # no limit of a URL's
        async with Client.of(url) as client:
            client.ask("/_url/Echo/a%20b/c?x=1")
            await function.entered.wait()
            function.send(prelude(), b"some")
            await client.head()
            chunk = await client.chunk()
            function.end()
            await client.chunk()
        (record,) = records.of("invocation")

    assert chunk == b"some"
    assert (function.events[0]["rawPath"], function.events[0]["rawQueryString"]) == (
        "/a%20b/c",
        "x=1",
    )
    assert (record["function"], record["label"]) == ("Echo", "GET /_url/Echo/a b/c")
    assert (record["streamed"], record["note"]) == (True, "")


async def test_a_url_passes_other_streams_on_as_they_are() -> None:
    function = Scripted(content_type="application/x-ndjson")
    async with _front(function) as (url, _), Client.of(url) as client:
        client.ask("/_url/Echo")
        function.send(b"1\n")
        head = await client.head()
        chunk = await client.chunk()
        function.end()

    assert (head.status, head["content-type"], chunk) == (200, "application/x-ndjson", b"1\n")


async def test_a_url_that_streams_does_not_interpret_a_whole_answer() -> None:
    answer = Answer(payload=b'{"statusCode": 404}')
    async with _front(Scripted(answer)) as (url, _), Client.of(url) as client:
        client.ask("/_url/Echo")
        head = await client.head()
        body = await client.reader.readexactly(int(head["content-length"]))

    assert (head.status, body) == (200, b'{"statusCode": 404}')


async def test_a_url_that_buffers_interprets_it() -> None:
    answer = Answer(payload=b'{"statusCode": 404, "body": "x"}')
    async with _front(Scripted(answer)) as (url, _), Client.of(url) as client:
        client.ask("/_url/Whole")
        head = await client.head()

    assert (head.status, head["content-type"]) == (404, "application/json")


@pytest.mark.parametrize("name", ["Echo", "Whole"])
async def test_a_url_says_bad_gateway_where_the_function_failed(name: str) -> None:
    answer = Answer(payload=b"{}", error_type="KeyError")
    async with _front(Scripted(answer)) as (url, records), Client.of(url) as client:
        client.ask(f"/_url/{name}")
        head = await client.head()
        body = await client.reader.readexactly(int(head["content-length"]))
        (record,) = records.of("invocation")

    assert (head.status, body) == (502, b"Internal Server Error")
    assert record["error"] == "KeyError"


@pytest.mark.parametrize("path", ["/_url/Nobody/x", "/_url/", "/_url//"])
async def test_a_url_that_does_not_exist_is_not_found(path: str) -> None:
    function = Scripted()
    async with _front(function) as (url, records), Client.of(url) as client:
        client.ask(path)
        head = await client.head()
        body = await client.reader.readexactly(int(head["content-length"]))
        (record,) = records.of("invocation")

    assert (head.status, record["status"]) == (404, "404")
    assert b"with a URL is served" in body
    assert function.events == []


@pytest.mark.parametrize(
    ("path", "status"), [("/_url/Echo", 429), ("/_url/Whole", 429), ("/", 503)]
)
async def test_above_the_reserved_concurrency_each_front_refuses_in_its_way(
    path: str,
    status: int,
) -> None:
    function = Scripted()
    function.throttled = True
    async with _front(function) as (url, records), Client.of(url) as client:
        client.ask(path)
        head = await client.head()
        (record,) = records.of("invocation")

    assert (head.status, record["error"]) == (status, "TooManyRequestsException")


async def test_a_request_that_is_too_large_for_a_url_is_refused() -> None:
    function = Scripted()
    async with _front(function) as (url, _), Client.of(url) as client:
        client.writer.write(
            b"POST /_url/Echo HTTP/1.1\r\nHost: x\r\nContent-Length: 7000000\r\n\r\n"
        )
        client.writer.write(bytes(7_000_000))
        head = await client.head()

    assert head.status == 413
    assert function.events == []
