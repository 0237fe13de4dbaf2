"""Requests as events, compared whole."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from adapter.local.http_event import Arrival, HttpApiRoute, HttpRequest, http_api_event

ROUTE = HttpApiRoute(key="ANY /{proxy+}", path_parameters={"proxy": "a b"})
ARRIVAL = Arrival(
    request_id="the-id",
    trace_id="Root=1-2",
    time=datetime(2026, 11, 21, 14, 2, 11, 204_000, tzinfo=UTC),
)


def _event(**request: Any) -> dict[str, Any]:
    return http_api_event(
        HttpRequest(**{"method": "POST", "path": "/a b", **request}),
        ROUTE,
        ARRIVAL,
    )


def test_a_whole_event() -> None:
    event = _event(
        query="x=1&x=2&y=%C3%BC&z=",
        headers=(
            ("host", "evil.example"),
            ("accept", "text/html"),
            ("accept", "text/plain"),
            ("content-type", "application/json"),
            ("cookie", "a=1; b=2"),
            ("cookie", "c=3"),
            ("user-agent", "curl/8"),
        ),
        body=b'{"a": 1}',
        client="10.1.2.3",
        server=("192.0.2.1", 8080),
    )

    assert event == {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": "/a b",
        "rawQueryString": "x=1&x=2&y=%C3%BC&z=",
        "cookies": ["a=1", "b=2", "c=3"],
        "headers": {
            "host": "evil.example",
            "accept": "text/html,text/plain",
            "content-type": "application/json",
            "content-length": "8",
            "user-agent": "curl/8",
            "x-amzn-trace-id": "Root=1-2",
            "x-forwarded-for": "10.1.2.3",
            "x-forwarded-port": "8080",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"x": "1,2", "y": "ü", "z": ""},
        "pathParameters": {"proxy": "a b"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "192.0.2.1",
            "domainPrefix": "192",
            "http": {
                "method": "POST",
                "path": "/a b",
                "protocol": "HTTP/1.1",
                "sourceIp": "10.1.2.3",
                "userAgent": "curl/8",
            },
            "requestId": "the-id",
            "routeKey": "ANY /{proxy+}",
            "stage": "$default",
            "time": "21/Nov/2026:14:02:11 +0000",
            "timeEpoch": 1795269731204,
        },
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }


def test_what_is_empty_is_left_out() -> None:
    route = HttpApiRoute(key="ANY /")
    event = http_api_event(HttpRequest(method="GET", path="/"), route, ARRIVAL)

    assert set(event) == {
        "version",
        "routeKey",
        "rawPath",
        "rawQueryString",
        "headers",
        "requestContext",
        "isBase64Encoded",
    }
    assert event["rawQueryString"] == ""


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/problem+json",
        "image/svg+xml",
        "application/xml",
    ],
)
def test_text_travels_as_text(content_type: str) -> None:
    event = _event(body="ü".encode(), headers=(("content-type", content_type),))

    assert (event["body"], event["isBase64Encoded"]) == ("ü", False)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/octet-stream", b"abc"),
        ("application/x-www-form-urlencoded", b"a=1"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("", b"abc"),
        ("text/plain", b"\xff\xfe"),
        ("application/json", bytes(range(256))),
    ],
)
def test_everything_else_travels_in_base64(content_type: str, body: bytes) -> None:
    event = _event(body=body, headers=(("content-type", content_type),))

    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == body


def test_headers_of_the_connection_stay_behind() -> None:
    names = ("connection", "keep-alive", "te", "transfer-encoding", "upgrade", "expect")
    event = _event(body=b"abc", headers=tuple((name, "x") for name in names))

    assert event["headers"].keys() == {
        "content-length",
        "x-amzn-trace-id",
        "x-forwarded-for",
        "x-forwarded-port",
        "x-forwarded-proto",
    }


@pytest.mark.parametrize(("body", "length"), [(b"", "0"), (b"abc", "3")])
def test_a_length_is_that_of_the_body_whatever_was_announced(body: bytes, length: str) -> None:
    announced = (("content-length", "5"), ("transfer-encoding", "chunked"))

    assert _event(body=body, headers=announced)["headers"]["content-length"] == length


def test_forwarded_headers_are_the_gateways() -> None:
    event = _event(
        headers=(
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-proto", "javascript"),
            ("x-forwarded-port", "1"),
        ),
    )

    headers = event["headers"]
    assert headers["x-forwarded-for"] == "1.1.1.1, 127.0.0.1"
    assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == ("http", "8000")
