"""What a runtime posts as the answer to an invocation: whole, or piece by piece."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from adapter.local.invocation import MAX_PAYLOAD, MAX_STREAM, failure

_ERROR_TYPE = "lambda-runtime-function-error-type"
_ERROR_BODY = "lambda-runtime-function-error-body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A post that has been read.

    `payload` is the result, an error object where the function `failed`, and empty for a stream
    that ended well. `above` is the limit, in bytes, that it went beyond.
    """

    payload: bytes = field(default=b"", repr=False)
    failed: bool = False
    above: int | None = None


async def read_whole(body: AsyncIterator[bytes], *, failed: bool) -> Posted:
    """Read a body; above 6 MB the rest of it is read and dropped. Raises OSError where it is cut.

    `failed` says that it is an error object.
    """
    kept: list[bytes] = []
    size = 0
    async for piece in body:
        size += len(piece)
        if size <= MAX_PAYLOAD:
            kept.append(piece)
        else:
            kept.clear()
    if size > MAX_PAYLOAD:
        return Posted(above=MAX_PAYLOAD)
    return Posted(payload=b"".join(kept), failed=failed)


async def pass_on(
    body: AsyncIterator[bytes],
    trailers: Mapping[str, str],
    write: Callable[[bytes], Awaitable[None]],
) -> Posted:
    """Hand a streamed body to `write` as it comes, one piece after the other.

    What makes it a failure is in `trailers` at its end. Above 200 MB the rest is left unread.
    Raises OSError where it is cut.
    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
    """
    size = 0
    async for piece in body:
        size += len(piece)
        if size > MAX_STREAM:
            return Posted(above=MAX_STREAM)
        await write(piece)
    if trailers.keys() & {_ERROR_TYPE, _ERROR_BODY}:
        return Posted(payload=_trailing_error(trailers), failed=True)
    return Posted()


async def drop(body: AsyncIterator[bytes]) -> None:
    """Read a body that nobody wants. Raises OSError where it is cut."""
    async for _ in body:
        pass


def _trailing_error(trailers: Mapping[str, str]) -> bytes:
    """Read the error object that trails a response, or make one of the type alone."""
    try:
        body = base64.b64decode(trailers.get(_ERROR_BODY, ""), validate=True)
    except ValueError:
        body = b""
    error_type = trailers.get(_ERROR_TYPE, "Function.Unknown")
    return body or failure(error_type, "The function failed in mid-stream").payload
