"""HTTP/1.1 messages over asyncio streams: what the Runtime API and the Lambda API need of it.

Standard library only, because functions import it. Both ends of our own connections use it, and
AWS's end is strict; a web server that faces clients is not its purpose.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

CONNECT_S = 5.0
MAX_LINE = 1024 * 1024  # the Runtime API's request line and headers: 1 MB


class ProtocolError(ConnectionError):
    """The peer sent something that is not HTTP/1.1, or stopped in the middle of a message."""


@dataclass(frozen=True, slots=True)
class Head:
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


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read start line and headers; None where the peer closed before the first byte.

    Raises `ProtocolError` for anything else that is no message head.
    """
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise ProtocolError("connection closed inside a message head") from error
    except asyncio.LimitOverrunError as error:
        raise ProtocolError("message head is larger than 1 MB") from error
    return _parse_head(raw)


def _parse_head(raw: bytes) -> Head:
    start, *lines = raw[:-4].decode("latin-1").split("\r\n")
    parts = start.split(" ", 2)
    if len(parts) < 2:
        raise ProtocolError(f"not an HTTP/1.1 start line: {start[:80]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, separator, value = line.partition(":")
        if not separator:
            raise ProtocolError(f"not a header: {line[:80]!r}")
        key = name.strip().lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return Head(parts[0], parts[1], parts[2] if len(parts) > 2 else "", headers)


async def read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    """Read the whole body that `headers` announce. Raises `ProtocolError` where it is cut."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return b"".join([chunk async for chunk in body_chunks(reader, headers)])
    try:
        length = int(headers.get("content-length", "0"))
        return await reader.readexactly(length) if length else b""
    except (asyncio.IncompleteReadError, ValueError) as error:
        raise ProtocolError("connection closed inside a body") from error


async def body_chunks(
    reader: asyncio.StreamReader,
    headers: Mapping[str, str],
) -> AsyncIterator[bytes]:
    """Yield the body as it arrives; trailers are dropped.

    Raises `ProtocolError` where it is cut.
    """
    if "chunked" not in headers.get("transfer-encoding", "").lower():
        yield await read_body(reader, headers)
        return
    try:
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            yield await reader.readexactly(size)
            if await reader.readexactly(2) != b"\r\n":
                raise ProtocolError("not a chunk: it is longer than it says")
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise ProtocolError("connection closed inside a chunked body") from error


def request_bytes(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes = b"",
) -> bytes:
    """A whole request. `headers` must hold the host; the content length is added."""
    return _message(f"{method} {target} HTTP/1.1", headers, body)


def response_bytes(status: int, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A whole response. The content length is added."""
    return _message(f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", headers, body)


def _message(start: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in headers.items())]
    lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Connection:
    """One client connection that is kept alive and carries one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.usable = True

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
    ) -> "Connection":
        """Connect. Raises OSError where nobody listens, TimeoutError after 5 s of silence."""
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls, limit=MAX_LINE)
        # A long call is silent, and what lies between forgets silent connections.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return cls(reader, writer)

    async def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> Response:
        """Send one request and read the whole response; there is no timeout.

        Raises `ProtocolError` or OSError where the connection breaks; it is unusable from then on,
        as it is after a cancellation, because a late answer would be taken for the next one's.
        """
        self.usable = False
        self._writer.write(request_bytes(method, target, headers, body))
        await self._writer.drain()
        head = await read_head(self._reader)
        if head is None:
            raise ProtocolError("connection closed before the response")
        response = Response(head.status, head.headers, await read_body(self._reader, head.headers))
        self.usable = head.keep_alive
        return response

    @property
    def closed_by_peer(self) -> bool:
        """Whether the peer has hung up since the last response."""
        return self._reader.at_eof() or self._writer.is_closing()

    def close(self) -> None:
        """Close at once; nothing is waited for."""
        self.usable = False
        self._writer.close()
