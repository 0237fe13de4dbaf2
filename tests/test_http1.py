import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter import http1
from adapter.http1 import Head, ProtocolError
from adapter.messages import Messages


class Received(Messages):
    """What a peer sends in pieces of 64 KB before it hangs up."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._left = data

    async def _more(self, where: str) -> None:
        if not self._left:
            raise ProtocolError(f"connection closed {where}")
        self._received += self._left[:65_536]
        self._left = self._left[65_536:]


def read_head(data: bytes) -> Head:
    return asyncio.run(Received(data)._head())


def read_pieces(data: bytes, headers: dict[str, str]) -> list[bytes]:
    async def main() -> list[bytes]:
        return [piece async for piece in Received(data).pieces(headers)]

    return asyncio.run(main())


def read_body(data: bytes, headers: dict[str, str]) -> bytes:
    return b"".join(read_pieces(data, headers))


@pytest.mark.parametrize(
    ("data", "head"),
    [
        (
            b"GET /a?b=c HTTP/1.1\r\nHost: x:1\r\nX-Two:  b \r\n\r\n",
            Head("GET", "/a?b=c", "HTTP/1.1", {"host": "x:1", "x-two": "b"}),
        ),
        (b"HTTP/1.1 200 OK\r\n\r\n", Head("HTTP/1.1", "200", "OK", {})),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Head("HTTP/1.1", "404", "Not Found", {})),
        (b"HTTP/1.1 200\r\n\r\n", Head("HTTP/1.1", "200", "", {})),
        (
            b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nB: x:y\r\n\r\n",
            Head("HTTP/1.1", "200", "OK", {"a": "1, 2", "b": "x:y"}),
        ),
        (b"HTTP/1.1 200 OK\r\nA: \xe9\r\n\r\n", Head("HTTP/1.1", "200", "OK", {"a": "é"})),
    ],
)
def test_head_is_read(data: bytes, head: Head) -> None:
    assert read_head(data) == head


def test_closed_connection_has_no_head() -> None:
    with pytest.raises(ProtocolError, match="connection closed before the response"):
        read_head(b"")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"HTTP/1.1 200 OK\r\nA: 1", "connection closed inside a message head"),
        (b"HELLO\r\n\r\n", "not an HTTP/1.1 start line: 'HELLO'"),
        (b"\r\n\r\n", "not an HTTP/1.1 start line: ''"),
        (b"HTTP/1.1 200 OK\r\nnothing\r\n\r\n", "not a header: 'nothing'"),
        (
            b"GET / HTTP/1.1\r\na: " + b"x" * (http1.MAX_LINE + 65_536) + b"\r\n\r\n",
            "larger than 1 MB",
        ),
    ],
)
def test_what_is_no_head_is_a_protocol_error(data: bytes, message: str) -> None:
    with pytest.raises(ProtocolError, match=message) as caught:
        read_head(data)

    assert isinstance(caught.value, OSError)


@pytest.mark.parametrize("status", ["OK", "2000", "-20", "", "²00"])
def test_what_is_no_status_is_a_protocol_error(status: str) -> None:
    with pytest.raises(ProtocolError, match="not a status code"):
        _ = Head("HTTP/1.1", status, "", {}).status


@pytest.mark.parametrize(
    ("headers", "keep_alive"),
    [({}, True), ({"connection": "keep-alive"}, True), ({"connection": "Close"}, False)],
)
def test_connection_is_kept_unless_the_peer_closes_it(
    headers: dict[str, str],
    *,
    keep_alive: bool,
) -> None:
    assert Head("HTTP/1.1", "200", "OK", headers).keep_alive is keep_alive


CHUNKED = {"transfer-encoding": "Chunked"}


@pytest.mark.parametrize(
    ("headers", "data", "body"),
    [
        ({}, b"rest", b""),
        ({"content-length": "0"}, b"rest", b""),
        ({"content-length": "3"}, b"abcdef", b"abc"),
        (CHUNKED, b"3\r\nabc\r\nA;note=1\r\n0123456789\r\n0\r\n\r\n", b"abc0123456789"),
        (CHUNKED, b"3 ;note=1;2\r\nabc\r\n0\r\n\r\n", b"abc"),
        (CHUNKED, b"0\r\n\r\n", b""),
        (CHUNKED, b"1\r\na\r\n0\r\ntrailer: 1\r\n\r\n", b"a"),
        ({**CHUNKED, "content-length": "1"}, b"2\r\nab\r\n0\r\n\r\n", b"ab"),
    ],
)
def test_body_is_what_the_headers_announce(
    headers: dict[str, str],
    data: bytes,
    body: bytes,
) -> None:
    assert read_body(data, headers) == body


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        ({"content-length": "5"}, b"abc"),
        ({"content-length": "-5"}, b"abcde"),
        ({"content-length": "five"}, b"abcde"),
        ({"content-length": "5, 5"}, b"abcde"),
        ({"content-length": "9" * 5_000}, b"abcde"),  # `int` refuses to read so many
        (CHUNKED, b""),
        (CHUNKED, b"5\r\nabc"),
        (CHUNKED, b"3\r\nabc\r\n"),
        (CHUNKED, b"3\r\nabc\r\n0\r\n"),
        (CHUNKED, b"3\r\nabcdef\r\n0\r\n\r\n"),
        (CHUNKED, b"3\r\nabcXX0\r\n\r\n"),
        (CHUNKED, b"-3\r\nabc\r\n0\r\n\r\n"),
        (CHUNKED, b"+3\r\nabc\r\n0\r\n\r\n"),
        (CHUNKED, b"0x3\r\nabc\r\n0\r\n\r\n"),
        (CHUNKED, b"0_3\r\nabc\r\n0\r\n\r\n"),
        (CHUNKED, b" 3\r\nabc\r\n0\r\n\r\n"),
        (CHUNKED, b";note=1\r\n\r\n"),
        (CHUNKED, b"three\r\nabc\r\n0\r\n\r\n"),
        (CHUNKED, b"f" * 40 + b"\r\nabc"),
        (CHUNKED, b"1" * (http1.MAX_LINE + 1)),
    ],
)
def test_body_that_is_cut_or_broken_is_a_protocol_error(
    headers: dict[str, str],
    data: bytes,
) -> None:
    with pytest.raises(
        ProtocolError,
        match=r"connection closed inside a|not a (chunk|content length)|too long",
    ):
        read_body(data, headers)


@given(st.lists(st.binary(min_size=1, max_size=50)))
@settings(deadline=None)
def test_chunks_come_one_by_one(chunks: list[bytes]) -> None:
    data = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"

    assert read_pieces(data, CHUNKED) == chunks


def test_unchunked_body_is_one_chunk() -> None:
    assert read_pieces(b"abc", {"content-length": "3"}) == [b"abc"]


def test_request_is_written_whole() -> None:
    data = http1.request_bytes("POST", "/a", {"host": "x", "b": "é"}, b"body")

    assert data == b"POST /a HTTP/1.1\r\nhost: x\r\nb: \xe9\r\ncontent-length: 4\r\n\r\nbody"


def test_response_is_written_whole() -> None:
    data = http1.response_bytes(202, {"a": "1"})

    assert data == b"HTTP/1.1 202 Accepted\r\na: 1\r\ncontent-length: 0\r\n\r\n"


def test_a_header_stays_one_line() -> None:
    data = http1.request_bytes("POST", "/\r\nb: 2", {"a": "1\r\nx: 2", "c": "\n\0"})

    assert data == b"POST /  b: 2 HTTP/1.1\r\na: 1  x: 2\r\nc:   \r\ncontent-length: 0\r\n\r\n"


def test_a_trailer_stays_one_line() -> None:
    assert http1.trailer_section({"a": "1\nb: 2", "c": "3"}) == b"a: 1 b: 2\r\nc: 3\r\n\r\n"
    assert http1.trailer_section({}) == b"\r\n"


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_message_that_was_written_is_read_again(body: bytes) -> None:
    async def message() -> tuple[Head, bytes]:
        received = Received(http1.request_bytes("PUT", "/", {"Host": "x"}, body))
        head = await received._head()
        return head, b"".join([piece async for piece in received.pieces(head.headers)])

    head, found = asyncio.run(message())

    assert head.headers == {"host": "x", "content-length": str(len(body))}
    assert found == body
