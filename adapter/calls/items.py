"""The answer to a streamed call: the items of a method that yields."""

import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any

from adapter.calls import frames
from adapter.generators import AnyGenerator, as_async
from adapter.responder import Responder

logger = logging.getLogger("adapter.calls")


async def send(
    generator: AnyGenerator,
    pack: Callable[[Any], Any],
    error_body: Callable[[BaseException], bytes],
    responder: Responder,
) -> None:
    """Answer with the items of a generator: piece by piece where the responder can, else whole.

    `pack` turns an item into what JSON can write, and `error_body` writes an exception as Lambda's
    error object. Raises what the generator raises before its first item.
    """
    encoded = frames.encode(as_async(generator), pack, error_body)
    async with contextlib.aclosing(encoded):
        first = await anext(encoded)
        if responder.streams:
            await _stream(first, encoded, responder)
        else:
            await responder.respond(await _collected(first, encoded))


async def _stream(
    first: bytes,
    encoded: AsyncGenerator[bytes, None],
    responder: Responder,
) -> None:
    stream = await responder.stream(frames.CONTENT_TYPE)
    frame: bytes | None = first
    while frame is not None:
        try:
            await stream.write(frame)
        except OSError as error:
            logger.warning("nobody takes the rest of the items: %s", error)
            return
        frame = await anext(encoded, None)
    await stream.end()


async def _collected(first: bytes, encoded: AsyncGenerator[bytes, None]) -> bytes:
    collected = [first]
    try:
        async for frame in encoded:
            collected.append(frame)  # noqa: PERF401 - what came before an error is kept
    except Exception:
        logger.exception("the call failed after its first item")  # the last frame tells the caller
    return b"".join(collected)
