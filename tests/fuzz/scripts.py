"""Applications that do anything: the messages they send, in any order and of any content."""

import asyncio
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.mutations import json_values, texts
from tests.fuzz.weights import mostly


class Raised(Exception):
    """What a script raises by itself."""


@dataclass(frozen=True)
class Send:
    """Send a message; where it is refused, go on if `swallow` says so."""

    message: Any
    swallow: bool = False


@dataclass(frozen=True)
class Do:
    """Do something else: "receive", "sleep" for a turn, "raise", "return"."""

    what: str
    text: str = ""


Script = list[Send | Do]


class Application:
    """An ASGI application that follows a script, and keeps what was accepted of it.

    `bodiless` says that it answers a HEAD request.
    """

    def __init__(self, script: Script, *, bodiless: bool) -> None:
        self._script = script
        self._bodiless = bodiless
        self._received = False
        self.accepted: list[Any] = []
        self.failed = False  # by itself, or because a message was refused

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        for step in self._script:
            if isinstance(step, Send):
                await self._send(step, send)
            elif step.what == "receive" and not self._received:
                self._received = True  # a second one would wait for its own response
                await receive()
            elif step.what == "raise":
                self.failed = True
                raise Raised(step.text)
            elif step.what == "return":
                return
            else:
                await asyncio.sleep(0)

    async def _send(self, step: Send, send: Any) -> None:
        try:
            await send(step.message)
        except Exception:
            if not step.swallow:
                self.failed = True
                raise
        else:
            self.accepted.append(step.message)

    @property
    def status(self) -> int:
        """What it has answered: the status it has begun with, or 500 where it did not complete."""
        return int(self.accepted[0]["status"]) if self.complete else 500

    @property
    def complete(self) -> bool:
        """Whether it has completed a response."""
        if len(self.accepted) < 2:
            return False
        return self.without_body or not self.accepted[-1].get("more_body")

    @property
    def without_body(self) -> bool:
        """Whether its response has none, whatever it sends: RFC 9110, 6.4.1."""
        return self._bodiless or self.accepted[0]["status"] in {204, 304}

    @property
    def announced(self) -> int | None:
        """How long it has said that its body is; None where it may say anything, or has not."""
        if not self.complete or self.without_body:
            return None
        headers = self.accepted[0].get("headers", ())
        lengths = [value for name, value in headers if bytes(name).lower() == b"content-length"]
        return int(lengths[0]) if lengths else None

    @property
    def body(self) -> bytes:
        """What was accepted of the body."""
        if not self.accepted or self.without_body:
            return b""
        return b"".join(bytes(message.get("body", b"")) for message in self.accepted[1:])


def start(status: Any, headers: Any) -> dict[str, Any]:
    """Make the message that begins a response."""
    return {"type": "http.response.start", "status": status, "headers": headers}


@cache
def scripts() -> st.SearchStrategy[Script]:
    """Any script; most are what ASGI has, or nearly."""
    return mostly(_nearly(), _good(), _spoilt(), st.lists(_steps(), max_size=5))


@cache
def _good() -> st.SearchStrategy[Script]:
    """A start and a body, as ASGI has them."""
    headers = st.lists(_good_headers(), max_size=5)
    return st.builds(_sending, _good_statuses(), headers, _pieces())


@cache
def _nearly() -> st.SearchStrategy[Script]:
    """A start whose status or one of whose headers may be wrong, and a body."""
    several = st.lists(_good_headers(), max_size=2)
    headers = st.tuples(several, _odd_headers(), several).map(
        lambda drawn: [*drawn[0], drawn[1], *drawn[2]],
    )
    good = _good_statuses()
    return st.builds(_sending, mostly(good, _statuses()), headers, _pieces())


def _sending(status: Any, headers: Any, pieces: list[bytes]) -> Script:
    body: Script = [
        Send({"type": "http.response.body", "body": piece, "more_body": True}) for piece in pieces
    ]
    return [Send(start(status, headers)), *body, Send({"type": "http.response.body"})]


@cache
def _pieces() -> st.SearchStrategy[list[bytes]]:
    """Pieces of a body: short ones, or one that some gateway does not take, or none does."""
    large = st.sampled_from([[b"\0" * 10_000], [b"x" * 1_100_000], [b"\xff" * 5_000_000]])
    short = st.lists(st.binary(max_size=5), max_size=3)
    return mostly(short, large)


@st.composite
def _spoilt(draw: st.DrawFn) -> Script:
    """A good script with other steps in between, in place of some, or without some."""
    script = list(draw(_good()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(script)))
        removed = draw(st.integers(0, 1))
        script[at : at + removed] = draw(st.lists(_steps(), max_size=1))
    return script


