"""A request as an event tells it, checked and encoded as ASGI has it.

Whatever an event holds becomes a `Request` or a `Refused`: who may invoke the function may send
any JSON, and what a client sends reaches the event through a gateway that we have not seen.
https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope
"""

import functools
import re
import reprlib
from base64 import b64decode
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

Headers = list[tuple[bytes, bytes]]

_UNQUOTED = "/:@!$&'()*+,;=~"  # what a path may hold as it is: RFC 3986, section 3.3
_ENCODED = _UNQUOTED + "%"  # the same in one that is encoded already
_PLAIN_PATH = re.compile(r"[/:@!$&'()*+,;=~\-._0-9A-Za-z]+")  # the same however it is read
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_QUERY = re.compile(r"[!-~]*")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SETS_KEPT, _MOST_KEPT = 100, 2048  # sets of header names, and characters of one: 200 KB and more
_OF_TOKENS = bytes(code for code in range(0x21, 0x7F) if _TOKEN.fullmatch(chr(code)))
# A name or IPv4 address, or an IPv6 address, with a port: RFC 3986, section 3.2.2.
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
# An address as proxies write it; a load balancer adds the client's port where it is told to.
_ADDRESS = re.compile(rb"\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+)(?::[0-9]+)?|([0-9A-Fa-f:.]+)")


class Refused(Exception):
    """An event is no request that may be served; `status` and the text are the answer."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class Request(NamedTuple):
    """What a request says, wherever it came from.

    `path` is decoded, `raw_path` is not; both begin with "/". Names of headers are in lower case.
    `source_ip` is the address that the gateway names, `domain` its own name; empty where it does
    not say.
    """

    method: str
    path: str
    raw_path: bytes
    query: bytes
    headers: Headers
    body: bytes
    source_ip: str = ""
    domain: str = ""
    forwarded_proto: bytes = b"x-forwarded-proto"

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header."""
        return [value for key, value in self.headers if key == name]


def short(value: Any) -> str:
    """Show a value that may be as long and as deep as JSON can be."""
    return reprlib.repr(value)[:100]


def at(value: Any, *keys: str | int) -> Any:
    """Return what lies within nested objects and lists, None where one is another thing."""
    for key in keys:
        try:
            value = value[key]
        except (LookupError, TypeError):
            return None
    return value


def text(value: Any, what: str) -> str:
    """Return a string, empty for None. Raises `Refused` for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(f"{what!r:.100} must be a string, found {short(value)}")
    return value


def mapping(value: Any, what: str) -> dict[str, Any]:
    """Return an object, empty for None. Raises `Refused` for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(f"{what!r:.100} must be an object, found {short(value)}")
    return value


def strings(value: Any, what: str) -> list[str]:
    """Return a list of strings, where one may stand for itself. Raises `Refused` for others."""
    values = value if isinstance(value, list) else [value]
    for found in values:
        if not isinstance(found, str):
            raise Refused(f"{what!r:.100} must be a string, found {short(found)}")
    return values


def method(value: Any) -> str:
    """Return a request's method. Raises `Refused` for what is none."""
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise Refused(f"not a method: {short(value)}")
    return value


def decoded_path(value: Any) -> tuple[str, bytes]:
    """Return path and raw path of a gateway that has decoded the path."""
    path = _absolute(text(value, "path"))
    return path, path.encode() if _PLAIN_PATH.fullmatch(path) else _quoted(path, _UNQUOTED)


def encoded_path(value: Any) -> tuple[str, bytes]:
    """Return path and raw path of a gateway that passes the path on as it was sent."""
    path = _absolute(text(value, "path"))
    if _PLAIN_PATH.fullmatch(path):
        return path, path.encode()
    raw_path = _quoted(path, _ENCODED)
    return unquote(raw_path.decode()), raw_path


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def raw_query(value: Any) -> bytes:
    """Return a query string that is passed on as it was sent."""
    query = text(value, "query string")
    return query.encode() if _QUERY.fullmatch(query) else _quoted(query, _PRINTABLE)


def _quoted(value: str, safe: str) -> bytes:
    try:
        return quote(value, safe=safe).encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON can say
        raise Refused(f"not text: {short(value)}") from error


def encoded(pairs: list[tuple[Any, Any]]) -> Headers:
    """Return headers in bytes, names in lower case. Raises `Refused` for what cannot be one.

    Values are Latin-1, as HTTP has them, and UTF-8 where they do not fit.
    """
    if not pairs:
        return []
    names, values = zip(*pairs, strict=True)
    try:
        all_names, all_values = "\n".join(names), "\n".join(values)
    except TypeError as error:
        raise Refused(f"names and values of headers must be strings: {error}") from error
    lower = _keys if len(all_names) <= _MOST_KEPT else _keys.__wrapped__
    keys = lower(all_names, len(pairs))
    if all_values.count("\n") != len(pairs) - 1 or "\r" in all_values or "\0" in all_values:
        raise Refused("a header has a line end or NUL in its value")
    try:
        found = all_values.encode("latin-1").split(b"\n")
    except UnicodeEncodeError:
        found = [_wide(value) for value in values]
    return list(zip(keys, found, strict=True))


@functools.lru_cache(maxsize=_SETS_KEPT)  # requests of one client have the same names
def _keys(names: str, count: int) -> tuple[bytes, ...]:
    """Return names, which come one a line, in lower case. Raises `Refused` for what is none."""
    # Lower case of bytes: that of the Kelvin sign, as text, is an ASCII letter.
    keys = names.encode(errors="replace").lower()
    found = keys.split(b"\n")
    # Deleting is the fastest way to look at each character.
    if keys.translate(None, _OF_TOKENS) != b"\n" * (count - 1) or not all(found):
        raise Refused(f"not names of headers: {names!r:.200}")
    return tuple(found)


def _wide(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        pass
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise Refused(f"not text: {short(value)}") from error


def single_headers(value: Any) -> list[tuple[Any, Any]]:
    """Read an object of headers with one value each; `encoded` looks at the values."""
    return list(mapping(value, "headers").items())


def several_headers(value: Any) -> list[tuple[str, str]]:
    """Read an object of headers with a list of values each."""
    headers = mapping(value, "headers")
    return [(name, one) for name, found in headers.items() for one in strings(found, name)]


def check_host(headers: Headers) -> None:
    """Raise `Refused` for what is no host, or for two of them: RFC 9112, section 3.2."""
    found = [value for name, value in headers if name == b"host"]
    if found and not (_HOST.fullmatch(found[0]) and found.count(found[0]) == len(found)):
        raise Refused(f"not a Host header: {sorted(set(found))!r:.100}")


def body(value: Any, *, is_base64: Any) -> bytes:
    """Return a body. Raises `Refused` where it is not the base64 that it should be."""
    content = text(value, "body")
    try:
        return b64decode(content, validate=True) if is_base64 else content.encode()
    except ValueError as error:
        raise Refused(f"not a body: {error}") from error


def last_forwarded(headers: Headers, hops: int = 0) -> str:
    """Return the address that the nearest of `hops` trusted proxies, or the gateway, has added.

    X-Forwarded-For is what the client sent, followed by what each proxy on the way saw. Empty where
    there are not so many addresses, or where it is none.
    """
    values = [value for name, value in headers if name == b"x-forwarded-for"]
    entries = b",".join(values).split(b",")
    found = _ADDRESS.fullmatch(entries[-1 - hops].strip()) if len(entries) > hops else None
    return found[found.lastindex or 0].decode() if found else ""
