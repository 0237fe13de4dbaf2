"""JSON as it is sent: compact UTF-8."""

import json
from typing import Any

# `json.dumps` makes an encoder for every call that says anything but the defaults.
_UTF_8 = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ASCII = json.JSONEncoder(separators=(",", ":"))

# Python's encoder takes 3 to 4 ms for 1 MB of text, more than all else that a call of that size
# costs. To find that there is nothing to escape, as in base64, takes a fifth of it.
_LONG = 32 * 1024  # characters
_LEVELS = 2  # of containers where long texts are looked for: the arguments of a call are there
_MOST_ITEMS = 32  # of such a container
_CONTROLS = bytes(range(0x20))


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
        return data[1:-1].decode("utf-8", "surrogatepass")
    return json.loads(data)


def _is_clean_text(data: bytes) -> bool:
    """Whether it is a long text in which nothing is escaped."""
    return (
        len(data) >= _LONG
        and data.startswith(b'"')
        and data.find(b'"', 1) == len(data) - 1
        and b"\\" not in data
        and len(data.translate(None, _CONTROLS)) == len(data)
    )


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
    # What most texts have that need escapes is looked for first: that ends where one is found.
    usual = b'"' in data or b"\n" in data or b"\\" in data
    if usual or len(data.translate(None, _CONTROLS)) < len(data):
        return [_UTF_8.encode(text).encode()]
    return [b'"', data, b'"']
