"""Whole requests in, whole responses out: the little of ASGI that our two applications share."""

from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

Headers = Sequence[tuple[bytes, bytes]]

_DRAINED = 16  # times the limit


class ClientGoneError(Exception):
    """The client hung up before its request was complete."""


class BodyTooLargeError(Exception):
    """The request's body is larger than the limit."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """Read the request's body, of which at most `limit` bytes are kept.

    Raises `ClientGoneError`, and `BodyTooLargeError` once the client has sent the rest: most
    clients read no answer before they have written their request, and would see a broken
    connection instead of the 413. Far above the limit that courtesy ends.
    """
    chunks: list[bytes] = []
    size = 0
    more = True
    while more and size <= limit * _DRAINED:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        size += len(message.get("body", b""))
        chunks.append(message.get("body", b""))
        if size > limit:
            chunks.clear()
        more = message.get("more_body", False)
    if size > limit:
        raise BodyTooLargeError
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
