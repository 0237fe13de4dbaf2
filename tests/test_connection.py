"""The client's side of HTTP/1.1, against a server that says what a test tells it to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapter import http1
from adapter.connection import Connection
from adapter.http1 import ProtocolError, Response


@asynccontextmanager
async def connected(*answers: bytes) -> AsyncIterator[tuple[Connection, list[bytes]]]:
    """Connect to a server that reads a request and sends the next answer; then it hangs up."""
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            head = await http1.read_head(reader)
            received.append(await http1.read_body(reader, head.headers) if head else b"")
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    async with server:
        connection = await Connection.open(*server.sockets[0].getsockname())
        try:
            yield connection, received
        finally:
            connection.close()


def test_connection_carries_request_after_request() -> None:
    answer = http1.response_bytes(200, {"a": "1"}, b"body")

    async def main() -> None:
        async with connected(answer, answer) as (connection, received):
            for body in (b"one", b"two"):
                response = await connection.request("POST", "/", {"host": "x"}, body)
                expected = {"a": "1", "content-length": "4"}
                assert response == Response(200, expected, b"body")
                assert connection.usable
            assert received == [b"one", b"two"]

    asyncio.run(main())


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ncontent-length: " + b"9" * 5_000 + b"\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-3\r\nabc",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nno trailer\r\n\r\n",
        b"HTTP/1.1 no\r\n\r\n",
    ],
)
def test_connection_that_broke_is_unusable(answer: bytes) -> None:
    async def main() -> None:
        async with connected(answer) as (connection, _):
            with pytest.raises(ProtocolError):
                await connection.request("GET", "/", {"host": "x"})
            assert not connection.usable

    asyncio.run(main())


def test_connection_that_the_peer_wants_closed_is_unusable() -> None:
    async def main() -> None:
        async with connected(http1.response_bytes(200, {"connection": "close"})) as (connection, _):
            await connection.request("GET", "/", {"host": "x"})
            assert not connection.usable

    asyncio.run(main())


def test_connection_whose_request_was_cancelled_is_unusable() -> None:
    async def main() -> None:
        async with connected(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", b"") as (
            connection,
            _,
        ):
            waiting = asyncio.create_task(connection.request("GET", "/", {"host": "x"}))
            await asyncio.sleep(0)  # it is sent
            waiting.cancel()
            await asyncio.wait([waiting])
            assert not connection.usable

    asyncio.run(main())


def test_connection_knows_when_the_peer_has_hung_up() -> None:
    async def main() -> None:
        async with connected(http1.response_bytes(200, {})) as (connection, _):
            await connection.request("GET", "/", {"host": "x"})
            hung_up = asyncio.Event()
            connection.on_hang_up(hung_up.set)
            await hung_up.wait()
            assert connection.closed_by_peer
            assert connection.usable

    asyncio.run(main())
