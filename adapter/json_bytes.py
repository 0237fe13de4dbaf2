"""JSON as it is sent: compact UTF-8."""

import json
from typing import Any

# `json.dumps` makes an encoder for every call that says anything but the defaults.
_UTF_8 = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ASCII = json.JSONEncoder(separators=(",", ":"))

# Python's encoder takes 2 to 4 ms for 1 MB of text, as much as all else that a call of that size
# costs. To find that there is nothing to escape, as in base64, takes a seventh of it.
_LONG = 32 * 1024  # characters
_LEVELS = 2  # of containers where long texts are looked for: the arguments of a call are there
_MOST_ITEMS = 32  # of such a container
_ESCAPED = b'"\n\\' + bytes(range(0x20))  # first what most texts have that need escapes
_IN_CACHE = 32 * 1024  # bytes that the processor has at hand while it looks for each of those


def dump(value: Any) -> bytes:
    """Write a value. Raises TypeError or ValueError for what JSON cannot say.

    Lone surrogates are escaped: UTF-8 has no bytes for them.
    """
    try:
        if _has_long_text(value, _LEVELS):
            return b"".join(_pieces(value, _LEVELS))
        return _UTF_8.encode(value).encode()
    except UnicodeEncodeError:
        return _ASCII.encode(value).encode()


def load(data: bytes | str) -> Any:
    """Read a value. Raises ValueError or RecursionError for anything else."""
    if isinstance(data, bytes) and _is_clean_text(data):
        with memoryview(data) as quoted:
            return str(quoted[1:-1], "utf-8", "surrogatepass")
    return json.loads(data)


def _is_clean_text(data: bytes) -> bool:
    """Whether it is a long text in which nothing is escaped."""
    quoted = data.startswith(b'"') and data.endswith(b'"')
    return len(data) >= _LONG and quoted and _is_clean(data, 1, len(data) - 1)


def _is_clean(data: bytes, begin: int, end: int) -> bool:
    """Whether there is nothing to escape; one byte after the other is far faster looked for."""
    for start in range(begin, end, _IN_CACHE):
        piece = data[start : min(start + _IN_CACHE, end)]
        if any(map(piece.__contains__, _ESCAPED)):
            return False
    return True


def _has_long_text(value: Any, levels: int) -> bool:
    # Small calls pay for this, too: a call of Python's own for each text would double it.
    kind = type(value)
    if kind is str:
        return len(value) >= _LONG
    if not levels or (kind is not dict and kind is not list) or len(value) > _MOST_ITEMS:
        return False
    for item in value.values() if kind is dict else value:
        if type(item) is str:
            if len(item) >= _LONG:
                return True
        elif _has_long_text(item, levels - 1):
            return True
    return False


def _pieces(value: Any, levels: int) -> list[bytes]:
    if not _has_long_text(value, levels):
        return [_UTF_8.encode(value).encode()]
    if type(value) is str:
        return _text(value)
    if type(value) is list:
        return _joined(b"[", [_pieces(item, levels - 1) for item in value], b"]")
    if not all(isinstance(key, str) for key in value):  # what others become is the encoder's affair
        return [_UTF_8.encode(value).encode()]
    members = value.items()
    items = [[*_pieces(key, 0), b":", *_pieces(item, levels - 1)] for key, item in members]
    return _joined(b"{", items, b"}")


def _joined(begin: bytes, items: list[list[bytes]], end: bytes) -> list[bytes]:
    pieces = [begin]
    for item in items:
        pieces += [*item, b","]
    pieces[-1] = end
    return pieces


def _text(text: str) -> list[bytes]:
    data = text.encode()
    if not _is_clean(data, 0, len(data)):
        return [_UTF_8.encode(text).encode()]
    return [b'"', data, b'"']
