"""JSON as it is sent: compact UTF-8."""

import json
from typing import Any

# `json.dumps` makes an encoder for every call that says anything but the defaults.
_UTF_8 = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ASCII = json.JSONEncoder(separators=(",", ":"))


def dump(value: Any) -> bytes:
    """Write a value. Raises TypeError or ValueError for what JSON cannot say.

    Lone surrogates are escaped: UTF-8 has no bytes for them.
    """
    try:
        return _UTF_8.encode(value).encode()
    except UnicodeEncodeError:
        return _ASCII.encode(value).encode()
