"""Events that nobody sends on purpose: real ones, changed in a few places, and any JSON at all."""

import copy
import json
import sys
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from hypothesis import assume, reject
from hypothesis import strategies as st

from tests.fuzz.corpus import EVENTS, HTTP, SOCKETS
from tests.fuzz.weights import mostly

_SHOWN = 3_000  # characters of a long text
# Levels of a deep value: far below and just below what Python can parse at all, which is more
# than its own code can follow since 3.12.
DEPTHS = [100, 300, 450, 900, 940, *([5_000] if sys.version_info >= (3, 12) else [])]
_MOST_HOLDERS = 100  # lists and objects of an event that are looked at
_MOST_BYTES = 6 * 1024 * 1024  # Lambda takes no larger event


_VITAL = frozenset(
    {
        *("rawPath", "path", "uri", "raw_path", "rawQueryString", "querystring", "body", "data"),
        *("method", "httpMethod", "headers", "multiValueHeaders", "host", "Host", "content-type"),
        *("cookies", "queryStringParameters", "multiValueQueryStringParameters", "sourceIp"),
        *("x-forwarded-for", "X-Forwarded-For", "x-forwarded-proto", "isBase64Encoded", "value"),
    },
)


def written(value: Any) -> str:
    """Write JSON; what is too deep for that is no example."""
    try:
        return json.dumps(value)
    except RecursionError:
        reject()


class JsonText:
    """JSON as it arrives. In reports it is shown as text, the middle of a long one left out."""

    def __init__(self, value: Any) -> None:
        self.text = written(value)

    def __repr__(self) -> str:
        text = self.text
        if len(text) > _SHOWN:
            text = f"{text[: _SHOWN // 2]} …{len(text)} characters… {text[-_SHOWN // 2 :]}"
        return f"JsonText({text!r})"

    def read(self) -> Any:
        """Parse it, as a runtime does; what a runtime cannot parse is no example."""
        try:
            return json.loads(self.text)
        except RecursionError:
            reject()


