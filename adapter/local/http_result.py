"""A function's JSON result as the HTTP response that its gateway makes of it. No I/O."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_STATUS = re.compile(r"[0-9]{3}")
_FORBIDDEN_IN_VALUE = re.compile(r"[\r\n\0]")
# The gateway speaks to the client for itself about these.
_GATEWAY_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    },
)
WITHOUT_BODY = frozenset({204, 304})  # RFC 9110, 15.3.5 and 15.4.5


class MalformedResultError(Exception):
    """The function returned something that is no HTTP response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A response as it goes to the client; header names are lower-case and may repeat."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    @property
    def encoded_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers as ASGI wants them."""
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]


def gateway_error(status: int, message: str) -> HttpResponse:
    """Make the response that API Gateway gives when there is none from the function."""
    return json_response(status, json.dumps({"message": message}).encode())


def text_response(status: int, text: str) -> HttpResponse:
    """Make a response of our own that people read."""
    body = text.encode()
    headers = (
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", str(len(body))),
    )
    return HttpResponse(status=status, headers=headers, body=body)


def result_response(
    payload: bytes,
    *,
    method: str = "GET",
    default_type: str = "text/plain;charset=UTF-8",
) -> HttpResponse:
    """Read a result in payload format 2.0.

    An object with `statusCode` is a response, of `default_type` where it names no content type; any
    other JSON is the body of a 200. Raises `MalformedResultError` saying what is wrong.
    """
    try:
        result = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise MalformedResultError(f"the result is not JSON: {error}") from error
    if not isinstance(result, dict) or "statusCode" not in result:
        return json_response(200, payload)
    status = checked_status(result["statusCode"])
    body = b"" if status in WITHOUT_BODY else _body(result)
    headers = _headers(result)
    if body and all(name != "content-type" for name, _ in headers):
        headers.append(("content-type", default_type))
    headers += _content_length(status, body, result, method)
    return HttpResponse(status=status, headers=tuple(headers), body=body)


def json_response(status: int, body: bytes) -> HttpResponse:
    """Make a response of JSON."""
    headers = (("content-type", "application/json"), ("content-length", str(len(body))))
    return HttpResponse(status=status, headers=headers, body=body)


def checked_status(value: Any) -> int:
    """Read a status code. Raises `MalformedResultError` for what is none."""
    status = int(value) if isinstance(value, str) and _STATUS.fullmatch(value) else value
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise MalformedResultError(f"statusCode={value!r:.100} must be a number from 200 to 599")
    return status


def _body(result: dict[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedResultError(f"body must be a string, found a {type(body).__name__}")
    if not result.get("isBase64Encoded"):
        return body.encode("utf-8", "replace")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedResultError(f"body is not base64: {error}") from error


def _headers(result: dict[str, Any]) -> list[tuple[str, str]]:
    given = result.get("headers") or {}
    cookies = result.get("cookies") or []
    if not isinstance(given, dict) or not isinstance(cookies, list):
        raise MalformedResultError("headers must be an object and cookies a list")
    return header_pairs({name: [value] for name, value in given.items()}, cookies)


def header_pairs(
    named: Mapping[str, Iterable[Any]],
    cookies: Iterable[Any],
) -> list[tuple[str, str]]:
    """Return headers as they are sent, without those that are the gateway's own.

    Raises `MalformedResultError` where one cannot be sent.
    """
    pairs = [(name.lower(), _text(value)) for name, values in named.items() for value in values]
    pairs = [pair for pair in pairs if pair[0] not in _GATEWAY_HEADERS]
    pairs += [("set-cookie", _text(cookie)) for cookie in cookies]
    for name, value in pairs:
        if not _TOKEN.fullmatch(name) or _FORBIDDEN_IN_VALUE.search(value):
            raise MalformedResultError(f"header {name!r:.100}: {value!r:.100} cannot be sent")
    return pairs


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise MalformedResultError(f"a header's value must be a string, found {value!r:.100}")
    try:
        str(value).encode("latin-1")
    except UnicodeEncodeError as error:
        raise MalformedResultError(f"header value {value!r:.100} is not latin-1") from error
    return str(value)


def _content_length(
    status: int,
    body: bytes,
    result: dict[str, Any],
    method: str,
) -> list[tuple[str, str]]:
    if status in WITHOUT_BODY:
        return []
    if method == "HEAD" and not body:  # the length that a GET would have, if the function says it
        given = {str(name).lower(): value for name, value in (result.get("headers") or {}).items()}
        length = str(given.get("content-length", 0))
        return [("content-length", length if length.isdecimal() else "0")]
    return [("content-length", str(len(body)))]
