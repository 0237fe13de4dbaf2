r"""The items of a streamed call on the wire: one JSON object a line.

    {"item": ...}\n{"item": ...}\n{"end": true}\n

A callee that fails after its first item sends `{"error": {"errorType": ...}}` as last line. Bytes
that stop without either are an interrupted stream, so that it never looks complete.
"""

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any, Protocol

from adapter import json_bytes
from adapter.calls import codec, error_object
from adapter.errors import InvalidCall, RemoteError
from adapter.serve.channel import Channel

CONTENT_TYPE = "application/x-ndjson"

_END = b'{"end":true}\n'


async def encode(
    items: AsyncGenerator[Any, None],
    pack: Callable[[Any], Any],
    error_body: Callable[[BaseException], bytes],
) -> AsyncGenerator[bytes, None]:
    """Yield a frame for each item, which `pack` turns into JSON, and one for the end.

    An error is raised: before the first item as it is, later after a frame that tells it, whose
    object `error_body` writes.
    """
    begun = False
    async with contextlib.aclosing(items):
        try:
            async for item in items:
                yield json_bytes.dump({"item": pack(item)}) + b"\n"
                begun = True
        except Exception as error:
            if begun:
                yield b'{"error":' + error_body(error) + b"}\n"
            raise
        yield _END


class FrameReader:
    """Reads items from the bytes of a stream, however these are cut into pieces."""

    def __init__(self, deployment: str) -> None:
        self.complete = False  # the end frame was there
        self._deployment = deployment
        self._line: list[bytes] = []

    @property
    def rest(self) -> bytes:
        """What was fed after the last whole line."""
        return b"".join(self._line)

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield the items that end in `data`.

        Raises the callee's exception at its error frame and `InvalidCall` for what is no frame.
        """
        *ends, rest = data.split(b"\n")
        for end in ends:
            line = b"".join((*self._line, end))
            self._line.clear()
            yield from self._frame(line)
        if rest:
            self._line.append(rest)

    def _frame(self, line: bytes) -> Iterator[Any]:
        try:
            frame = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidCall(f"not a frame of a stream: {line[:100]!r}") from error
        match frame:
            case {"item": item}:
                yield codec.unpack(item, objects=True)
            case {"error": dict(told)}:
                raise error_object.exception(self._deployment, told)
            case {"end": True}:
                self.complete = True
            case _:
                raise InvalidCall(f"not a frame of a stream: {line[:100]!r}")


class ItemReader(Protocol):
    """Reads items from the bytes of a stream."""

    @property
    def complete(self) -> bool:
        """Whether the callee has said that there are no more."""
        ...

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield the items that end in `data`. Raises `RemoteError` for the callee's exception."""
        ...


async def deliver(
    pieces: AsyncIterator[bytes],
    reader: ItemReader,
    items: Channel[Any],
) -> None:
    """Put the items of a stream into a channel, and its end or the callee's exception.

    What follows that is read all the same: a callee that still works, on background tasks or on
    telling its own log what went wrong, must not be cancelled by a hang-up.
    """
    async for piece in pieces:
        if items.ended:
            continue
        try:
            for item in reader.feed(piece):
                await items.put(item)
        except RemoteError as error:
            items.end(error)
        if reader.complete:
            items.end()
