"""The little of ASGI that our two applications share: bodies, responses, clients that hang up."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from starlette.types import Receive, Scope, Send

Headers = Sequence[tuple[bytes, bytes]]
Result = TypeVar("Result")


class ClientGoneError(Exception):
    """The client hung up."""


class BrokenResponseError(Exception):
    """A response cannot be completed.

    Raised out of an application that has begun one, it makes the server cut the connection.
    """


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


async def while_connected(receive: Receive, work: Coroutine[Any, Any, Result]) -> Result:
    """Do `work`, cancelled where the client hangs up. Raises `ClientGoneError` then.

    The request's body must have been read, and `work` must not complete the response: a server
    calls that a disconnect, too.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - for the type checker
    cancelled_before, gone = task.cancelling(), False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    watching = asyncio.get_running_loop().create_task(watch())
    try:
        return await work
    except asyncio.CancelledError:
        if not gone or task.uncancel() > cancelled_before:
            raise
        raise ClientGoneError from None
    finally:
        watching.cancel()


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
