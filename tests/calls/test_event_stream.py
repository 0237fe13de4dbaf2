from binascii import crc32
from struct import pack
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from adapter.calls.event_stream import EventStreamError, EventStreamReader, Message
from tests.calls.events import chunk, complete, message

OTHER_HEADERS = b"".join(
    bytes([len(name)]) + name + bytes([kind]) + value
    for name, kind, value in (
        (b"true", 0, b""),
        (b"false", 1, b""),
        (b"byte", 2, b"\x01"),
        (b"short", 3, b"\x00\x01"),
        (b"int", 4, b"\x00\x00\x00\x01"),
        (b"long", 5, pack("!q", 1)),
        (b"bytes", 6, b"\x00\x03abc"),
        (b"time", 8, pack("!q", 1)),
        (b"uuid", 9, bytes(16)),
        (b"text", 7, b"\x00\x02\xc3\xa9"),
    )
)
STREAM = b"".join(
    (
        chunk(b"first"),
        chunk(b""),
        chunk(bytes(range(256)) * 300),
        message(b"{}", OTHER_HEADERS, event_type="Other"),
        message(),
        complete(ErrorCode="Unhandled"),
    ),
)


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def headers(found: Any) -> dict[str, Any]:
    return dict(found.headers)


def of_botocore(data: bytes) -> list[Message]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [
        Message(
            {name: value for name, value in headers(found).items() if isinstance(value, str)},
            found.payload,
        )
        for found in buffer
    ]


@pytest.mark.parametrize("size", [1, 3, 12, 16, 1000, len(STREAM)])
def test_messages_are_those_that_botocore_reads(size: int) -> None:
    reader = EventStreamReader()
    found = [message for piece in cut(STREAM, size) for message in reader.feed(piece)]

    assert found == of_botocore(STREAM)
    assert found[3].headers == {":event-type": "Other", "text": "é"}


def test_message_is_there_with_its_last_byte() -> None:
    reader = EventStreamReader()
    data = chunk(b"payload")

    assert list(reader.feed(data[:-1])) == []
    assert [message.payload for message in reader.feed(data[-1:])] == [b"payload"]


def test_flipped_bit_is_found() -> None:
    for at in range(len(chunk(b"x"))):
        data = bytearray(chunk(b"x"))
        data[at] ^= 1

        with pytest.raises(EventStreamError):
            list(EventStreamReader().feed(bytes(data)))


def test_bytes_of_something_else_are_refused() -> None:
    with pytest.raises(EventStreamError, match="checksum of an event's prelude is wrong"):
        list(EventStreamReader().feed(b"<html><body>Bad Gateway</body></html>"))


def prelude(total: int, headers: int) -> bytes:
    lengths = pack("!II", total, headers)
    return lengths + pack("!I", crc32(lengths))


@pytest.mark.parametrize(
    ("total", "headers"), [(0, 0), (15, 0), (20, 5), (2**31, 0), (2**31, 2**30), (200_016, 200_000)]
)
def test_lengths_that_make_no_sense_are_refused(total: int, headers: int) -> None:
    with pytest.raises(EventStreamError, match=f"an event of {total} bytes"):
        list(EventStreamReader().feed(prelude(total, headers)))


@pytest.mark.parametrize("raw", [b"\x05ab", b"\x01a", b"\x01a\x07\x00", b"\x01\xff\x07\x00\x00"])
def test_damaged_headers_are_refused(raw: bytes) -> None:
    with pytest.raises(EventStreamError, match="headers of an event are damaged"):
        list(EventStreamReader().feed(message(raw_headers=raw)))