@cache
def _steps() -> st.SearchStrategy[Send | Do]:
    raises = st.builds(Do, st.just("raise"), texts())
    others = st.builds(Do, st.sampled_from(["receive", "sleep", "return"]))
    sends = st.builds(Send, _messages(), st.booleans())
    return mostly(sends, raises, others)


@cache
def _messages() -> st.SearchStrategy[Any]:
    kinds = st.sampled_from(
        [
            *("http.response.body", "http.response.start", "http.response.trailers"),
            *("http.response.push", "http.response.pathsend", "http.response.debug"),
            *("http.request", "http.disconnect", "websocket.accept", "lifespan.startup.complete"),
            *("", "\r\n", None, 3, b"http.response.start"),
        ],
    )
    odd = st.fixed_dictionaries(
        {},
        optional={
            "type": kinds,
            "status": _statuses(),
            "headers": _headers(),
            "body": _bodies(),
            "more_body": st.booleans() | st.sampled_from([None, 0, 1, "yes", []]),
            "trailers": st.booleans(),
        },
    )
    return (
        st.builds(start, _statuses(), _headers())
        | odd
        | odd
        | st.sampled_from([None, "", [], (), 3, object()])
    )


@cache
def _good_statuses() -> st.SearchStrategy[int]:
    return st.sampled_from([200, 201, 204, 206, 301, 304, 404, 418, 500, 599])


@cache
def _good_headers() -> st.SearchStrategy[tuple[bytes, bytes]]:
    return st.tuples(_names(), _values())


@cache
def _odd_headers() -> st.SearchStrategy[tuple[Any, Any]]:
    """A header with a wrong name, a wrong value, or a length that may be wrong."""
    lengths = st.integers(0, 15).map(lambda length: b"%d" % length)
    return st.one_of(
        st.tuples(_names(), _odd_values()),
        st.tuples(_odd_names(), _values()),
        st.tuples(st.just(b"content-length"), lengths | _odd_values()),
    )


@cache
def _statuses() -> st.SearchStrategy[Any]:
    odd = [0, -1, 99, 100, 101, 199, 600, 999, 2**70, 200.0, 204.5, "200", b"200", None, True, []]
    return st.sampled_from([200, HTTPStatus.OK, *odd, *HTTPStatus]) | json_values()


@cache
def _names() -> st.SearchStrategy[bytes]:
    return st.sampled_from(
        [
            *(b"content-type", b"Content-Type", b"content-encoding", b"set-cookie", b"Set-Cookie"),
            *(b"connection", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"keep-alive"),
            *(b"via", b"host", b"location", b"x-a", b"X-A", b"vary", b"x-amzn-remapped-date"),
        ],
    )


@cache
def _odd_names() -> st.SearchStrategy[Any]:
    odd = [b"", b"a b", b"a\r\nb", b"a:", b"\xe9", b"a\0", "x-text", None, 3, bytearray(b"x")]
    return st.sampled_from(odd) | st.binary(max_size=5)


@cache
def _values() -> st.SearchStrategy[bytes]:
    return st.sampled_from(
        [
            *(b"", b"1", b"text/plain", b"text/html; charset=utf-8", b"application/json", b"\xe9"),
            *(b"image/png", b"gzip", b"identity", b"a=1; Path=/", b"close, x-a", b"chunked"),
            *(b"a=1", b"application/problem+json", "é".encode(), b'text/plain; charset="', b"\t"),
        ],
    )


@cache
def _odd_values() -> st.SearchStrategy[Any]:
    odd = [
        b"a\r\nb: c",
        b"\0",
        b"\n",
        b"\x1b[2J",
        b"\x7f",
        "text",
        None,
        3,
        bytearray(b"x"),
        b" a ",
    ]
    lengths = [b"0", b"1", b"-1", b"5, 5", b"1" * 5_000, b"0x1", b"+1", b" 1", b"1 "]
    return st.sampled_from([*odd, *lengths]) | st.binary(max_size=20)


@cache
def _headers() -> st.SearchStrategy[Any]:
    pair = _odd_headers() | _good_headers()
    pairs = st.lists(pair | pair.map(list), max_size=4)
    other = st.sampled_from(
        [None, {}, {b"a": b"b"}, "a: b", b"a: b", 3, [()], [(b"a",)], [(b"a", b"b", b"c")], [None]],
    )
    long = st.just([(b"x-long", b"x" * 50_000)]) | st.just(
        [(b"x-%d" % n, b"x") for n in range(300)]
    )
    return mostly(pairs, other, long, json_values())


@cache
def _bodies() -> st.SearchStrategy[Any]:
    views = [bytearray(b"a"), memoryview(b"ab"), memoryview(b"ab")[::2]]
    odd: list[Any] = [None, "text", 3, 10**12, -1, [1, 2], (), {}, *views]
    return st.binary(max_size=50) | st.sampled_from(odd) | st.just(b"x" * 1_100_000)
