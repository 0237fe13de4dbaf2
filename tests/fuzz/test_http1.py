"""HTTP/1.1 from the wire: bytes in, a message or a ProtocolError out, and nothing else."""

import asyncio
import contextlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.http1 import ProtocolError
from adapter.local.runtime_connection import RuntimeConnection
from adapter.messages import Messages, ResponseBody
from adapter.runtime import protocol
from adapter.runtime.protocol import Invocation
from tests.fuzz import pieces
from tests.fuzz.watch import LONG_EXAMPLES, watched
from tests.fuzz.weights import mostly

pytestmark = pytest.mark.filterwarnings(LONG_EXAMPLES)

START_LINES = [
    *(b"HTTP/1.1 200 OK", b"HTTP/1.1 202 Accepted", b"HTTP/1.1 500", b"HTTP/1.0 200 OK"),
    *(b"GET / HTTP/1.1", b"POST /a?b=%20 HTTP/1.1", b"HTTP/1.1 20 OK", b"HTTP/1.1 -20 OK"),
    *(b"", b" ", b"HTTP/1.1", b"HTTP/1.1 \xb2\xb2\xb2 OK", b"HTTP/1.1  200 OK", b"\0 200"),
]
HEADERS = [
    *(b"content-length: 5", b"Content-Length:0", b"content-length: 5, 5", b"content-length: -1"),
    *(b"content-length: " + b"9" * 5_000, b"content-length: +5", b"content-length: \xb2"),
    *(b"transfer-encoding: chunked", b"Transfer-Encoding: gzip, Chunked", b"connection: close"),
    *(b"a: b", b"a:", b":", b"a", b" a: folded", b"\ta", b"x: \xff\x00", b"x: a\rb", b"x: a\nb"),
]
SIZES = [
    *(b"0", b"1", b"5", b"A", b"a;note=1", b"00", b"-1", b"-5", b"+5", b"0x5", b"1_0", b" 5"),
    *(b"5 ", b"", b"five", b"f" * 40, b"\xb2", b"5\r", b"5\n"),
]
OF_INVOCATIONS = [protocol.REQUEST_ID, protocol.DEADLINE_MS, *protocol.HANG_UP]


def header_values() -> st.SearchStrategy[str]:
    """Values as they are read from the wire: Latin-1."""
    odd = st.sampled_from(["1795269731000", "\xb2", "9" * 5_000, "-1", "1e3", "", "cancel"])
    return odd | st.text(st.characters(max_codepoint=255), max_size=9)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Messages, most of them right, and some bytes of them changed."""
    headers = draw(st.lists(st.sampled_from(HEADERS) | st.binary(max_size=20), max_size=4))
    lines = [draw(st.sampled_from(START_LINES) | st.binary(max_size=30)), *headers]
    head = b"\r\n".join(lines) + draw(st.sampled_from([b"\r\n\r\n", b"\n\n", b"\r\n", b""]))
    data = bytearray(head + draw(bodies()))
    for _ in range(draw(st.integers(0, 2))):
        if data:
            at = draw(st.integers(0, len(data) - 1))
            data[at : at + draw(st.integers(0, 1))] = draw(st.binary(max_size=2))
    return bytes(data[: draw(st.just(len(data)) | st.integers(0, len(data)))])


@cache
def bodies() -> st.SearchStrategy[bytes]:
    """Bodies, plain and in chunks, with what trails them."""
    sized = st.binary(max_size=20).map(lambda data: b"%x\r\n%b\r\n" % (len(data), data))
    wrong = st.tuples(st.sampled_from(SIZES), st.binary(max_size=6)).map(b"\r\n".join)
    ends = st.sampled_from(
        [b"0\r\n\r\n", b"0\r\na: b\r\n\r\n", b"0\r\nb\r\n\r\n", b"0\r\n", b"\r\n"]
    )
    chunked = st.lists(mostly(sized, wrong), max_size=4).map(b"".join)
    return st.binary(max_size=20) | st.tuples(chunked, ends).map(b"".join)


class Scripted(Messages):
    """The client's end of a connection that brings what a test says, and hangs up."""

    def __init__(self, cuts: list[bytes]) -> None:
        super().__init__()
        self._cuts = iter([cut for cut in cuts if cut])

    async def send(self, data: bytes) -> None:
        del data

    async def _more(self, where: str) -> None:
        piece = next(self._cuts, None)
        if piece is None:
            raise ProtocolError(f"connection closed {where}")
        self._received += piece

    def close(self) -> None:
        self.usable = False


Read = tuple[int, dict[str, str], bytes] | None


class Nowhere(asyncio.Transport):
    """Takes what a server does."""

    def close(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def by_the_server(cuts: list[bytes]) -> Read:
    read: list[Read] = []

    async def serve(connection: RuntimeConnection) -> None:
        with contextlib.suppress(ProtocolError):
            if (head := await connection.head()) is not None:
                body = b"".join([piece async for piece in connection.pieces(head.headers)])
                read.append((head.status, head.headers, body))

    connection = RuntimeConnection(serve)
    connection.connection_made(Nowhere())
    for cut in cuts:
        connection.data_received(cut)
    connection.eof_received()
    if not read:
        raise ProtocolError("no message came")
    return read[0]


async def by_the_client(cuts: list[bytes]) -> Read:
    response = await Scripted(cuts).request("GET", "/", {"host": "x"})
    return response.status, response.headers, response.body


async def by_the_client_in_pieces(cuts: list[bytes]) -> Read:
    response: ResponseBody = await Scripted(cuts).open_response("GET", "/", {"host": "x"})
    return response.status, response.headers, await response.read()


def outcomes(reader: Any, data: bytes, cut: pieces.Cut) -> Iterator[Read]:
    """Yield what a reader makes of bytes that come whole, in pieces, and one by one."""
    for cuts in ([data], cut(data), pieces.one_by_one(data)):
        try:
            yield asyncio.run(reader(cuts))
        except ProtocolError:
            yield None


@given(data=messages(), cut=pieces.cuts())
def test_http_message(data: bytes, cut: pieces.Cut) -> None:
    with watched():
        read = [
            outcome
            for reader in (by_the_server, by_the_client, by_the_client_in_pieces)
            for outcome in outcomes(reader, data, cut)
        ]
        assert all(outcome == read[0] for outcome in read), read


@given(headers=st.dictionaries(st.sampled_from(OF_INVOCATIONS), header_values()))
def test_invocation_of_the_runtime_api(headers: dict[str, str]) -> None:
    """The client asks again after a KeyError; anything else would end the runtime."""
    with watched():
        try:
            invocation = Invocation.parse(headers, b"{}")
        except KeyError:
            assert protocol.REQUEST_ID not in headers
            return
        assert invocation.deadline_ms >= 0
        assert invocation.remaining_ms() >= 0
