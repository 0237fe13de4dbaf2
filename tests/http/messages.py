"""Random requests, and random answers of applications, for hypothesis to choose from."""

import gzip
from typing import Any
from urllib.parse import quote, quote_plus

from hypothesis import strategies as st

from tests.gateways.request import Request
from tests.http.played import Answer, Fault

HOST = "api.example.com"
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXT = st.text(CHARACTERS, max_size=6)

# What may stand in a header: RFC 9110, section 5.5, bytes above 0x7f included.
_VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f")
_WORD = st.text(_VISIBLE, min_size=1, max_size=6)
VALUES = st.lists(_WORD, max_size=3).flatmap(
    lambda words: st.sampled_from([" ", "\t", ", ", "  "]).map(lambda space: space.join(words)),
)
_TOKEN = st.text("abcxyz019!#$%&'*+-.^_`|~", min_size=1, max_size=6).map("x-{}".format)
_COOKIE = st.tuples(st.text("abc_-1", min_size=1, max_size=4), st.text('abc%1="é,', max_size=4))
COOKIE = _COOKIE.map("=".join)
_COOKIES = st.lists(COOKIE, min_size=1, max_size=3).flatmap(
    lambda cookies: st.sampled_from(["; ", ";"]).map(lambda separator: separator.join(cookies)),
)


def escaped(safe: str = "") -> st.SearchStrategy[str]:
    """Draw text as it stands in a URL, now and then with what needs no escape escaped."""
    return TEXT.flatmap(
        lambda text: st.sampled_from([quote(text, safe=safe), "".join(map(_escape, text))]),
    )


def _path(segments: list[str]) -> str:
    return "/" + "/".join(segments)


def _escape(character: str) -> str:
    return "".join(f"%{byte:02x}" for byte in character.encode())


# What is decoded too often, or not at all, looks different afterwards.
_TRICKY = ["%2F", "%2f", "%25", "%252F", "%2541", "%41", "%3F", "%2B", "a+b", "", ".", ".."]
_SEGMENT = st.one_of(
    st.sampled_from(["items", "~", "a%20b"]),
    st.sampled_from(_TRICKY),
    escaped("!$&'()*+,;=:@~"),
)
PATHS = st.lists(_SEGMENT, min_size=1, max_size=4).map(_path)
_NAMES = st.one_of(st.sampled_from(["a", "b", "a[]", "ü", ""]), TEXT).map(quote)
_PIECES = st.one_of(
    st.tuples(_NAMES, escaped("/?:@!$'()*,~")).map("=".join),
    st.tuples(_NAMES, TEXT.map(quote_plus)).map("=".join),
    st.tuples(_NAMES, st.sampled_from(["", "=", "a=b", "100%25", "%2B", "+", "%26"])).map("=".join),
    _NAMES.filter(bool),
)
QUERIES = st.lists(_PIECES, max_size=4).map("&".join)

_REQUEST_NAMES = st.one_of(
    st.sampled_from(
        [
            "accept",
            "accept-encoding",
            "authorization",
            "connection",
            "if-none-match",
            "max-forwards",
            "te",
            "user-agent",
            "via",
            "x-amzn-trace-id",
            "x-forwarded-for",
            "x-one",
            "x-real-ip",
            "x-two",
        ],
    ),
    _TOKEN,
)
_SPELLINGS: list[Any] = [str.lower, str.title, str.upper]
_TEXT_TYPES = ["application/json", "text/plain; charset=utf-8", "application/xml"]
_BINARY_TYPES = [
    None,
    "application/octet-stream",
    "application/problem+json",
    "application/x-www-form-urlencoded",
    "image/png",
    "multipart/form-data; boundary=b",
]


