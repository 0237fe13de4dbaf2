"""JSON as it is sent: compact UTF-8."""

import json
from typing import Any


def dump(value: Any) -> bytes:
    """Write a value. Raises TypeError or ValueError for what JSON cannot say.

    Lone surrogates are escaped: UTF-8 has no bytes for them.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
