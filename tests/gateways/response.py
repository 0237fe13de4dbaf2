"""What a front door makes of a function's result, or refuses with 502."""

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, section 5.5
# Of the connection between function and gateway, of which there is none: RFC 9110, section 7.6.1.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    },
)


class Response(NamedTuple):
    """A response as the client receives it; header names are lower-case and may repeat."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class BadGateway(Exception):
    """The result is none that AWS documents; the client would get a 502."""


def fields(result: Any, known: set[str], *, needed: set[str]) -> dict[str, Any]:
    """Return a result that is an object with the documented keys."""
    if not isinstance(result, dict):
        raise BadGateway(f"no object: {result!r:.200}")
    if missing := needed - result.keys():
        raise BadGateway(f"without {sorted(missing)}: {result!r:.200}")
    if unknown := result.keys() - known:
        raise BadGateway(f"with {sorted(unknown)}, which is not documented: {result!r:.200}")
    return result


def status_code(value: Any) -> int:
    """Return a status that goes to a client."""
    if type(value) is not int or not 200 <= value <= 599:
        raise BadGateway(f"no status code: {value!r}")
    return value


def body_bytes(result: Mapping[str, Any]) -> bytes:
    """Return the body, decoded where `isBase64Encoded` says so."""
    body, encoded = result.get("body", ""), result.get("isBase64Encoded", False)
    if not isinstance(body, str) or not isinstance(encoded, bool):
        raise BadGateway(f"body={body!r:.100} isBase64Encoded={encoded!r}")
    return from_base64(body) if encoded else body.encode()


def from_base64(text: str) -> bytes:
    """Decode, strictly."""
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise BadGateway(f"no base64: {text!r:.100}") from error


def single_values(headers: Any) -> list[tuple[str, str]]:
    """Read an object of names and values; names that differ in their case only are repeats."""
    if not isinstance(headers, dict):
        raise BadGateway(f"headers={headers!r:.100}")
    return [checked(name, value) for name, value in headers.items()]


def value_lists(headers: Any) -> list[tuple[str, str]]:
    """Read an object of names and lists of values."""
    if not isinstance(headers, dict) or not all(isinstance(v, list) for v in headers.values()):
        raise BadGateway(f"multiValueHeaders={headers!r:.100}")
    return [checked(name, value) for name, values in headers.items() for value in values]


def checked(name: Any, value: Any) -> tuple[str, str]:
    """Return a header that can be sent. A number as value is a 502 of a load balancer."""
    if not isinstance(name, str) or not TOKEN.fullmatch(name):
        raise BadGateway(f"no header name: {name!r:.100}")
    if not isinstance(value, str) or not VALUE.fullmatch(value):
        raise BadGateway(f"no value of {name}: {value!r:.100}")
    return name.lower(), value


def sent(status: int, headers: list[tuple[str, str]], body: bytes) -> Response:
    """Leave out what the front door says for itself, and refuse a length that is not true.

    A response without a body may tell any length: to HEAD and 304 it is what a GET would have.
    """
    for name, value in headers:
        if name == "content-length" and body and value != str(len(body)):
            raise BadGateway(f"content-length={value} of a body of {len(body)} bytes")
    kept = tuple(header for header in headers if header[0] not in HOP_BY_HOP)
    return Response(status, kept, body)
