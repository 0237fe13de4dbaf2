"""Function URLs: events, and what they make of answers."""

from datetime import UTC, datetime
from typing import Any

import pytest

from adapter.http.destination import front_of
from adapter.http.detect import Source
from adapter.http.prelude import CONTENT_TYPE
from adapter.local.function_url import UrlIntegration, url_function
from adapter.local.http_event import Arrival, HttpRequest
from adapter.local.http_result import MalformedResultError
from adapter.local.prelude import Prelude
from tests.local.scripted import Scripted

ARRIVAL = Arrival(
    request_id="the-id",
    trace_id="Root=1-2",
    time=datetime(2026, 11, 21, 14, 2, 11, 204_000, tzinfo=UTC),
)


def _url(*, streams: bool = True, name: str = "Text_Gateway") -> UrlIntegration:
    return UrlIntegration(name=name, function=Scripted(), streams=streams)


def _event(raw_path: str, **request: Any) -> dict[str, Any]:
    given = {"method": "POST", "path": "/decoded", "raw_path": raw_path, **request}
    return _url().event(HttpRequest(**given), ARRIVAL)


async def test_a_whole_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    event = _event(
        "/_url/Text_Gateway/a%20b",
        query="x=1&x=2",
        headers=(
            ("host", "127.0.0.1:8000"),
            ("accept", "text/html"),
            ("accept", "text/plain"),
            ("content-type", "text/plain"),
            ("cookie", "a=1; b=2"),
        ),
        body=b"hello",
    )

    domain = "text-gateway.lambda-url.eu-west-1.on.aws"
    assert event == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/a%20b",
        "rawQueryString": "x=1&x=2",
        "cookies": ["a=1", "b=2"],
        "headers": {
            "host": "127.0.0.1:8000",
            "accept": "text/html,text/plain",
            "content-type": "text/plain",
            "content-length": "5",
            "x-amzn-trace-id": "Root=1-2",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "8000",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"x": "1,2"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "text-gateway",
            "domainName": domain,
            "domainPrefix": "text-gateway",
            "http": {
                "method": "POST",
                "path": "/a b",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "",
            },
            "requestId": "the-id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "21/Nov/2026:14:02:11 +0000",
            "timeEpoch": 1795269731204,
        },
        "body": "hello",
        "isBase64Encoded": False,
    }
    assert front_of(event) == Source.URL.value


@pytest.mark.parametrize(
    ("raw_path", "expected"),
    [
        ("/_url/Echo", "/"),
        ("/_url/Echo/", "/"),
        ("/_url/Echo//", "//"),
        ("/_url/Echo/_url/Echo", "/_url/Echo"),
        ("/_url/Echo/%2F%25", "/%2F%25"),
        ("/_url/Echo/a%0Ab", "/a%0Ab"),
    ],
)
async def test_the_path_is_as_it_was_sent_without_the_local_prefix(
    raw_path: str,
    expected: str,
) -> None:
    assert _event(raw_path)["rawPath"] == expected


@pytest.mark.parametrize(
    ("raw_path", "name"),
    [
        ("/_url/Echo", "Echo"),
        ("/_url/Echo/a/b", "Echo"),
        ("/_url/", ""),
        ("/_url", None),
        ("/_urls/Echo", None),
        ("/a/_url/Echo", None),
        ("/", None),
    ],
)
def test_the_path_says_whose_url_it_is(raw_path: str, name: str | None) -> None:
    assert url_function(raw_path) == name


async def test_a_buffered_url_reads_payload_2_0_and_takes_json_for_granted() -> None:
    url = _url(streams=False)
    response = url.response(b'{"statusCode": 404, "body": "{}"}', "GET")

    assert (response.status, response.body) == (404, b"{}")
    assert dict(response.headers)["content-type"] == "application/json"
    with pytest.raises(MalformedResultError):
        url.response(b"no json", "GET")


async def test_a_streaming_url_passes_a_whole_answer_on_as_it_is() -> None:
    response = _url().response(b'{"statusCode": 404}', "GET")

    assert (response.status, response.body) == (200, b'{"statusCode": 404}')


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (CONTENT_TYPE, None),
        ("text/plain", Prelude(headers=(("content-type", "text/plain"),))),
        ("", Prelude(headers=(("content-type", "application/octet-stream"),))),
    ],
)
async def test_streams_of_every_type_are_passed_on(
    content_type: str,
    expected: Prelude | None,
) -> None:
    assert _url().begin(content_type) == expected


async def test_a_type_that_no_header_can_say_is_no_response() -> None:
    with pytest.raises(MalformedResultError):
        _url().begin("text/plain\0")
