"""An event stream, written for tests: any headers, any payload."""

import json
from binascii import crc32
from struct import pack
from typing import Any


def message(payload: bytes = b"", raw_headers: bytes = b"", **headers: str) -> bytes:
    """Write a message; the keyword `event_type` becomes the header `:event-type`."""
    written = b"".join(_header(key, value) for key, value in headers.items()) + raw_headers
    lengths = pack("!II", 16 + len(written) + len(payload), len(written))
    content = lengths + pack("!I", crc32(lengths)) + written + payload
    return content + pack("!I", crc32(content))


def _header(key: str, value: str) -> bytes:
    name, text = b":" + key.replace("_", "-").encode(), value.encode()
    return bytes([len(name)]) + name + b"\x07" + pack("!H", len(text)) + text


def chunk(payload: bytes) -> bytes:
    """Write a PayloadChunk."""
    return message(
        payload,
        event_type="PayloadChunk",
        content_type="application/octet-stream",
        message_type="event",
    )


def complete(**members: Any) -> bytes:
    """Write an InvokeComplete."""
    payload = json.dumps(members).encode()
    return message(payload, event_type="InvokeComplete", message_type="event")


def frames(*values: Any) -> bytes:
    """Write items and the end, as a callee does."""
    lines = [json.dumps({"item": value}) for value in values]
    return "".join(f"{line}\n" for line in (*lines, '{"end": true}')).encode()


def item(value: Any) -> bytes:
    """Write one item in a chunk of its own."""
    return chunk(json.dumps({"item": value}).encode() + b"\n")


END = chunk(b'{"end": true}\n') + complete()