FULL_REQUEST = Request(
    method="PUT",
    path="/%2Fa//%252F/%2541/%41/../%3F/%C3%A9/+/~/",
    query="a=1&b=%2B+%26&a=%252F&c&=d&a%5B%5D=%C3%BC&a=",
    headers=(
        ("Host", HOST),
        ("X-One", "é, 1"),
        ("Cookie", 'a=1;b="2"'),
        ("X-One", "2"),
        ("Cookie", "c=3; d"),
        ("X-Forwarded-For", "198.51.100.1, 10.0.0.1"),
        ("TE", "trailers"),
        ("Content-Type", "application/octet-stream"),
        ("Content-Length", "3"),
    ),
    body=b"\x00\xff{",
    client="2001:db8::9",
    scheme="http",
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Draw a request that a client may send."""
    kind, body = draw(_bodies())
    headers = [("Host", HOST), *draw(_request_headers())]
    if kind is not None:
        headers.append(("Content-Type", kind))
    if body:
        headers.append(("Content-Length", str(len(body))))
    return Request(
        method=draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])),
        path=draw(PATHS),
        query=draw(QUERIES),
        headers=tuple(headers),
        body=body,
        client=draw(st.sampled_from(["203.0.113.9", "2001:db8::9"])),
        scheme=draw(st.sampled_from(["http", "https"])),
    )


@st.composite
def _bodies(draw: st.DrawFn) -> tuple[str | None, bytes]:
    """Text types have text: what AWS makes of other bytes under their name is not documented."""
    if draw(st.booleans()):
        return draw(st.sampled_from(_TEXT_TYPES)), draw(TEXT).encode()
    return draw(st.sampled_from(_BINARY_TYPES)), draw(st.one_of(TEXT.map(str.encode), st.binary()))


@st.composite
def _request_headers(draw: st.DrawFn) -> list[tuple[str, str]]:
    spelling = draw(st.sampled_from(_SPELLINGS))
    names = draw(st.lists(_REQUEST_NAMES, max_size=4))
    cookies = draw(st.lists(_COOKIES, max_size=2))
    return [
        *((spelling(name), draw(_request_value(name))) for name in names),
        *((spelling("cookie"), value) for value in cookies),
    ]


def _request_value(name: str) -> st.SearchStrategy[str]:
    match name:
        case "connection":
            return st.just("keep-alive")
        case "te":
            return st.just("trailers")
        case "x-forwarded-for":
            return st.just("198.51.100.1, 10.0.0.1")
        case _:
            return VALUES


_STATUSES = st.sampled_from(
    [200, 200, 200, 201, 202, 204, 206, 299, 301, 304, 307, 400, 404, 418, 422, 499, 500, 503, 599],
)
_TYPES = [
    None,
    b"application/json",
    b"application/octet-stream",
    b"application/problem+json",
    b"Application/JSON; charset=utf-8",
    b"application/soap+xml",
    b"image/png",
    b"image/svg+xml",
    b"text/event-stream",
    b"text/html; charset=latin-1",
    b"text/plain",
    b"application/x-www-form-urlencoded",
    b"nonsense",
    b"",
]
_ANSWER_NAMES = st.one_of(
    st.sampled_from(
        [
            "Cache-Control",
            "content-language",
            "date",
            "etag",
            "keep-alive",
            "location",
            "vary",
            "www-authenticate",
            "x-accel-buffering",
            "x-one",
            "X-One",
        ],
    ),
    _TOKEN,
)
_BODIES = st.one_of(
    TEXT.map(str.encode),
    st.binary(max_size=40),
    st.just(b"\xef\xbb\xbfbom"),
    st.just("é".encode("latin-1")),
)


FULL_ANSWER = Answer(
    status=206,
    headers=(
        (b"Set-Cookie", b"a=1; Path=/"),
        (b"X-One", b"\xe9, 1"),
        (b"Content-Type", b"text/plain; charset=latin-1"),
        (b"set-cookie", b"b=2"),
        (b"x-one", b"\xa02"),
        (b"keep-alive", b"timeout=5"),
        (b"Content-Length", b"4"),
    ),
    pieces=(b"\xe9\xe8", b"", b"te"),
)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Draw an answer that an application may give; a length that it tells is true."""
    status = draw(_STATUSES)
    body, headers = draw(_bodies_and_headers())
    if draw(st.booleans()) and status != 204:
        headers.append((b"Content-Length", str(len(body)).encode()))
    if status in {204, 304}:  # without a body, but a 304 may tell the length that it would have
        body = b""
    return Answer(
        status=status,
        headers=tuple(draw(st.permutations(headers))),
        pieces=draw(_pieces(body)),
        reads_body=draw(st.booleans()),
        fault=draw(st.one_of(st.none(), st.none(), st.sampled_from(Fault))),
    )


@st.composite
def _bodies_and_headers(draw: st.DrawFn) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    body = draw(_BODIES)
    names = draw(st.lists(_ANSWER_NAMES, max_size=4))
    cookies = draw(st.lists(COOKIE, max_size=3))
    headers = [
        *((name.encode(), draw(VALUES).encode("latin-1")) for name in names),
        *((b"set-cookie", cookie.encode("latin-1")) for cookie in cookies),
    ]
    kind = draw(st.sampled_from(_TYPES))
    if kind is not None:
        headers.append((b"Content-Type", kind))
    match draw(st.sampled_from(["none", "none", "none", "gzip", "identity"])):
        case "gzip":
            body = gzip.compress(body, mtime=0)
            headers.append((b"content-encoding", b"gzip"))
        case "identity":
            headers.append((b"content-encoding", b"identity"))
    return body, headers


@st.composite
def _pieces(draw: st.DrawFn, body: bytes) -> tuple[bytes, ...]:
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=3)))
    ends = [*cuts, len(body)]
    return tuple(body[start:end] for start, end in zip([0, *cuts], ends, strict=True))
