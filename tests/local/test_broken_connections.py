"""HTTP clients that are cut off from the front at every byte, and clients that lie.

Whatever breaks and wherever: no answer is cut and looks complete, no half of a request reaches a
function, no request is served twice, and nothing waits for ever.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import h11
import pytest

from adapter.http.prelude import CONTENT_TYPE
from adapter.local.function_url import UrlIntegration
from adapter.local.http_front import HttpFront, HttpRoute
from adapter.local.invocation import Answer, Invocation, Reply, collected
from tests.faults import Address, Fault, Proxy, proxied
from tests.local.scripted import listening, prelude
from tests.local.world import Records

PATIENCE_S = 60.0


class Function:
    """Answers as the path of an event says: whole, or in pieces, or with a length announced."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def open(self, invocation: Invocation) -> contextlib.AbstractAsyncContextManager[Reply]:
        """See `Invocable`."""
        return self._open(invocation)

    @contextlib.asynccontextmanager
    async def _open(self, invocation: Invocation) -> AsyncIterator["FunctionReply"]:
        event = json.loads(invocation.payload)
        self.events.append(event)
        yield FunctionReply(event["rawPath"].rpartition("/")[2])

    async def invoke(self, invocation: Invocation) -> Answer:
        """See `Invocable`."""
        async with self.open(invocation) as reply:
            return await collected(reply)


class FunctionReply:
    """See `Reply`."""

    content_type = CONTENT_TYPE

    def __init__(self, kind: str) -> None:
        self.streamed = kind != "whole"
        self._kind = kind

    @property
    def answer(self) -> Answer:
        """See `Reply`."""
        whole = json.dumps({"statusCode": 200, "body": "onetwo"}).encode()
        return Answer(payload=b"" if self.streamed else whole)

    async def pieces(self) -> AsyncIterator[bytes]:
        """See `Reply`."""
        length = '{"headers": {"content-length": "6"}}'
        yield prelude(length if self._kind == "length" else "{}")
        yield b"one"
        yield b"two"


@contextlib.asynccontextmanager
async def serving(**faults: Fault) -> AsyncIterator[tuple[Proxy, Function]]:
    """Serve a function over HTTP, behind a proxy."""
    function = Function()
    front = HttpFront(Records().log)
    front.routes = [HttpRoute(prefix="/", name="Echo", function=function)]
    front.urls = {"Echo": UrlIntegration(name="Echo", function=function, streams=True)}
    async with listening(front) as url:
        parts = urlsplit(url)
        async with proxied(Address(str(parts.hostname), parts.port or 0), **faults) as proxy:
            yield proxy, function
    await front.close()


async def ask(proxy: Proxy, request: bytes) -> bytes:
    """Send a request and read until the connection ends, in order or not."""
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(*proxy.address)
        answer = b""
        try:
            writer.write(request)
            while data := await reader.read(65_536):
                answer += data
        except ConnectionError:
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
    return answer


