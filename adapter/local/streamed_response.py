"""A response that leaves while the function still works on it."""

import time

from starlette.types import Send

from adapter.local.asgi import BrokenResponseError, respond
from adapter.local.http_event import HttpRequest
from adapter.local.http_result import WITHOUT_BODY, HttpResponse
from adapter.local.prelude import Prelude


class StreamedResponse:
    """Sends one response piece by piece, complete only where the function says so.

    What the client must not read before that is kept: the piece that fills the length which the
    function announced, the head where no body follows it, and all of it from a client that speaks
    HTTP/1.0, which takes the end of the connection for the end of the body.
    """

    def __init__(self, send: Send, request: HttpRequest) -> None:
        self.begun = False  # something is on its way to the client
        self.size = 0  # bytes of the body so far
        self.first_byte_at = 0.0  # by time.perf_counter
        self._send = send
        self._request = request
        self._head = Prelude()
        self._started = False
        self._without_body = False
        self._kept: list[bytes] = []

    @property
    def status(self) -> int:
        """The status code, once it has started."""
        return self._head.status

    async def start(self, head: Prelude) -> None:
        """Send status and headers."""
        self._head, self._started = head, True
        self._without_body = self._request.method == "HEAD" or head.status in WITHOUT_BODY
        if self._without_body or self._request.protocol == "HTTP/1.0":
            return
        self.begun = True
        self.first_byte_at = time.perf_counter()
        headers = _with_length(head.headers, head.content_length)
        response = HttpResponse(status=head.status, headers=headers)
        await self._send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": response.encoded_headers,
            },
        )

    async def write(self, piece: bytes) -> None:
        """Send a piece of the body; waits while the client is behind.

        Raises `BrokenResponseError` where the body grows longer than it was announced.
        """
        if self._without_body or not piece:
            return
        self.size += len(piece)
        length = self._head.content_length
        if length is not None and self.size > length:
            raise BrokenResponseError(f"content-length is {length}, the body is longer")
        if self.begun and self.size != length:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        else:
            self._kept.append(piece)

    def check(self) -> None:
        """Raise `BrokenResponseError` where it has no head, or less of a body than announced."""
        if not self._started:
            raise BrokenResponseError("the stream ended before the end of its prelude")
        length = self._head.content_length
        if not self._without_body and length is not None and self.size != length:
            raise BrokenResponseError(f"content-length is {length}, the body has {self.size} bytes")

    async def end(self) -> None:
        """Send what was kept; then the response is complete."""
        body = b"".join(self._kept)
        if self.begun:
            await self._send({"type": "http.response.body", "body": body})
            return
        response = HttpResponse(
            status=self.status,
            headers=_with_length(self._head.headers, self._whole_length()),
        )
        await respond(self._send, response.status, response.encoded_headers, body)

    def _whole_length(self) -> int | None:
        if self.status in WITHOUT_BODY:
            return None
        return self._head.content_length if self._without_body else self.size


def _with_length(
    headers: tuple[tuple[str, str], ...],
    length: int | None,
) -> tuple[tuple[str, str], ...]:
    return headers if length is None else (*headers, ("content-length", str(length)))
