"""The client's side of HTTP/1.1, against a server that says what a test tells it to."""

import asyncio
import gc
import random
import ssl
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from adapter import connection as connections
from adapter import http1
from adapter.connection import Connection
from adapter.http1 import ProtocolError, Response
from tests.http1_streams import read_body, read_head
from tests.tls import write_certificate


class Secured:
    """TLS for a server that is called localhost, and for its clients."""

    def __init__(self, folder: Path) -> None:
        certificate = folder / "tls.pem"
        write_certificate(certificate)
        self.server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.server.load_cert_chain(certificate)
        self.client = ssl.create_default_context(cafile=str(certificate))


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Secured:
    return Secured(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def connected(
    *answers: bytes,
    tls: Secured | None = None,
) -> AsyncIterator[tuple[Connection, list[bytes]]]:
    """Connect to a server that reads a request and sends the next answer; then it hangs up."""
    received: list[bytes] = []
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            for answer in answers:
                head = await read_head(reader)
                received.append(await read_body(reader, head.headers) if head else b"")
                writer.write(answer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", ssl=tls.server if tls else None)
    async with server:
        _, port = server.sockets[0].getsockname()
        host = "127.0.0.1" if tls is None else "localhost"
        connection = await Connection.open(host, port, tls.client if tls else None)
        try:
            yield connection, received
        finally:
            connection.close()
            await ended.wait()


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


# Around what is read at once, what is sent in one piece, and what there is room for beforehand.
SIZES = (0, 1, 65_535, 65_536, 65_537, 300_000, 600_000, 1_500_000)


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
def test_bodies_of_any_length_arrive_as_they_were_sent(
    tls: Secured,
    monkeypatch: pytest.MonkeyPatch,
    secured: bool,  # noqa: FBT001 - a value of the test
    chunked: bool,  # noqa: FBT001 - a value of the test
) -> None:
    monkeypatch.setattr(connections, "MOST_AT_ONCE", 600_000)
    bodies = [random.Random(size).randbytes(size) for size in SIZES]
    answers = [
        in_chunks(body) if chunked else http1.response_bytes(200, {}, body) for body in bodies
    ]

    async def main() -> None:
        async with connected(*answers, tls=tls if secured else None) as (connection, received):
            for body in bodies:
                response = await connection.request("POST", "/", {"host": "x"}, body)
                assert response.body == body
                assert connection.usable
            assert received == bodies

    asyncio.run(main())


def in_chunks(body: bytes) -> bytes:
    """Return a response that sends a body in chunks."""
    pieces = [body[start : start + 100_000] for start in range(0, len(body), 100_000)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


@pytest.mark.parametrize("missing", [1, 100_000, 299_999, 300_000])
def test_a_long_body_that_is_cut_is_told(missing: int) -> None:
    answer = http1.response_bytes(200, {}, bytes(300_000))[:-missing]

    async def main() -> None:
        async with connected(answer) as (connection, _):
            with pytest.raises(ProtocolError, match="inside a body"):
                await connection.request("GET", "/", {"host": "x"})
            assert not connection.usable

    asyncio.run(main())


@pytest.mark.parametrize("size", [10, 300_000])
def test_what_follows_a_body_unasked_belongs_to_no_response(size: int) -> None:
    answer = http1.response_bytes(200, {}, bytes(size)) + b"more"

    async def main() -> None:
        async with connected(answer, b"") as (connection, _):
            response = await connection.request("GET", "/", {"host": "x"})
            assert response.body == bytes(size)
            async with asyncio.timeout(30):
                while not connection.closed_by_peer:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)

    asyncio.run(main())


def test_a_length_that_nobody_can_hold_takes_no_memory_before_the_body_comes() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000000\r\n\r\nhalf"

    async def main() -> None:
        async with connected(answer) as (connection, _):
            with pytest.raises(ProtocolError, match="inside a body"):
                await connection.request("GET", "/", {"host": "x"})

    asyncio.run(main())


def test_an_idle_connection_holds_nothing_of_the_body_before() -> None:
    answer = http1.response_bytes(200, {}, bytes(3_000_000))

    async def main() -> None:
        async with connected(answer, answer, b"") as (connection, _):
            await connection.request("GET", "/", {"host": "x"})
            tracemalloc.start()
            try:
                await connection.request("GET", "/", {"host": "x"})
                gc.collect()
                held, _ = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert held < 1_000_000

    asyncio.run(main())
