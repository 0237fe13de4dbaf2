"""Ports and the server behind them."""

import asyncio
import contextlib
import signal
import socket
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from adapter.errors import LocalError
from adapter.local.asgi import BrokenResponseError, read_body, respond
from adapter.local.listener import Listener, Together, bind, url_of
from tests.local.scripted import Client, listening


def _application(text: bytes) -> ASGIApp:
    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await respond(send, 200, [], text)

    return application


async def test_each_port_has_its_application() -> None:
    first, second = bind("127.0.0.1", 0, "--port"), bind("127.0.0.1", 0, "--lambda-port")
    listener = Listener({first: _application(b"one"), second: _application(b"two")})
    listener.start()
    async with httpx2.AsyncClient() as client:
        texts = [(await client.get(url_of(bound))).text for bound in (first, second)]
    await listener.stop()

    assert texts == ["one", "two"]


async def test_stopping_closes_the_ports() -> None:
    bound = bind("127.0.0.1", 0, "--port")
    port = bound.getsockname()[1]
    listener = Listener({bound: _application(b"")})
    listener.start()
    await listener.stop()

    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_signals_stay_with_whoever_runs_the_server() -> None:
    before = signal.getsignal(signal.SIGTERM)
    listener = Listener({bind("127.0.0.1", 0, "--port"): _application(b"")})
    listener.start()
    await asyncio.sleep(0)  # its task begins
    during = signal.getsignal(signal.SIGTERM)
    await listener.stop()

    assert during is before


async def test_nonsense_after_an_answer_closes_the_connection_and_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with listening(_application(b"early")) as url, Client.of(url) as client:
        client.writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        await client.head()
        client.writer.write(b"no size of a chunk\r\n")
        rest = await client.rest()

    assert b"HTTP/1.1 400" not in rest
    assert [record.message for record in caplog.records] == ["Invalid HTTP request received."]


async def test_a_client_that_stalls_does_not_hold_up_the_end() -> None:
    bound = bind("127.0.0.1", 0, "--port")
    listener = Listener({bound: _reading})
    listener.start()
    starts = (b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
    async with contextlib.AsyncExitStack() as clients:
        for start in starts:
            client = await clients.enter_async_context(Client.of(url_of(bound)))
            client.writer.write(start)
        async with asyncio.timeout(60):
            await listener.stop()


async def _reading(_scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, 200, [], await read_body(receive, 5))


def test_a_taken_port_is_an_error() -> None:
    with bind("127.0.0.1", 0, "--port") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=f"cannot listen on 127.0.0.1:{port}: .* --port;"):
            bind("127.0.0.1", port, "--port")


@pytest.mark.parametrize("host", ["not-a-host.invalid", "192.0.2.1"])  # RFC 5737, section 3
def test_a_host_that_is_not_this_machines_is_an_error_that_says_so(host: str) -> None:
    with pytest.raises(LocalError, match=f"cannot listen on {host}:0: ") as refused:
        bind(host, 0, "--port")

    assert str(refused.value).endswith(
        "The host must be an address of this machine: 127.0.0.1, or 0.0.0.0 for all.",
    )


def test_small_responses_do_not_wait_for_acknowledgements() -> None:
    # asyncio sets TCP_NODELAY on accepted sockets only where the listening one names its protocol.
    with bind("127.0.0.1", 0, "--port") as bound:
        assert bound.proto == socket.IPPROTO_TCP


def test_an_ipv6_url_has_brackets() -> None:
    with bind("::1", 0, "--port") as bound:
        assert url_of(bound) == f"http://[::1]:{bound.getsockname()[1]}"


async def _break_off(send: Send, error: Exception) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"some", "more_body": True})
    raise error


@pytest.mark.parametrize(
    ("error", "reported"),
    [(BrokenResponseError("told"), False), (ValueError("a bug"), True)],
)
async def test_a_response_that_breaks_off_is_cut_and_only_a_bug_is_reported(
    error: Exception,
    *,
    reported: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await _break_off(send, error)

    async with listening(application) as url, httpx2.AsyncClient() as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get(url)

    assert bool(caplog.records) is reported


class Written(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.pieces.append(data)

    def close(self) -> None:
        self.closed = True


async def test_head_and_body_are_sent_at_once() -> None:
    written = Written()
    together = Together(written)
    together.write(b"head,")
    together.write(b"body")
    together.write(b"more")
    await asyncio.sleep(0)

    assert written.pieces == [b"head,body", b"more"]


async def test_a_head_alone_is_sent_soon() -> None:
    written = Written()
    Together(written).write(b"head")
    await asyncio.sleep(0)

    assert written.pieces == [b"head"]


async def test_what_is_held_back_is_sent_before_the_end() -> None:
    written = Written()
    together = Together(written)
    together.write(b"head")
    together.close()

    assert written.pieces == [b"head"]
    assert written.closed


async def test_a_head_leaves_before_the_first_piece_of_its_body() -> None:
    came = asyncio.Event()

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await came.wait()
        await send({"type": "http.response.body", "body": b"the body"})

    bound = bind("127.0.0.1", 0, "--port")
    listener = Listener({bound: application})
    listener.start()
    reader, writer = await asyncio.open_connection(*bound.getsockname()[:2])
    writer.write(b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    came.set()
    body = await reader.read()
    writer.close()
    await listener.stop()

    assert head.startswith(b"HTTP/1.1 200")
    assert b"the body" in body
