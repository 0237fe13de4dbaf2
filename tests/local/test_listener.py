"""Ports and the server behind them."""

import asyncio
import signal
import socket

import httpx2
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from adapter.errors import LocalError
from adapter.local.asgi import BrokenResponseError, respond
from adapter.local.listener import Listener, bind, url_of
from tests.local.scripted import listening


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


def test_a_taken_port_is_an_error() -> None:
    with bind("127.0.0.1", 0, "--port") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=f"cannot listen on 127.0.0.1:{port}: .* --port;"):
            bind("127.0.0.1", port, "--port")


def test_a_host_that_is_no_address_is_an_error() -> None:
    with pytest.raises(LocalError, match="cannot listen on not-a-host"):
        bind("not-a-host.invalid", 0, "--port")


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