def body_of(answer: bytes) -> bytes | None:
    """Return the body of a response, as a strict client reads it; None where it is not whole."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(answer)
    connection.receive_data(b"")
    body = b""
    try:
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.ConnectionClosed) or event is h11.NEED_DATA:
                return None
            body += bytes(event.data) if isinstance(event, h11.Data) else b""
    except h11.RemoteProtocolError:
        return None
    return body


def request(path: str, version: str, body: str) -> bytes:
    """Write a request: without a body, with one of known length, or with one in chunks."""
    headers = ["Host: a", "Connection: close"]
    data = ""
    if body == "length":
        headers.append("Content-Length: 6")
        data = "abcdef"
    if body == "chunks":
        headers.append("Transfer-Encoding: chunked")
        data = "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"
    method = "POST" if body else "GET"
    return "\r\n".join([f"{method} {path} HTTP/{version}", *headers, "", data]).encode()


PATHS = pytest.mark.parametrize("path", ["/whole", "/length", "/pieces", "/_url/Echo/pieces"])


@PATHS
@pytest.mark.parametrize(
    ("version", "body"),
    [("1.1", ""), ("1.1", "length"), ("1.1", "chunks"), ("1.0", "length")],
)
async def test_half_of_a_request_reaches_no_function(path: str, version: str, body: str) -> None:
    asked = request(path, version, body)
    async with serving() as (proxy, function):
        for limit in range(len(asked)):
            proxy.next(to_server=Fault(limit=limit, reset=limit % 2 == 1))
            assert await ask(proxy, asked) == b""
        assert function.events == []
        whole = await ask(proxy, asked)

    assert body_of(whole) == b"onetwo"
    assert [event.get("body") for event in function.events] == ["YWJjZGVm" if body else None]


@PATHS
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_an_answer_that_is_cut_never_looks_complete(path: str, version: str) -> None:
    asked = request(path, version, "")
    async with serving() as (proxy, function):
        whole = await ask(proxy, asked)
        for limit in range(len(whole)):
            proxy.next(to_client=Fault(limit=limit, reset=limit % 2 == 1))
            assert body_of(await ask(proxy, asked)) is None
        again = await ask(proxy, asked)

    assert body_of(whole) == body_of(again) == b"onetwo"
    assert len(function.events) in (len(whole) + 2, len(whole) + 1)  # not where nothing may pass


@PATHS
@pytest.mark.parametrize(
    "fault",
    [Fault(piece=1), Fault(piece=7, latency_s=0.001), Fault(slow_close_s=0.05)],
)
async def test_slow_connections_change_nothing(path: str, fault: Fault) -> None:
    async with serving(to_server=fault, to_client=fault) as (proxy, function):
        answers = [await ask(proxy, request(path, "1.1", "chunks")) for _ in range(3)]

    assert [body_of(answer) for answer in answers] == [b"onetwo"] * 3
    assert [event["body"] for event in function.events] == ["YWJjZGVm"] * 3


POST = b"POST /whole HTTP/1.1\r\nHost: a\r\n"
GET = b"GET /whole HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        GET + b"A: " + b"x" * 1_000_000 + b"\r\n\r\n",
        GET + b"".join(b"A%d: x\r\n" % number for number in range(100_000)) + b"\r\n",
        b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        GET + b"A: a\x00b\r\n\r\n",
        GET + b"A: a\rb\r\n\r\n",
        GET + b"A b: c\r\n\r\n",
        b"GET /whole HTTP/1.1\r\n\r\n",
        b"GET /wh\x01ole HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /wh\xffole HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: six\r\n\r\nabcdef",
        POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        POST + b"Content-Length: 2, 3\r\n\r\nabc",
        POST + b"Transfer-Encoding: gzip\r\n\r\nabc",
        POST + b"Transfer-Encoding: chunked, gzip\r\n\r\nabc",
        CHUNKED + b"no size\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabc\r\nno size\r\n",
        CHUNKED + b"0" * 1_000_000 + b"\r\n",
    ],
    ids=lambda sent: repr(sent[:60])[2:-1].replace("/", "|"),
)
async def test_what_is_no_request_is_refused_or_cut_and_reaches_no_function(sent: bytes) -> None:
    async with serving() as (proxy, function):
        answer = await ask(proxy, sent)
        after = await ask(proxy, request("/whole", "1.1", ""))

    assert answer[:13] in (b"", b"HTTP/1.1 400 ")
    assert len(function.events) == 1
    assert body_of(after) == b"onetwo"


async def test_what_follows_a_body_is_another_request() -> None:
    async with serving() as (proxy, function):
        answer = await ask(proxy, POST + b"Content-Length: 2\r\n\r\nab, and what is this\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 400 " in answer
    assert [event["body"] for event in function.events] == ["YWI="]


async def test_chunks_count_and_not_a_length_beside_them() -> None:
    both = POST + b"Content-Length: 99\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    async with serving() as (proxy, function):
        await ask(proxy, both + b"3\r\nabc\r\n0\r\n\r\n")

    (event,) = function.events
    assert (event["body"], event["headers"]["content-length"]) == ("YWJj", "3")
    assert "transfer-encoding" not in event["headers"]
