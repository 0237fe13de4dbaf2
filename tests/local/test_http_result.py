"""Results as responses: what API Gateway makes of good ones and of bad ones."""

import json
from typing import Any

import pytest

from adapter.local.http_result import (
    HttpResponse,
    MalformedResultError,
    gateway_error,
    result_response,
)


def _response(result: Any, **more: Any) -> HttpResponse:
    return result_response(json.dumps(result).encode(), **more)


def test_a_whole_response() -> None:
    response = _response(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "text/html", "X-Number": 5, "X-Yes": True},
            "cookies": ["a=1; Path=/", "b=2"],
            "body": "ü",
        },
    )

    assert response == HttpResponse(
        status=201,
        headers=(
            ("content-type", "text/html"),
            ("x-number", "5"),
            ("x-yes", "true"),
            ("set-cookie", "a=1; Path=/"),
            ("set-cookie", "b=2"),
            ("content-length", "2"),
        ),
        body="ü".encode(),
    )


@pytest.mark.parametrize("result", ["text", 5, None, [1], {"a": 1}, {}])
def test_json_without_a_status_is_the_body(result: Any) -> None:
    response = _response(result)

    assert response.status == 200
    assert dict(response.headers)["content-type"] == "application/json"
    assert json.loads(response.body) == result


def test_base64_is_decoded() -> None:
    response = _response({"statusCode": 200, "body": "AP8=", "isBase64Encoded": True})

    assert response.body == b"\x00\xff"
    assert dict(response.headers)["content-length"] == "2"


def test_a_body_without_content_type_is_text() -> None:
    response = _response({"statusCode": 200, "body": "x"})

    assert dict(response.headers)["content-type"] == "text/plain;charset=UTF-8"


def test_a_status_alone_is_enough() -> None:
    assert _response({"statusCode": "404"}) == HttpResponse(
        status=404,
        headers=(("content-length", "0"),),
    )


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body_and_no_length(status: int) -> None:
    headers = {"content-length": "5", "etag": "x"}
    response = _response({"statusCode": status, "headers": headers, "body": "12345"})

    assert response == HttpResponse(status=status, headers=(("etag", "x"),))


@pytest.mark.parametrize(
    ("result", "length"),
    [
        ({"statusCode": 200, "headers": {"Content-Length": "99"}}, "99"),
        ({"statusCode": 200, "headers": {"Content-Length": "x"}}, "0"),
        ({"statusCode": 200}, "0"),
        ({"statusCode": 200, "body": "abc"}, "3"),
    ],
)
def test_head_keeps_the_length_that_a_get_would_have(result: Any, length: str) -> None:
    assert dict(_response(result, method="HEAD").headers)["content-length"] == length


def test_the_gateway_speaks_for_the_connection_itself() -> None:
    headers = {"Connection": "close", "Transfer-Encoding": "chunked", "Content-Length": "1"}
    response = _response({"statusCode": 200, "headers": headers, "body": "abc"})

    assert [name for name, _ in response.headers] == ["content-type", "content-length"]
    assert dict(response.headers)["content-length"] == "3"


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": None},
        {"statusCode": True},
        {"statusCode": "OK"},
        {"statusCode": 99},
        {"statusCode": 101},
        {"statusCode": 600},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "%%", "isBase64Encoded": True},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": ["b"]}},
        {"statusCode": 200, "headers": {"a": None}},
        {"statusCode": 200, "headers": {"a b": "c"}},
        {"statusCode": 200, "headers": {"": "c"}},
        {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
        {"statusCode": 200, "headers": {"a": "\0"}},
        {"statusCode": 200, "headers": {"a": "Ω"}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "cookies": ["a\nb"]},
        {"statusCode": 200, "cookies": [["a"]]},
    ],
)
def test_a_malformed_result_is_refused(result: Any) -> None:
    with pytest.raises(MalformedResultError):
        _response(result)


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[" * 200_000])
def test_what_is_no_json_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedResultError, match="not JSON"):
        result_response(payload)


def test_lone_surrogates_do_not_break_the_answer() -> None:
    assert result_response(b'{"statusCode": 200, "body": "a\\ud800"}').body == b"a?"


def test_an_error_of_the_gateway() -> None:
    response = gateway_error(404, "Not Found")

    assert response.body == b'{"message": "Not Found"}'
    assert response.encoded_headers == [
        (b"content-type", b"application/json"),
        (b"content-length", b"24"),
    ]
