"""HTTP/1.1 messages: what the Runtime API and the Lambda API need of it.

Standard library only, because functions import it. Both ends of our own connections use it, and
AWS's end is strict; a web server that faces clients is not its purpose. What arrives is read by
`adapter.messages`.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

READ_AHEAD = 256 * 1024  # bytes that a connection holds before somebody takes them
MAX_LINE = 1024 * 1024  # the Runtime API's request line and headers: 1 MB
_MOST_DIGITS = 16  # of a length: far more than anybody sends, and fast to read
_HEX_DIGITS = b"0123456789abcdefABCDEF"
_NO_LINE = dict.fromkeys(map(ord, "\r\n\0"), " ")


class ProtocolError(ConnectionError):
    """The peer sent something that is not HTTP/1.1, or stopped in the middle of a message."""


class Head(NamedTuple):
    """Start line and headers of a message; header names are lower-case, repeated ones joined."""

    first: str
    second: str
    third: str
    headers: dict[str, str]

    @property
    def status(self) -> int:
        """The status code. Raises `ProtocolError` where the message is no response."""
        if not (self.second.isdecimal() and len(self.second) == 3):
            raise ProtocolError(f"not a status code: {self.second[:80]!r}")
        return int(self.second)

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may carry another message."""
        return self.headers.get("connection", "").lower() != "close"


class Response(NamedTuple):
    """A whole response."""

    status: int
    headers: dict[str, str]
    body: bytes


def parse_head(raw: bytes) -> Head:
    """Read a whole head, its empty line included. Raises `ProtocolError`."""
    start, *lines = raw[:-4].decode("latin-1").split("\r\n")
    parts = start.split(" ", 2)
    if len(parts) < 2:
        raise ProtocolError(f"not an HTTP/1.1 start line: {start[:80]!r}")
    headers: dict[str, str] = {}
    parse_headers(lines, headers)
    return Head(parts[0], parts[1], parts[2] if len(parts) > 2 else "", headers)


def parse_headers(lines: Iterable[str], headers: dict[str, str]) -> None:
    """Put header lines into `headers`. Raises `ProtocolError`."""
    for line in lines:
        name, separator, value = line.partition(":")
        if not separator:
            raise ProtocolError(f"not a header: {line[:80]!r}")
        key, value = name.strip().lower(), value.strip()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value


def request_bytes(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes = b"",
) -> bytes:
    """A whole request. `headers` must hold the host; the content length is added."""
    return request_head(method, target, headers, len(body)) + body


def request_head(method: str, target: str, headers: Mapping[str, str], length: int) -> bytes:
    """The head of a request whose body has `length` bytes."""
    start = f"{method} {target} HTTP/1.1"
    return message_head(start, {**headers, "content-length": str(length)})


def response_bytes(status: int, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A whole response. The content length is added."""
    from http import HTTPStatus  # noqa: PLC0415 - only servers say it

    start = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    return message_head(start, {**headers, "content-length": str(len(body))}) + body


def message_head(start: str, headers: Mapping[str, str]) -> bytes:
    """Start line and headers."""
    return _section([start, *[f"{name}: {value}" for name, value in headers.items()]])


def trailer_section(trailers: Mapping[str, str]) -> bytes:
    """What follows the last chunk of a body."""
    return _section([f"{name}: {value}" for name, value in trailers.items()])


def _section(lines: list[str]) -> bytes:
    """Write lines, and the empty one that ends them.

    Each stays one: CR, LF and NUL become spaces, as RFC 9110, 5.5, allows.
    """
    text = "\n".join([*lines, "", ""])
    if text.count("\n") > len(lines) + 1 or "\r" in text or "\0" in text:
        text = "\n".join([*(line.translate(_NO_LINE) for line in lines), "", ""])
    return text.replace("\n", "\r\n").encode("latin-1")


def is_chunked(headers: Mapping[str, str]) -> bool:
    """Whether a body comes in chunks."""
    return "chunked" in headers.get("transfer-encoding", "").lower()


def content_length(headers: Mapping[str, str]) -> int:
    """Read how long a body is, 0 where nothing is said. Raises `ProtocolError`."""
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > _MOST_DIGITS:
        raise ProtocolError(f"not a content length: {length[:80]!r}")
    return int(length)


def chunk_size(line: bytes) -> int:
    """Read the line before a chunk. Raises `ProtocolError`.

    Strictly, because `int` also takes signs, underscores and "0x": a peer must not mean another
    length than we do, and of a negative one there is no end.
    """
    size = line.split(b";")[0].rstrip(b" \t")
    if not 0 < len(size) <= _MOST_DIGITS or size.strip(_HEX_DIGITS):
        raise ProtocolError(f"not a chunk size: {line[:80]!r}")
    return int(size, 16)
