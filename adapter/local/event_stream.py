"""Amazon's event stream encoding: the messages of InvokeWithResponseStream. No I/O.

A message is its total length, the length of its headers, a CRC-32 of both, the headers, the payload
and a CRC-32 of all of it: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import json
from binascii import crc32
from collections.abc import Iterator
from struct import pack
from typing import Final

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
_MOST_PAYLOAD: Final = 1024 * 1024  # bytes; clients refuse messages that are far larger
_STRING: Final = 7  # the type of a header's value


def payload_chunks(data: bytes) -> Iterator[bytes]:
    """Yield the PayloadChunk events that carry `data`; none for no data."""
    for start in range(0, len(data), _MOST_PAYLOAD):
        piece = data[start : start + _MOST_PAYLOAD]
        yield _message("PayloadChunk", "application/octet-stream", piece)


def invoke_complete(**members: str) -> bytes:
    """Return the last event; its members are ErrorCode, ErrorDetails and LogResult."""
    return _message("InvokeComplete", "application/json", json.dumps(members).encode())


def _message(event_type: str, content_type: str, payload: bytes) -> bytes:
    headers = b"".join(
        (
            _header(":event-type", event_type),
            _header(":content-type", content_type),
            _header(":message-type", "event"),
        ),
    )
    lengths = pack("!II", 16 + len(headers) + len(payload), len(headers))
    content = lengths + pack("!I", crc32(lengths)) + headers + payload
    return content + pack("!I", crc32(content))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return pack("!B", len(key)) + key + pack("!BH", _STRING, len(text)) + text