# What has a meaning somewhere: to HTTP, a URL, a terminal, a log, UTF-8, a file system.
HOSTILE = [
    *("\0", "\r\n", "\n", "\r", "\t", "\x1b[2J", "\x7f", "\x85", "\x9b", "\u2028", "\u202e"),
    *("\ud800", "\udfff", "\ud83d", "é", "ÿ", "💥", "\ufeff", "\ufffe"),
    *("%", "%%", "%2", "%zz", "%00", "%0d%0a", "%2F", "%2f", "%25", "%252F", "%c3", "%E9"),
    *(
        "%C3%A9",
        "%u0041",
        "&amp;",
        "+",
        ";",
        ",",
        "=",
        "==",
        "&",
        "?",
        "#",
        "@",
        ":",
        "//",
        "/",
        "\\",
        '"',
    ),
    *("..", "/../", "%2e%2e/", "[::1]", "[", "]", "a:b:c", ":65536", ":-1", " ", "  ", "\u00a0"),
    *("-1", "1e9", "0x10", "१", "²", "NaN", "null", "true", "$default", "HEAD", "get", "chunked"),
    *("gzip", "identity", "text/html; charset=utf-8", "text/html; charset=\ud800", "QQ==junk"),
]
# What is told by the event's kind, or read from it.
_MEANINGFUL = frozenset(
    {
        *("version", "routeKey", "rawPath", "rawQueryString", "cookies", "headers", "body"),
        *("multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters"),
        *("requestContext", "http", "method", "path", "sourceIp", "stage", "domainName", "elb"),
        *("isBase64Encoded", "httpMethod", "resource", "identity", "host", "content-type", "apiId"),
        *("x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "content-length", "cookie"),
        *("raw_path", "query_string_parameters", "is_base64_encoded", "serviceNetworkArn"),
        *("Records", "cf", "request", "uri", "querystring", "clientIp", "data", "encoding"),
        *("inputTruncated", "key", "value", "connectionId", "eventType", "content-encoding"),
        *("args", "kwargs", "context", "stream", "deadline_ms", "$bytes", "$ndarray", "$tuple"),
    },
)


@cache
def texts() -> st.SearchStrategy[str]:
    """Any text, lone surrogates and control characters included."""
    hostile = st.sampled_from(HOSTILE)
    worst = st.sampled_from(["\ud800", "\r\n", "\0", "%", "%ff", "\x1b"])
    short = worst | hostile | st.text(st.characters(), max_size=12)
    return short | st.lists(short, max_size=8).map("".join)


@cache
def scalars() -> st.SearchStrategy[Any]:
    """What JSON has besides lists and objects; Python reads NaN and Infinity too."""
    huge = st.sampled_from([2**31, 2**53 + 1, -(2**63), 2**64, 10**400, -(10**4000)])
    return st.none() | st.booleans() | st.integers() | huge | st.floats() | texts()


@cache
def json_values() -> st.SearchStrategy[Any]:
    """Any JSON, its objects with keys that mean something more often than not."""
    keys = st.sampled_from(sorted(_MEANINGFUL)) | texts()
    return st.recursive(
        scalars(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
        max_leaves=8,
    )


class _Place(NamedTuple):
    """Where a value is: `holder[key]`."""

    holder: Any
    key: Any

    @property
    def value(self) -> Any:
        return self.holder[self.key]

    def put(self, value: Any) -> None:
        self.holder[self.key] = value


def _places(value: Any) -> Iterator[_Place]:
    """Yield places, those far out first; of a large value not all."""
    holders = deque([value])
    for _ in range(_MOST_HOLDERS):
        if not holders:
            return
        holder = holders.popleft()
        keys: Any = holder if isinstance(holder, dict) else range(len(holder))
        for key in islice(keys, _MOST_HOLDERS):
            yield _Place(holder, key)
            if isinstance(holder[key], (dict, list)):
                holders.append(holder[key])


def _replace(draw: st.DrawFn, place: _Place) -> None:
    place.put(draw(json_values()))


def _delete(_draw: st.DrawFn, place: _Place) -> None:
    del place.holder[place.key]


def _duplicate(draw: st.DrawFn, place: _Place) -> None:
    if isinstance(place.holder, list):
        place.holder.insert(0, place.value)
        return
    respell = draw(st.sampled_from([str.upper, str.title, str.swapcase, str.lower]))
    again = draw(json_values()) if draw(st.booleans()) else place.value
    place.holder[respell(place.key)] = again


def _rename(draw: st.DrawFn, place: _Place) -> None:
    if isinstance(place.holder, dict):
        name = draw(texts()) if draw(st.booleans()) else place.key.upper()
        place.holder[name] = place.holder.pop(place.key)


def _swap_type(draw: st.DrawFn, place: _Place) -> None:
    value = place.value
    others: list[Any] = [[value], {"value": value}, str(value), json.dumps(value), bool(value)]
    if isinstance(value, str):
        others += [len(value), list(value[:20]), None]
    if isinstance(value, (dict, list)) and value:
        others.append(next(iter(value)) if isinstance(value, list) else list(value.values()))
    place.put(draw(st.sampled_from(others)))


def _nest(_draw: st.DrawFn, place: _Place) -> None:
    place.put({place.key: place.value} if isinstance(place.key, str) else [place.value])


def _lengthen(draw: st.DrawFn, place: _Place) -> None:
    value, times = place.value, draw(st.sampled_from([2, 50, 300, 2_000]))
    if isinstance(value, (dict, list)) and len(list(_places(value))) > _MOST_HOLDERS:
        return  # long enough
    if isinstance(value, dict):
        place.put({**value, **{f"{key}-{n}": 1 for key in list(value)[:3] for n in range(times)}})
    elif isinstance(value, list):
        place.put(value[:3] * times)
    else:  # a few bytes beyond some limit, or far
        place.put((str(value) or "x")[:20] * draw(st.sampled_from([times, times * 30])))


def _deepen(draw: st.DrawFn, place: _Place) -> None:
    value, as_object = place.value, draw(st.booleans())
    for _ in range(draw(st.sampled_from([3, *DEPTHS]))):
        value = {"a": value} if as_object else [value]
    place.put(value)


def _spoil(draw: st.DrawFn, place: _Place) -> None:
    if not isinstance(place.value, str):
        place.put(draw(texts()))
        return
    at = draw(st.integers(0, len(place.value)))
    place.put(place.value[:at] + draw(texts()) + place.value[at:])


_CHANGES: list[Callable[[st.DrawFn, _Place], None]] = [
    *(_spoil, _spoil, _spoil, _replace, _replace, _delete, _duplicate, _swap_type, _rename, _nest),
    *(_lengthen, _deepen),
]


@cache
def _names() -> st.SearchStrategy[str]:
    """HTTP events more often than others."""
    return mostly(st.sampled_from(HTTP), st.sampled_from(sorted(EVENTS)))


def _merge(draw: st.DrawFn, event: dict[str, Any]) -> None:
    """Put parts of another event into this one, so that its kind becomes ambiguous."""
    other = copy.deepcopy(EVENTS[draw(_names())])
    if not isinstance(other, dict):
        return
    mine, theirs = event.get("requestContext"), other.get("requestContext")
    if isinstance(mine, dict) and isinstance(theirs, dict) and draw(st.booleans()):
        mine.update(theirs)
        return
    keys = draw(st.sets(st.sampled_from(sorted(other)))) if other else set()
    event.update({key: other[key] for key in sorted(keys)})


@st.composite
def mutated_events(draw: st.DrawFn, names: st.SearchStrategy[str] | None = None) -> Any:
    """Take a real event, one of `names`, and change it in a few places."""
    event = copy.deepcopy(EVENTS[draw(_names() if names is None else names)])
    for _ in range(draw(st.integers(0, 4))):
        if not isinstance(event, dict):
            break
        if draw(st.integers(0, 9)) == 9:
            _merge(draw, event)
            continue
        places = list(_places(event))
        among: frozenset[str] = draw(st.sampled_from([frozenset(), _MEANINGFUL, _VITAL]))
        places = [place for place in places if place.key in among] or places
        if places:
            draw(st.sampled_from(_CHANGES))(draw, draw(st.sampled_from(places)))
    return event


@st.composite
def json_texts(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> JsonText:
    """Write JSON; what is too large or too deep for that is no example."""
    try:
        value = draw(values)
    except RecursionError:
        reject()
    text = JsonText(value)
    assume(len(text.text) <= _MOST_BYTES)
    return text


@cache
def event_texts() -> st.SearchStrategy[JsonText]:
    """Events as text: changed ones, and any JSON."""
    return json_texts(mostly(mutated_events(), json_values()))


@cache
def socket_texts() -> st.SearchStrategy[JsonText]:
    """Events of a WebSocket API as text, changed."""
    return json_texts(mutated_events(st.sampled_from(SOCKETS)))
