"""What a streamed response begins with."""

import json
from typing import Any

import pytest

from adapter.http.prelude import CONTENT_TYPE, MOST_BYTES, prelude
from adapter.local.http_result import MalformedResultError
from adapter.local.prelude import Prelude, begins_with_prelude, read_prelude

NULS = bytes(8)


def _read(value: Any) -> Prelude:
    found = read_prelude(json.dumps(value).encode() + NULS)
    assert found is not None
    return found[0]


def test_a_whole_prelude() -> None:
    head = _read(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "text/plain", "X-Single": "1"},
            "multiValueHeaders": {"X-Several": ["a", "b"]},
            "cookies": ["a=1", "b=2"],
        },
    )

    assert head == Prelude(
        status=201,
        headers=(
            ("content-type", "text/plain"),
            ("x-single", "1"),
            ("x-several", "a"),
            ("x-several", "b"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ),
    )


def test_everything_has_a_default() -> None:
    assert _read({}) == Prelude(status=200, headers=(), content_length=None)


def test_several_values_win_over_a_single_one_whatever_the_case() -> None:
    head = _read({"headers": {"x-a": "single"}, "multiValueHeaders": {"X-A": ["b", "c"]}})

    assert head.headers == (("x-a", "b"), ("x-a", "c"))


def test_what_concerns_the_connection_stays_behind_but_the_length_is_known() -> None:
    head = _read(
        {"headers": {"Transfer-Encoding": "chunked", "Connection": "close", "Content-Length": "5"}},
    )

    assert head == Prelude(content_length=5)


def test_what_a_function_writes_is_read() -> None:
    headers = [(b"a", b"1"), (b"a", b"2"), (b"set-cookie", b"c=1"), (b"x", "é".encode("latin-1"))]
    found = read_prelude(prelude(418, headers, several=True))

    assert found == (
        Prelude(status=418, headers=(("x", "é"), ("a", "1"), ("a", "2"), ("set-cookie", "c=1"))),
        b"",
    )


@pytest.mark.parametrize("cut", range(len(b"{}" + NULS)))
def test_it_may_come_in_pieces(cut: int) -> None:
    data = b"{}" + NULS

    assert read_prelude(data[:cut]) is None
    assert read_prelude(data) == (Prelude(), b"")


def test_the_body_after_it_is_left_alone() -> None:
    body = NULS + b"a" * MOST_BYTES + NULS

    assert read_prelude(b"{}" + NULS + body) == (Prelude(), body)


def test_the_delimiter_must_be_within_16_kilobytes() -> None:
    text = b"{}".ljust(MOST_BYTES - 8)
    largest = read_prelude(text + NULS + b"body")

    assert largest == (Prelude(), b"body")
    assert read_prelude(text + b" ") is None
    for data in (text + b" " + NULS, text + b" " * 8):
        with pytest.raises(MalformedResultError, match="within the first 16384 bytes"):
            read_prelude(data)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 15_000, "not JSON"),
        (b"[]", "must be an object"),
        (b'{"body": ""}', "no 'body'"),
        (b'{"statusCode": "x"}', "statusCode='x'"),
        (b'{"statusCode": 99}', "statusCode=99"),
        (b'{"headers": ["a"]}', "must be objects"),
        (b'{"headers": {"a b": "c"}}', "cannot be sent"),
        (b'{"headers": {"a": "b\\r\\nc: d"}}', "cannot be sent"),
        (b'{"multiValueHeaders": {"a": "b"}}', "must be a list"),
        (b'{"cookies": "a=1"}', "cookies must be a list"),
        (b'{"headers": {"content-length": "many"}}', "content-length"),
        (b'{"multiValueHeaders": {"content-length": [1, 2]}}', "content-length"),
    ],
)
def test_a_malformed_prelude_says_what_is_wrong(text: bytes, reason: str) -> None:
    with pytest.raises(MalformedResultError, match=reason):
        read_prelude(text + NULS)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (CONTENT_TYPE, True),
        (f"{CONTENT_TYPE}; charset=utf-8", True),
        (CONTENT_TYPE.upper(), True),
        ("application/json", False),
        ("", False),
    ],
)
def test_the_content_type_says_whether_there_is_one(content_type: str, *, expected: bool) -> None:
    assert begins_with_prelude(content_type) is expected
