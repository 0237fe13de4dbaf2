from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from adapter.calls import codec
from adapter.calls.frames import FrameReader, deliver, encode
from adapter.errors import InvalidCall, NotSerializable, RemoteError
from adapter.serve.channel import Channel, EndOfChannel

VALUES = [None, 1, "é\n\u2028", {"a": [1.5]}, b"\n\x00", (1, 2), datetime.now(UTC), {"end": True}]


async def items(*values: Any, error: Exception | None = None) -> AsyncGenerator[Any, None]:
    for value in values:
        yield value
    if error:
        raise error


def error_body(error: BaseException) -> bytes:
    return b'{"errorType":"%s","stackTrace":["  File a\\n"]}' % type(error).__name__.encode()


def packed(item: Any) -> Any:
    return codec.pack(item, "an item")


def encoded(*values: Any, error: Exception | None = None) -> AsyncGenerator[bytes, None]:
    return encode(items(*values, error=error), packed, error_body)


async def test_values_come_back_as_they_were() -> None:
    reader = FrameReader("Model")
    read = [item async for frame in encoded(*VALUES) for item in reader.feed(frame)]

    assert (read, reader.complete) == (VALUES, True)


async def test_frames_may_be_cut_anywhere() -> None:
    data = b"".join([frame async for frame in encoded(*VALUES)])
    for size in (1, 2, 7, len(data)):
        reader = FrameReader("Model")
        pieces = [data[at : at + size] for at in range(0, len(data), size)]

        assert [item for piece in pieces for item in reader.feed(piece)] == VALUES
        assert (reader.complete, reader.rest) == (True, b"")


async def test_a_frame_is_one_line() -> None:
    frames = [frame async for frame in encoded(*VALUES)]

    assert [frame.count(b"\n") for frame in frames] == [1] * (len(VALUES) + 1)
    assert all(frame.endswith(b"\n") for frame in frames)


async def test_error_before_the_first_item_has_no_frame() -> None:
    with pytest.raises(KeyError):
        await anext(encoded(error=KeyError("x")))


async def test_error_after_an_item_has_a_frame_and_is_raised() -> None:
    frames = encoded(1, error=KeyError("x"))

    assert await anext(frames) == b'{"item":1}\n'
    assert await anext(frames) == b'{"error":' + error_body(KeyError()) + b"}\n"
    with pytest.raises(KeyError):
        await anext(frames)


async def test_item_that_cannot_travel_is_named() -> None:
    with pytest.raises(NotSerializable, match=r"an item is a builtins\.object"):
        await anext(encoded(object()))


async def test_error_frame_is_the_callees_exception_with_its_traceback() -> None:
    reader = FrameReader("Model")
    with pytest.raises(KeyError, match="KeyError in deployment Model") as caught:
        list(reader.feed(b'{"error":' + error_body(KeyError()) + b"}\n"))

    assert isinstance(caught.value, RemoteError)
    assert caught.value.remote_traceback == "  File a\n"
    assert not reader.complete


@pytest.mark.parametrize(
    "line",
    [b"", b"<html>", b"[]", b"1", b"{}", b'{"end": 1}', b'{"error": "text"}', b"\xff", b"[" * 9999],
)
def test_line_that_is_no_frame_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidCall, match="not a frame of a stream"):
        list(FrameReader("Model").feed(line + b"\n"))


async def pieces_of(*pieces: bytes, read: list[bytes] | None = None) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        if read is not None:
            read.append(piece)


async def test_stream_is_delivered_to_its_end() -> None:
    channel: Channel[Any] = Channel()
    await deliver(
        pieces_of(b'{"item":1}\n{"it', b'em":2}\n{"end":true}\n'),
        FrameReader("Model"),
        channel,
    )

    assert [await channel.get(), await channel.get()] == [1, 2]
    with pytest.raises(EndOfChannel):
        await channel.get()


@pytest.mark.parametrize("last", [b'{"end":true}\n', b'{"error":{"errorType":"KeyError"}}\n'])
async def test_what_follows_the_end_is_read_and_dropped(last: bytes) -> None:
    channel: Channel[Any] = Channel()
    read: list[bytes] = []
    await deliver(pieces_of(last, b"more\n", b"most", read=read), FrameReader("Model"), channel)

    assert channel.ended
    assert read == [last, b"more\n", b"most"]


async def test_stream_that_breaks_off_has_no_end() -> None:
    channel: Channel[Any] = Channel()
    await deliver(pieces_of(b'{"item":1}\n{"end":tr'), FrameReader("Model"), channel)

    assert (await channel.get(), channel.ended) == (1, False)
