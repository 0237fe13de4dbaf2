"""Amazon's event stream encoding, read: the messages of InvokeWithResponseStream. No I/O.

A message is its total length, the length of its headers, a CRC-32 of both, the headers, the payload
and a CRC-32 of all of it: https://smithy.io/2.0/aws/amazon-eventstream.html
botocore's parser costs a cold start 12 ms; this one is checked against it.
"""

import struct
from binascii import crc32
from collections.abc import Iterator
from struct import unpack_from
from typing import Final, NamedTuple

_PRELUDE: Final = 12  # bytes: two lengths and their checksum
_CHECKSUM: Final = 4
_MOST_HEADERS: Final = 128 * 1024  # bytes, as the encoding's authors have it
_MOST_PAYLOAD: Final = 24 * 1024 * 1024
_STRING: Final = 7
# Bytes of the other types of a header's value; the remaining two say their length themselves.
_SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


class EventStreamError(ConnectionError):
    """Bytes that are no event stream, or a damaged one."""


class Message(NamedTuple):
    """One message; of its headers those whose values are text, which all of Lambda's are."""

    headers: dict[str, str]
    payload: bytes


class EventStreamReader:
    """Reads messages from bytes, however these are cut into pieces."""

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def empty(self) -> bool:
        """Whether no message has begun and not ended."""
        return not self._data

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that end in `data`. Raises `EventStreamError`."""
        self._data += data
        while (size := self._size()) is not None and len(self._data) >= size:
            message = bytes(self._data[:size])
            del self._data[:size]
            yield _message(message)

    def _size(self) -> int | None:
        """Return the length of the message that has begun, once that is there and makes sense."""
        if len(self._data) < _PRELUDE:
            return None
        total, headers, checksum = unpack_from("!III", self._data)
        if crc32(self._data[: _PRELUDE - 4]) != checksum:
            raise EventStreamError("the checksum of an event's prelude is wrong")
        payload = total - headers - _PRELUDE - _CHECKSUM
        if headers > _MOST_HEADERS or not 0 <= payload <= _MOST_PAYLOAD:
            raise EventStreamError(f"an event of {total} bytes with {headers} of headers")
        return int(total)


def _message(data: bytes) -> Message:
    (checksum,) = unpack_from("!I", data, len(data) - _CHECKSUM)
    if crc32(data[:-_CHECKSUM]) != checksum:
        raise EventStreamError("the checksum of an event is wrong")
    end = _PRELUDE + int(unpack_from("!I", data, 4)[0])
    return Message(_headers(data[_PRELUDE:end]), data[end:-_CHECKSUM])


def _headers(data: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            name = data[at + 1 : at + 1 + data[at]].decode()
            at += 1 + data[at]
            kind, at = data[at], at + 1
            size = _SIZES.get(kind)
            if size is None:
                size, at = int(unpack_from("!H", data, at)[0]), at + 2
            if kind == _STRING:
                headers[name] = data[at : at + size].decode()
            at += size
    except (IndexError, ValueError, struct.error) as error:
        raise EventStreamError("the headers of an event are damaged") from error
    return headers
