"""The event stream encoding, read by botocore."""

import json
import os
from binascii import crc32
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer

from adapter.local.event_stream import invoke_complete, payload_chunks

MEGABYTE = 1024 * 1024


def _messages(data: bytes) -> list[tuple[dict[str, Any], bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    messages: list[Any] = list(buffer)
    return [(message.headers, message.payload) for message in messages]


def test_a_piece_is_one_payload_chunk() -> None:
    (message,) = _messages(b"".join(payload_chunks(b"\x00ab\xff")))

    assert message == (
        {
            ":event-type": "PayloadChunk",
            ":content-type": "application/octet-stream",
            ":message-type": "event",
        },
        b"\x00ab\xff",
    )


def test_the_end_carries_how_it_went() -> None:
    plain, failed = _messages(invoke_complete() + invoke_complete(ErrorCode="KeyError"))

    assert plain[0][":event-type"] == "InvokeComplete"
    assert plain[0][":content-type"] == "application/json"
    assert [json.loads(payload) for _, payload in (plain, failed)] == [
        {},
        {"ErrorCode": "KeyError"},
    ]


@pytest.mark.parametrize(
    ("size", "count"),
    [(0, 0), (1, 1), (MEGABYTE, 1), (MEGABYTE + 1, 2), (5 * MEGABYTE, 5)],
)
def test_what_is_large_is_split(size: int, count: int) -> None:
    data = os.urandom(size)
    messages = _messages(b"".join(payload_chunks(data)))

    assert len(messages) == count
    assert b"".join(payload for _, payload in messages) == data


@pytest.mark.parametrize("at", [0, 5, 9, 20, -1])
def test_both_checksums_guard_the_message(at: int) -> None:
    (message,) = payload_chunks(b"abc")
    broken = bytearray(message)
    broken[at] ^= 1

    assert crc32(message[:8]).to_bytes(4, "big") == message[8:12]
    assert crc32(message[:-4]).to_bytes(4, "big") == message[-4:]
    with pytest.raises(ChecksumMismatch):
        _messages(bytes(broken) + bytes(2**10))
