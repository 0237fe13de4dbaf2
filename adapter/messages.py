"""Requests and responses of HTTP/1.1 over one connection, and bodies piece by piece."""

from collections.abc import AsyncIterator, Mapping

from adapter.http1 import (
    MAX_LINE,
    READ_AHEAD,
    Head,
    ProtocolError,
    Response,
    chunk_size,
    content_length,
    is_chunked,
    message_head,
    parse_head,
    parse_headers,
    request_bytes,
    request_head,
    trailer_section,
)

LONG = 64 * 1024  # bytes of a body that to copy costs more than a packet does


class Messages:
    """Requests and responses over one connection; how bytes come and go is the subclass's.

    One request at a time. The connection is kept alive for the next while it is `usable`.
    """

    def __init__(self) -> None:
        self.usable = True
        self._received = bytearray()

    async def send(self, data: bytes) -> None:
        """Send bytes; waits while the peer is behind. Raises OSError where it has hung up."""
        raise NotImplementedError

    async def _more(self, where: str) -> None:
        """Wait until more has arrived. Raises `ProtocolError` where nothing will."""
        raise NotImplementedError

    def close(self) -> None:
        """Close at once; nothing is waited for."""
        raise NotImplementedError

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
        await self._send_request(method, target, headers, body)
        return await self.response()

    async def exchange(self, request: bytes) -> Response:
        """Send one request as it is written already, and read the whole response; see `request`."""
        self.usable = False
        await self.send(request)
        return await self.response()

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
        await self._send_request(method, target, headers, body)
        return ResponseBody(self, await self._head())

    def open_request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
    ) -> "RequestBody":
        """Begin a request whose body follows in chunks. The connection is unusable afterwards.

        Nothing is sent yet: the head leaves with the first chunk.
        """
        self.usable = False
        head = message_head(
            f"{method} {target} HTTP/1.1",
            {**headers, "transfer-encoding": "chunked", "connection": "close"},
        )
        return RequestBody(self, head)

    async def _send_request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        self.usable = False
        if len(body) < LONG:
            await self.send(request_bytes(method, target, headers, body))
        else:
            await self.send(request_head(method, target, headers, len(body)))
            await self.send(body)

    async def response(self) -> Response:
        """Read the whole response. Raises `ProtocolError` where it is cut."""
        head = await self._head()
        status = head.status
        if is_chunked(head.headers):
            body = b"".join([piece async for piece in self._chunked({})])
        else:
            body = await self._exactly(content_length(head.headers))
        self.usable = head.keep_alive
        return Response(status, head.headers, body)

    def pieces(
        self,
        headers: Mapping[str, str],
        trailers: dict[str, str] | None = None,
    ) -> AsyncIterator[bytes]:
        """Return the body that `headers` announce, as it arrives; `trailers` get what trails it.

        Raises `ProtocolError` where it is cut.
        """
        if is_chunked(headers):
            return self._chunked({} if trailers is None else trailers)
        return self._sized(content_length(headers), "a body")

    async def _chunked(self, trailers: dict[str, str]) -> AsyncIterator[bytes]:
        while size := chunk_size(await self._line()):
            async for piece in self._sized(size, "a chunked body"):
                yield piece
            if await self._line():
                raise ProtocolError("not a chunk: it is longer than it says")
        while line := await self._line():
            parse_headers([line.decode("latin-1")], trailers)

    async def _sized(self, left: int, what: str) -> AsyncIterator[bytes]:
        while left:
            if not self._received:
                await self._more(f"inside {what}")
            piece = self._take(min(left, len(self._received)))
            left -= len(piece)
            yield piece

    async def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            await self._more("inside a body")
        return self._take(size)

    async def _head(self) -> Head:
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            if len(self._received) > MAX_LINE:
                raise ProtocolError("message head is larger than 1 MB")
            await self._more("inside a message head" if self._received else "before the response")
        return parse_head(self._take(end + 4))

    async def _line(self) -> bytes:
        while (end := self._received.find(b"\r\n")) < 0:
            if len(self._received) > READ_AHEAD:
                raise ProtocolError("a line of a chunked body is too long")
            await self._more("inside a chunked body")
        return self._take(end + 2)[:-2]

    def _take(self, size: int) -> bytes:
        if size == len(self._received):
            taken = bytes(self._received)
            self._received.clear()
            return taken
        with memoryview(self._received) as received:
            taken = bytes(received[:size])
        del self._received[:size]
        return taken


class ResponseBody:
    """A response whose body is read piece by piece."""

    def __init__(self, connection: Messages, head: Head) -> None:
        self._connection = connection
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
        async for piece in self._connection.pieces(self.headers):
            yield piece
        self._connection.usable = self._head.keep_alive


class RequestBody:
    """The body of a request that is sent piece by piece: the chunked coding of RFC 9112, 7.1."""

    def __init__(self, connection: Messages, head: bytes) -> None:
        self._connection = connection
        self._unsent = head

    async def write(self, data: bytes) -> None:
        """Send a piece; waits while the peer is behind. Raises OSError where it has hung up."""
        if not data:
            return
        # In one piece: small writes of their own would each be a packet of their own.
        framed = b"".join((self._unsent, b"%x\r\n" % len(data), data, b"\r\n"))
        self._unsent = b""
        await self._connection.send(framed)

    async def end(self, trailers: Mapping[str, str] | None = None) -> Response:
        """Send the end, with trailers if there are any, and read the response.

        Raises `ProtocolError` or OSError where the connection breaks.
        """
        framed = self._unsent + b"0\r\n" + trailer_section(trailers or {})
        try:
            await self._connection.send(framed)
            return await self._connection.response()
        finally:
            self._connection.close()
