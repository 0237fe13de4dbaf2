"""HTTP/1.1 messages over asyncio streams: what the Runtime API and the Lambda API need of it.

Standard library only, because functions import it. Both ends of our own connections use it, and
AWS's end is strict; a web server that faces clients is not its purpose.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
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
        _parse_header(line, headers)
    return Head(parts[0], parts[1], parts[2] if len(parts) > 2 else "", headers)


def _parse_header(line: str, headers: dict[str, str]) -> None:
    name, separator, value = line.partition(":")
    if not separator:
        raise ProtocolError(f"not a header: {line[:80]!r}")
    key = name.strip().lower()
    headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()


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
    trailers: dict[str, str] | None = None,
) -> AsyncIterator[bytes]:
    """Yield the body as it arrives, and put what trails it into `trailers`, names in lower case.

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
        while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
            if trailers is not None:
                _parse_header(line[:-2].decode("latin-1"), trailers)
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
    return message_head(start, {**headers, "content-length": str(len(body))}) + body


def message_head(start: str, headers: Mapping[str, str]) -> bytes:
    """Start line and headers, as they stand."""
    lines = [start, *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


class _Reader(asyncio.StreamReader):
    """A stream reader that tells when the peer hangs up, while nobody is reading."""

    on_end: Callable[[], None] | None = None

    def feed_eof(self) -> None:
        super().feed_eof()
        self._tell()

    def set_exception(self, exc: BaseException | type[BaseException]) -> None:
        super().set_exception(exc)  # type: ignore[arg-type]
        self._tell()

    def _tell(self) -> None:
        if self.on_end is not None:
            self.on_end()


class Connection:
    """One client connection that is kept alive and carries one request at a time."""

    def __init__(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
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
        loop = asyncio.get_running_loop()
        reader = _Reader(limit=MAX_LINE, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        async with asyncio.timeout(CONNECT_S):
            transport, _ = await loop.create_connection(lambda: protocol, host, port, ssl=tls)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
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
        response = await self._response()
        self.usable = response.headers.get("connection", "").lower() != "close"
        return response

    async def open_response(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> "ResponseBody":
        """Send one request and return the response as soon as its head is there.

        Raises as `request` does.
        """
        self.usable = False
        self._writer.write(request_bytes(method, target, headers, body))
        await self._writer.drain()
        return ResponseBody(self, self._reader, await self._head())

    async def open_request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
    ) -> "RequestBody":
        """Begin a request whose body follows in chunks. The connection is unusable afterwards.

        Nothing is written yet: the head leaves with the first chunk.
        """
        self.usable = False
        head = message_head(
            f"{method} {target} HTTP/1.1",
            {**headers, "transfer-encoding": "chunked", "connection": "close"},
        )
        return RequestBody(self, self._writer, head)

    async def _response(self) -> Response:
        head = await self._head()
        return Response(head.status, head.headers, await read_body(self._reader, head.headers))

    async def _head(self) -> Head:
        head = await read_head(self._reader)
        if head is None:
            raise ProtocolError("connection closed before the response")
        return head

    def on_hang_up(self, call: Callable[[], None] | None) -> None:
        """Call when the peer hangs up, also while nothing is being read; None: no more."""
        self._reader.on_end = call
        if call is not None and self.closed_by_peer:
            call()

    @property
    def closed_by_peer(self) -> bool:
        """Whether the peer has hung up since the last response."""
        return self._reader.at_eof() or self._writer.is_closing()

    def close(self) -> None:
        """Close at once; nothing is waited for."""
        self.usable = False
        self._reader.on_end = None
        self._writer.close()


class ResponseBody:
    """A response whose body is read piece by piece."""

    def __init__(self, connection: Connection, reader: asyncio.StreamReader, head: Head) -> None:
        self._connection = connection
        self._reader = reader
        self._head = head
        self.status = head.status
        self.headers = head.headers

    async def read(self) -> bytes:
        """Read all of it."""
        return b"".join([piece async for piece in self.pieces()])

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives. Read to its end, the connection may be used again.

        Raises `ProtocolError` where it is cut.
        """
        async for piece in body_chunks(self._reader, self.headers):
            yield piece
        self._connection.usable = self._head.keep_alive


class RequestBody:
    """The body of a request that is sent piece by piece: the chunked coding of RFC 9112, 7.1."""

    def __init__(self, connection: Connection, writer: asyncio.StreamWriter, head: bytes) -> None:
        self._connection = connection
        self._writer = writer
        self._unsent = head

    async def write(self, data: bytes) -> None:
        """Send a piece; waits while the peer is behind. Raises OSError where it has hung up."""
        if not data:
            return
        # In one piece: small writes of their own would each be a packet of their own.
        self._writer.write(b"".join((self._unsent, b"%x\r\n" % len(data), data, b"\r\n")))
        self._unsent = b""
        await self._writer.drain()

    async def end(self, trailers: Mapping[str, str] | None = None) -> Response:
        """Send the end, with trailers if there are any, and read the response.

        Raises `ProtocolError` or OSError where the connection breaks.
        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in (trailers or {}).items())
        self._writer.write(self._unsent + b"0\r\n" + lines.encode("latin-1") + b"\r\n")
        await self._writer.drain()
        try:
            return await self._connection._response()  # noqa: SLF001 - the two are one
        finally:
            self._connection.close()
