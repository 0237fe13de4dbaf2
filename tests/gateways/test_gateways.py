"""The simulated front doors themselves: what AWS's pages show, and what they refuse."""

import json
from typing import Any

import pytest
from hypothesis import given

from tests.gateways.alb import Alb
from tests.gateways.edge import Edge
from tests.gateways.function_url import FunctionUrl
from tests.gateways.gateway import Event, Gateway
from tests.gateways.http_api import HttpApi
from tests.gateways.lattice import Lattice
from tests.gateways.losses import LOSSES, left_of_seen
from tests.gateways.request import Request
from tests.gateways.response import BadGateway, Response
from tests.gateways.rest_api import RestApi
from tests.gateways.seen import Seen, values_of
from tests.gateways.stream import CONTENT_TYPE, DELIMITER, Interrupted, Stream
from tests.http.messages import requests

REQUEST = Request(
    method="POST",
    path="/a%20b",
    query="x=1&x=%C3%A9",
    headers=(
        ("Host", "api.example.com"),
        ("Cookie", "a=1; b=2"),
        ("X-One", "1"),
        ("X-One", "2"),
        ("Content-Type", "application/json"),
        ("Connection", "keep-alive"),
    ),
    body=b"{}",
)
URL, REST = FunctionUrl(streams=True), RestApi(streams=True)
JSON = ("content-type", "application/json")


def shown(event: Event, *path: str) -> Any:
    found: Any = event
    for key in path:
        found = found[key]
    return found


