"""What an application may send, and what of it leaves: the rules for every gateway.

https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
"""

import functools
import re
from collections.abc import Collection, Sequence
from typing import Any

Headers = list[tuple[bytes, bytes]]
Response = dict[str, Any]  # "status", "headers", "body", as Mangum's handler classes take it

KB = 1024
MB = 1024 * KB
LAMBDA_BYTES = 6 * MB + 100  # what the Runtime API takes of a result
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_OF_TOKENS = bytes(code for code in range(128) if _TOKEN.fullmatch(bytes([code])))
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")  # all but the tab: RFC 9110, section 5.5
# What the connection to the client is about is between the gateway and the client.
_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    },
)
_TEXT_TYPES = (
    "text/",
    "application/json",
    "application/javascript",
    "application/xml",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
)


class InvalidResponse(ValueError):
    """An application sends a response that HTTP does not allow."""


def checked_status(status: Any) -> int:
    """Return a status. Raises `InvalidResponse` for what is none of a whole response."""
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise InvalidResponse(f"status={status!r:.100} must be a number from 200 to 599")
    return int(status)


def checked_headers(headers: Any) -> Headers:
    """Return headers as bytes, names in lower case. Raises `InvalidResponse` for what is none."""
    try:
        pairs = [(_bytes(name).lower(), _bytes(value)) for name, value in headers]
    except (TypeError, ValueError) as error:
        raise InvalidResponse(f"headers must be pairs of bytes: {headers!r:.100}") from error
    names = [name for name, _ in pairs]
    values = b"".join([value for _, value in pairs])
    # All at once; deleting is the fastest way to look at each character.
    if b"".join(names).translate(None, _OF_TOKENS) or not all(names) or _CONTROLS.search(values):
        _refuse_headers(pairs)
    return pairs


def _refuse_headers(pairs: Headers) -> None:
    """Raise `InvalidResponse` for the first header that is none."""
    for name, value in pairs:
        shown = repr(name.decode("latin-1"))[:100]
        if not _TOKEN.fullmatch(name):
            raise InvalidResponse(f"{shown} is no name of a header")
        if _CONTROLS.search(value):
            raise InvalidResponse(
                f"header {shown} has a line end or another control character in its value: "
                f"{value!r:.100}",
            )


def _bytes(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    if not isinstance(value, bytes | bytearray | memoryview):  # bytes(3) would be three NULs
        raise TypeError(f"not bytes: {value!r:.100}")
    return bytes(value)


def content_length(headers: Headers) -> int | None:
    """Return the length that a response announces. Raises `InvalidResponse` where it is none."""
    found = [value for name, value in headers if name == b"content-length"]
    if not found:
        return None
    if len(found) > 1 or not found[0].isdigit():
        raise InvalidResponse(f"not a content-length: {b', '.join(found)!r:.100}")
    return int(found[0])


def kept_headers(headers: Headers, excluded: Collection[bytes] = ()) -> Headers:
    """Return what leaves: neither what is between two hops nor what is `excluded`."""
    names = {name for name, _ in headers}
    if names.isdisjoint(_HOP_BY_HOP) and names.isdisjoint(excluded):
        return headers
    dropped = _HOP_BY_HOP.union(excluded)
    for name, value in headers:
        if name == b"connection":
            dropped = dropped.union(part.strip().lower() for part in value.split(b","))
    return [pair for pair in headers if pair[0] not in dropped]


def is_text(headers: Headers, text_types: Sequence[str] = ()) -> bool:
    """Whether a body may be told as text in a JSON result, if it is UTF-8.

    A compressed one may not: the content type says what it is when it is unpacked.
    """
    content_type = ""
    for name, value in headers:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            return False
        if name == b"content-type":
            content_type = value.decode("latin-1").strip().lower()
    return _is_text_type(content_type, tuple(text_types))


@functools.lru_cache(maxsize=100)
def _is_text_type(content_type: str, text_types: tuple[str, ...]) -> bool:
    kind = content_type.partition(";")[0].rstrip()
    return (
        kind.startswith((*_TEXT_TYPES, *text_types))
        or kind.endswith(("+json", "+xml"))
        or "charset=" in content_type
    )


def plain_response(status: int, text: str) -> Response:
    """Make a response that no application gives."""
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    return {"status": status, "headers": headers, "body": text.encode(errors="replace")}


def server_error() -> Response:
    """Make the response to a failure, of which the client learns nothing."""
    return plain_response(500, "Internal Server Error")
