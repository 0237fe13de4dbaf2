"""Whole requests in, whole responses out: the little of ASGI that our two applications share."""

from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

Headers = Sequence[tuple[bytes, bytes]]


class ClientGoneError(Exception):
    """The client hung up before its request was complete."""


class BodyTooLargeError(Exception):
    """The request's body is larger than the limit."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """Read the request's body, at most `limit` bytes.

    Raises `BodyTooLargeError` as soon as that is known, and `ClientGoneError`. uvicorn reads and
    drops what the client still sends after the response.
    """
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise BodyTooLargeError
        more = message.get("more_body", False)
    return b"".join(chunks)


async def respond(send: Send, status: int, headers: Headers, body: bytes = b"") -> None:
    """Send a whole response."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


def header(scope: Scope, name: str) -> str | None:
    """Return the first header of that lower-case name."""
    wanted = name.encode("ascii")
    for key, value in scope["headers"]:
        if key == wanted:
            return str(value.decode("latin-1"))
    return None