@pytest.mark.parametrize(
    ("gateway", "path", "expected"),
    [
        (HttpApi(), ["rawPath"], "/a b"),
        (HttpApi(), ["rawQueryString"], "x=1&x=%C3%A9"),
        (HttpApi(), ["queryStringParameters", "x"], "1,é"),
        (HttpApi(), ["headers", "x-one"], "1,2"),
        (HttpApi(), ["cookies"], ["a=1", "b=2"]),
        (HttpApi(stage="prod"), ["requestContext", "http", "path"], "/prod/a b"),
        (HttpApi(version="1.0"), ["path"], "/a b"),
        (HttpApi(version="1.0"), ["multiValueHeaders", "x-one"], ["1", "2"]),
        (FunctionUrl(), ["rawPath"], "/a%20b"),
        (FunctionUrl(), ["headers", "cookie"], "a=1; b=2"),
        (RestApi(), ["path"], "/a%20b"),
        (RestApi(), ["requestContext", "path"], "/prod/a%20b"),
        (RestApi(), ["multiValueQueryStringParameters", "x"], ["1", "é"]),
        (RestApi(), ["headers", "X-One"], "2"),
        (Alb(multi_value=True), ["multiValueQueryStringParameters", "x"], ["1", "%C3%A9"]),
        (Alb(multi_value=True), ["multiValueHeaders", "connection"], ["keep-alive"]),
        (Alb(multi_value=False), ["queryStringParameters", "x"], "%C3%A9"),
        (Alb(multi_value=False), ["headers", "x-forwarded-for"], "203.0.113.9"),
        (Lattice(version=1), ["headers", "x-one"], "1, 2"),
        (Lattice(version=2), ["headers", "x-one"], ["1", "2"]),
        (Edge(event_type="viewer-request"), ["Records"], None),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else None,
)
def test_an_event_is_as_documented(gateway: Gateway, path: list[str], expected: Any) -> None:
    event = gateway.event(REQUEST)

    assert json.loads(json.dumps(event)) == event
    assert expected is None or shown(event, *path) == expected


def test_cloudfront_shows_headers_as_lists_and_not_all_of_them() -> None:
    (record,) = Edge(event_type="origin-request").event(REQUEST)["Records"]
    headers = record["cf"]["request"]["headers"]

    assert headers["x-one"] == [{"key": "X-One", "value": "1"}, {"key": "X-One", "value": "2"}]
    assert "connection" not in headers


@pytest.mark.parametrize("kind", ["image/png", None])
@pytest.mark.parametrize("gateway", LOSSES, ids=lambda gateway: gateway.name)
def test_what_is_no_text_is_base64(gateway: Gateway, kind: str | None) -> None:
    headers = (("Content-Type", kind),) if kind else ()
    event = gateway.event(Request(method="POST", headers=headers, body=b"\xff"))

    assert '"/w=="' in json.dumps(event)


def streamed(head: dict[str, Any], body: bytes = b"", **said: Any) -> Stream:
    data = json.dumps(head).encode() + DELIMITER + body
    return Stream(**{"content_type": CONTENT_TYPE, "data": data, **said})


OK = {"statusCode": 200, "isBase64Encoded": False, "headers": {}}
DESCRIBED = {**OK, "statusDescription": "200 OK"}


@pytest.mark.parametrize(
    ("gateway", "result", "expected"),
    [
        (
            HttpApi(),
            {"statusCode": 201, "headers": {"X-A": "1"}, "cookies": ["a=1", "b=2"], "body": "é"},
            Response(
                201,
                (
                    ("x-a", "1"),
                    ("set-cookie", "a=1"),
                    ("set-cookie", "b=2"),
                    ("content-type", "text/plain;charset=UTF-8"),
                ),
                "é".encode(),
            ),
        ),
        (
            RestApi(),
            {
                "statusCode": 200,
                "headers": {"a": "1", "date": "now"},
                "multiValueHeaders": {"A": ["1", "2"]},
                "body": "/w==",
                "isBase64Encoded": True,
            },
            Response(
                200,
                (("a", "1"), ("a", "2"), ("x-amzn-remapped-date", "now"), JSON),
                b"\xff",
            ),
        ),
        (
            Alb(multi_value=False),
            {**DESCRIBED, "headers": {"Set-Cookie": "a=1", "SEt-Cookie": "b=2"}},
            Response(200, (("set-cookie", "a=1"), ("set-cookie", "b=2")), b""),
        ),
        (
            Edge(event_type="viewer-request"),
            {"status": "302", "headers": {"location": [{"value": "/new"}]}},
            Response(302, (("location", "/new"),), b""),
        ),
        (
            URL,
            streamed({"statusCode": 200, "cookies": ["a=1"]}, b"body"),
            Response(
                200,
                (("set-cookie", "a=1"), ("content-type", "application/octet-stream")),
                b"body",
            ),
        ),
        (
            REST,
            streamed({"multiValueHeaders": {"a": ["1", "2"]}}),
            Response(200, (("a", "1"), ("a", "2"), JSON), b""),
        ),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_a_documented_result_is_a_response(
    gateway: Gateway,
    result: Any,
    expected: Response,
) -> None:
    assert gateway.response(result) == expected


VIEWER, ORIGIN = Edge(event_type="viewer-request"), Edge(event_type="origin-request")


@pytest.mark.parametrize(
    ("gateway", "result"),
    [
        (HttpApi(), None),
        (HttpApi(), {"body": "200 of itself"}),
        (HttpApi(), {"statusCode": "200"}),
        (HttpApi(), {"statusCode": 200, "body": {}}),
        (HttpApi(), {"statusCode": 200, "headers": {"a": 1}}),
        (HttpApi(), {"statusCode": 200, "headers": {"a": "1\r\nb: 2"}}),
        (HttpApi(), {"statusCode": 200, "headers": {"a": "1", "A": "2"}}),
        (HttpApi(), {"statusCode": 200, "multiValueHeaders": {}}),
        (HttpApi(), {"statusCode": 200, "body": "é==", "isBase64Encoded": True}),
        (HttpApi(), {"statusCode": 200, "body": "three", "headers": {"content-length": "3"}}),
        (FunctionUrl(), {"statusCode": 99}),
        (HttpApi(version="1.0"), {"statusCode": 200, "cookies": []}),
        (RestApi(), {"statusCode": 200, "multiValueHeaders": {"a": "1"}}),
        (Alb(multi_value=False), OK),
        (Alb(multi_value=False), {**DESCRIBED, "statusDescription": "OK"}),
        (Alb(multi_value=False), {**DESCRIBED, "multiValueHeaders": {}}),
        (Alb(multi_value=False), {**DESCRIBED, "body": "x" * 1024 * 1024}),
        (Alb(multi_value=True), DESCRIBED),
        (Lattice(version=1), {"statusCode": 200}),
        (VIEWER, {"status": 200}),
        (VIEWER, {"status": "204", "body": ""}),
        (VIEWER, {"status": "200", "body": "x" * 40 * 1024, "headers": {"a": [{"value": "1"}]}}),
        (ORIGIN, {"status": "200", "headers": {"A": [{"value": "1"}]}}),
        (ORIGIN, {"status": "200", "headers": {"content-length": [{"value": "0"}]}}),
        (ORIGIN, {"status": "200", "headers": {"x-edge-any": [{"value": "0"}]}}),
        (ORIGIN, {"status": "200", "body": "?", "bodyEncoding": "base64"}),
        (URL, {"statusCode": 200}),
        (URL, streamed({}, content_type="application/json")),
        (URL, streamed({"multiValueHeaders": {}})),
        (REST, streamed({"body": ""})),
        (REST, streamed({"headers": {"a": "x" * 16 * 1024}})),
        (REST, Stream(content_type=CONTENT_TYPE, data=b"{}")),
        (REST, Stream(content_type=CONTENT_TYPE, data=b"{" + DELIMITER)),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_any_other_result_is_refused(gateway: Gateway, result: Any) -> None:
    with pytest.raises(BadGateway):
        gateway.response(result)


@pytest.mark.parametrize("gateway", [URL, REST], ids=lambda gateway: gateway.name)
def test_a_stream_that_failed_is_no_response(gateway: Gateway) -> None:
    with pytest.raises(Interrupted):
        gateway.response(streamed({}, b"half", failed=True))


@given(request=requests())
def test_what_has_lost_something_does_not_lose_it_again(request: Request) -> None:
    seen = Seen(
        method=request.method,
        path=request.path,
        raw_path=request.path,
        query=request.query,
        headers=values_of((name.lower(), value) for name, value in request.headers),
        root_path="",
        http_version="1.1",
        scheme=request.scheme,
        client=None,
        server=None,
    )
    for gateway in LOSSES:
        left = left_of_seen(gateway, seen)
        if "%" not in request.path:  # which is decoded each time
            assert left_of_seen(gateway, left) == left, gateway.name
