"""What a streamed HTTP response begins with, as a gateway reads it. No I/O.

The other end of `adapter.http.prelude`:
https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from adapter.http.prelude import CONTENT_TYPE, MOST_BYTES
from adapter.local.http_result import MalformedResultError, checked_status, header_pairs

_DELIMITER = bytes(8)
_KEYS = frozenset({"statusCode", "headers", "multiValueHeaders", "cookies"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prelude:
    """Status and headers of a streamed response; header names are lower-case and may repeat.

    `content_length` is what the function says of the body that follows, None where it does not.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    content_length: int | None = None


def begins_with_prelude(content_type: str) -> bool:
    """Whether a stream of that type is an HTTP response in Lambda's streaming format."""
    return content_type.partition(";")[0].strip().lower() == CONTENT_TYPE


def read_prelude(data: bytes) -> tuple[Prelude, bytes] | None:
    """Read what a response begins with; return it and the beginning of the body.

    None where `data` does not hold all of it yet. Raises `MalformedResultError` saying what is
    wrong, also where the delimiter is not within the first 16 KB.
    """
    text, delimiter, body = data[:MOST_BYTES].partition(_DELIMITER)
    if delimiter:
        return _prelude(text), body + data[MOST_BYTES:]
    if len(data) >= MOST_BYTES:
        raise MalformedResultError(
            f"the delimiter of eight NUL bytes is not within the first {MOST_BYTES} bytes",
        )
    return None


def _prelude(text: bytes) -> Prelude:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedResultError(f"the prelude is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise MalformedResultError(f"the prelude must be an object, found {value!r:.100}")
    if unknown := sorted(value.keys() - _KEYS):
        raise MalformedResultError(f"a prelude has no {unknown[0]!r:.100}; it may have {_known()}")
    named, cookies = _values(value), value.get("cookies") or []
    if not isinstance(cookies, list):
        raise MalformedResultError(f"cookies must be a list, found {cookies!r:.100}")
    return Prelude(
        status=checked_status(value.get("statusCode", 200)),
        headers=tuple(header_pairs(named, cookies)),
        content_length=_content_length(named),
    )


def _values(value: dict[str, Any]) -> dict[str, list[Any]]:
    single, several = value.get("headers") or {}, value.get("multiValueHeaders") or {}
    if not isinstance(single, dict) or not isinstance(several, dict):
        raise MalformedResultError("headers and multiValueHeaders must be objects")
    if not all(isinstance(values, list) for values in several.values()):
        raise MalformedResultError("every value in multiValueHeaders must be a list")
    return {
        **{name.lower(): [header] for name, header in single.items()},
        **{name.lower(): headers for name, headers in several.items()},
    }


_LENGTH = re.compile(r"[0-9]{1,16}")


def _content_length(named: dict[str, list[Any]]) -> int | None:
    values = named.get("content-length")
    if not values:
        return None
    if len(values) != 1 or not _LENGTH.fullmatch(str(values[0])):
        raise MalformedResultError(f"content-length={values!r:.100} must be a number of bytes")
    return int(values[0])


def _known() -> str:
    return ", ".join(sorted(_KEYS))
