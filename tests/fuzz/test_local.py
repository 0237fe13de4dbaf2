"""What the front of `adapter run` reads of a function: a response, or words on what is wrong."""

import asyncio
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter import http1
from adapter.local.http_result import HttpResponse, MalformedResultError, result_response
from adapter.local.invocation import error_message_of, error_type_of
from adapter.local.posted import pass_on
from adapter.local.prelude import Prelude, read_prelude
from tests.fuzz import mutations, pieces
from tests.fuzz.outcomes import TOKEN
from tests.fuzz.test_http1 import Scripted, bodies
from tests.fuzz.watch import LONG_EXAMPLES, watched

pytestmark = pytest.mark.filterwarnings(LONG_EXAMPLES)

DELIMITER = bytes(8)
NAMES = ["content-type", "Content-Type", "content-length", "set-cookie", "x-a", "a b", "", "é"]
LENGTHS = ["0", "1", "-1", "5", "²", "9" * 5_000, "1e3"]


@cache
def head_objects() -> st.SearchStrategy[Any]:
    """What says status and headers, rightly or not."""
    value = mutations.scalars() | st.sampled_from(LENGTHS) | mutations.json_values()
    deep = st.sampled_from(mutations.DEPTHS).map(_nested)
    names = st.sampled_from(NAMES) | mutations.texts()
    statuses = st.sampled_from([200, 204, 304, 500, 199, 600, "200", "²", "9" * 5_000, True, 200.0])
    one = st.dictionaries(names, value | deep, max_size=3) | mutations.json_values()
    many = st.dictionaries(names, st.lists(value, max_size=3) | value | deep, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "statusCode": statuses | mutations.json_values() | deep,
            "headers": one,
            "multiValueHeaders": many | mutations.json_values(),
            "cookies": st.lists(value, max_size=3) | mutations.json_values() | deep,
            "body": mutations.texts() | mutations.json_values(),
            "isBase64Encoded": st.booleans() | mutations.json_values(),
        },
    )


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def assert_can_be_sent(headers: list[tuple[bytes, bytes]]) -> None:
    for name, value in headers:
        assert TOKEN.fullmatch(name.decode("ascii")), name
        assert name == name.lower()
        assert not set(value) & set(b"\r\n\0"), value


@given(
    payload=mutations.json_texts(head_objects() | mutations.json_values()) | st.binary(),
    method=st.sampled_from(["GET", "HEAD"]),
)
def test_result_of_a_function(payload: mutations.JsonText | bytes, method: str) -> None:
    data = payload if isinstance(payload, bytes) else payload.text.encode()
    with watched():
        error_type_of(data)
        error_message_of(data)
        try:
            response = result_response(data, method=method)
        except MalformedResultError as error:
            assert_is_told(error)
            return
        assert isinstance(response, HttpResponse)
        assert 200 <= response.status <= 599
        assert_can_be_sent(response.encoded_headers)


@given(
    head=mutations.json_texts(head_objects()) | st.binary(max_size=40),
    body=st.binary(max_size=20),
    padding=st.sampled_from([0, 0, 0, 16_000, 20_000]),
    cut=pieces.cuts(),
)
def test_prelude(
    head: mutations.JsonText | bytes,
    body: bytes,
    padding: int,
    cut: pieces.Cut,
) -> None:
    text = head if isinstance(head, bytes) else head.text.encode()
    data = text + b" " * padding + DELIMITER + body
    with watched():
        whole = _read([data])
        assert _read(cut(data)) == whole
        if isinstance(whole, tuple):
            prelude, rest = whole
            assert isinstance(prelude, Prelude)
            assert rest.endswith(body)
            assert 200 <= prelude.status <= 599
            named = HttpResponse(status=prelude.status, headers=prelude.headers)
            assert_can_be_sent(named.encoded_headers)


def _read(cuts: list[bytes]) -> tuple[Prelude, bytes] | str | None:
    """Read a prelude as it arrives, then the rest; or say what is wrong with it."""
    data, found = b"", None
    for cut in cuts:
        data += cut
        try:
            found = found or read_prelude(data)
        except MalformedResultError as error:
            assert_is_told(error)
            return "malformed"
    return (found[0], data[data.index(DELIMITER) + len(DELIMITER) :]) if found else None


def assert_is_told(error: MalformedResultError) -> None:
    assert str(error)
    assert len(str(error)) < 1_000, "an error's text grows with the result"


@given(data=bodies(), cut=pieces.cuts())
def test_posted_stream(data: bytes, cut: pieces.Cut) -> None:
    async def read(cuts: list[bytes]) -> Any:
        written: list[bytes] = []
        trailers: dict[str, str] = {}
        body = Scripted(cuts).pieces({"transfer-encoding": "chunked"}, trailers)

        async def write(piece: bytes) -> None:
            written.append(piece)

        try:
            posted = await pass_on(body, trailers, write)
        except http1.ProtocolError:
            return None
        return posted.failed, posted.payload, b"".join(written)

    with watched():
        assert asyncio.run(read(cut(data))) == asyncio.run(read([data]))
