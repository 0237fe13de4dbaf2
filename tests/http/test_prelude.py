import json

import pytest

from adapter.http.prelude import HeadTooLarge, prelude

HEADERS = [
    (b"Content-Type", b"text/event-stream"),
    (b"Set-Cookie", b"a=1; Path=/"),
    (b"set-cookie", b"b=2"),
    (b"x-many", b"one"),
    (b"x-many", b"two"),
]


def written(*, several: bool) -> dict[str, object]:
    text, delimiter, rest = prelude(207, HEADERS, several=several).partition(bytes(8))
    assert (delimiter, rest) == (bytes(8), b"")
    found: dict[str, object] = json.loads(text)
    return found


def test_a_function_url_gets_one_value_of_a_header_and_the_cookies_apart() -> None:
    assert written(several=False) == {
        "statusCode": 207,
        "headers": {"content-type": "text/event-stream", "x-many": "one, two"},
        "cookies": ["a=1; Path=/", "b=2"],
    }


def test_a_rest_api_keeps_several_values_of_a_header() -> None:
    assert written(several=True) == {
        "statusCode": 207,
        "headers": {"content-type": "text/event-stream"},
        "multiValueHeaders": {"x-many": ["one", "two"]},
        "cookies": ["a=1; Path=/", "b=2"],
    }


def test_bytes_above_ascii_are_latin_1_as_in_http() -> None:
    text = prelude(200, [(b"x", b"caf\xe9")], several=False)[:-8]

    assert json.loads(text)["headers"] == {"x": "café"}


def test_the_largest_head_has_16_kb_delimiter_included() -> None:
    room = 16 * 1024 - len(prelude(200, [(b"x", b"")], several=False))

    assert len(prelude(200, [(b"x", b"a" * room)], several=False)) == 16 * 1024
    with pytest.raises(HeadTooLarge, match=r"take 16385 bytes.*16384"):
        prelude(200, [(b"x", b"a" * (room + 1))], several=False)
