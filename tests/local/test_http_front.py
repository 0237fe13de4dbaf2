"""HTTP from a socket to a function and back."""

import asyncio
import base64
import http.client
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from adapter.local.function import Capacity
from adapter.local.http_front import MAX_BODY
from adapter.plan.values import Concurrency
from tests.local.world import (
    GATED,
    RAISE,
    Gate,
    Served,
    application_plan,
    function_plan,
    serving,
)

# A result without statusCode is the body of a 200.
EVENT = "def handler(event, context):\n    return event\n"
RESULT = "import json\n\ndef handler(event, context):\n    return json.loads(event['body'])\n"


def _raw(served: Served, request: bytes) -> bytes:
    """Send bytes that no client library would send, and read until the server closes."""
    parts = urlsplit(served.server.http_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


async def test_a_request_becomes_an_event_and_the_result_a_response() -> None:
    async with serving(application_plan(function_plan(EVENT))) as served:
        response = await served.http.post("/a%20b?x=1", json={"ü": 1}, headers={"cookie": "a=1"})

    event = response.json()
    assert response.status_code == 200
    assert (event["rawPath"], event["rawQueryString"]) == ("/a b", "x=1")
    assert (event["routeKey"], event["pathParameters"]) == ("ANY /{proxy+}", {"proxy": "a b"})
    assert (event["cookies"], json.loads(event["body"])) == (["a=1"], {"ü": 1})
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"


async def test_binary_bodies_survive_both_ways() -> None:
    source = """
def handler(event, context):
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/octet-stream"},
        "body": event["body"],
        "isBase64Encoded": event["isBase64Encoded"],
    }
"""
    async with serving(application_plan(function_plan(source))) as served:
        response = await served.http.post("/", content=bytes(range(256)))

    assert response.content == bytes(range(256))


async def test_cookies_and_headers_of_a_result_arrive() -> None:
    result = {
        "statusCode": 418,
        "headers": {"X-Tea": "green"},
        "cookies": ["a=1", "b=2"],
        "body": "short and stout",
    }
    async with serving(application_plan(function_plan(RESULT))) as served:
        response = await served.http.post("/", json=result)

    assert (response.status_code, response.text) == (418, "short and stout")
    assert response.headers["x-tea"] == "green"
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_nothing_the_client_sends_names_the_domain() -> None:
    request = (
        b"GET / HTTP/1.1\r\nHost: evil.example/?x=\r\nX-Forwarded-Host: evil.example\r\n"
        b"X-Forwarded-Proto: https\r\nForwarded: host=evil.example\r\nConnection: close\r\n\r\n"
    )
    async with serving(application_plan(function_plan(EVENT))) as served:
        answer = await asyncio.to_thread(_raw, served, request)
        port = urlsplit(served.server.http_url).port

    event = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert event["requestContext"]["domainName"] == "127.0.0.1"
    assert event["headers"]["x-forwarded-port"] == str(port)
    assert event["headers"]["x-forwarded-proto"] == "http"


async def test_a_client_address_in_a_header_is_no_client_address() -> None:
    headers = {"x-forwarded-for": "1.2.3.4"}
    async with serving(application_plan(function_plan(EVENT))) as served:
        event = (await served.http.get("/", headers=headers)).json()

    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert event["headers"]["x-forwarded-for"] == "1.2.3.4, 127.0.0.1"


@pytest.mark.parametrize("status", [204, 304])
async def test_statuses_without_a_body_end_cleanly(status: int) -> None:
    async with serving(application_plan(function_plan(RESULT))) as served:
        first = await served.http.post("/", json={"statusCode": status, "body": "dropped"})
        second = await served.http.post("/", json={"statusCode": 200, "body": "next"})

    assert (first.status_code, first.content) == (status, b"")
    assert "content-length" not in first.headers
    assert second.text == "next"


async def test_head_has_headers_only() -> None:
    source = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'abc'}\n"
    async with serving(application_plan(function_plan(source))) as served:
        head = await served.http.head("/")
        get = await served.http.get("/")

    assert (head.content, get.content) == (b"", b"abc")
    assert head.headers["content-length"] == "3"


async def test_a_function_error_is_an_internal_server_error() -> None:
    async with serving(application_plan(function_plan(RAISE))) as served:
        response = await served.http.get("/secret?token=1")
        (record,) = served.records.of("invocation")

    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})
    assert (record["label"], record["status"]) == ("GET /secret", "500")
    assert record["error"] == "KeyError"


async def test_a_malformed_result_is_an_internal_server_error_and_explained() -> None:
    async with serving(application_plan(function_plan(RESULT))) as served:
        response = await served.http.post("/", json={"statusCode": "no"})
        (problem,) = served.records.of("malformed result")

    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})
    assert "statusCode='no'" in problem["reason"]


async def test_a_result_above_six_megabytes_is_an_internal_server_error() -> None:
    source = "def handler(event, context):\n    return 'x' * 7_000_000\n"
    async with serving(application_plan(function_plan(source))) as served:
        response = await served.http.get("/")
        (record,) = served.records.of("invocation")

    assert response.status_code == 500
    assert record["error"] == "Function.ResponseSizeTooLarge"


async def test_the_gateway_gives_up_before_a_slow_function_does(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    source = f"def handler(event, context):\n    return open({gate.path!r}).read()\n"
    async with serving(application_plan(function_plan(source))) as served:
        served.server._front._integration_timeout_s = 0.3
        asking = asyncio.create_task(served.http.get("/"))
        async with gate.holding():
            response = await asking

    assert (response.status_code, response.json()) == (503, {"message": "Service Unavailable"})


async def test_above_the_reserved_concurrency_the_service_is_unavailable(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    source = GATED.replace('event.get("gate")', 'event.get("rawQueryString")')
    plan = function_plan(source, concurrency=Concurrency(maximum=1))
    async with serving(application_plan(plan)) as served:
        held = asyncio.create_task(served.http.get(f"/?{gate.path}"))
        async with gate.holding():
            response = await served.http.get("/")
        await held

    assert (response.status_code, response.json()) == (503, {"message": "Service Unavailable"})


@pytest.mark.parametrize("size", [MAX_BODY + 1, 8 * 1024 * 1024])
async def test_a_body_above_the_limits_is_too_large(size: int) -> None:
    async with serving(application_plan(function_plan())) as served:
        response = await served.http.post("/", content=b"x" * size)
        environments = served.server.functions["Echo"].environments

    assert (response.status_code, response.json()) == (
        413,
        {"message": "Request Entity Too Large"},
    )
    assert not environments


async def test_a_client_that_sends_far_too_much_still_gets_to_read_the_answer() -> None:
    def send(served: Served) -> int:
        parts = urlsplit(served.server.http_url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        try:
            connection.request("POST", "/", b"x" * (3 * MAX_BODY))
            return connection.getresponse().status
        finally:
            connection.close()

    async with serving(application_plan(function_plan())) as served:
        status = await asyncio.to_thread(send, served)

    assert status == 413


async def test_a_chunked_body_gets_a_length() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"c"

    async with serving(application_plan(function_plan(EVENT))) as served:
        event = (await served.http.post("/", content=chunks())).json()

    assert base64.b64decode(event["body"]) == b"abc"
    assert event["headers"]["content-length"] == "3"


async def test_the_longest_prefix_wins_at_segment_boundaries() -> None:
    names = {"root": "/", "api": "/api", "v2": "/api/v2"}
    plans = [
        application_plan(
            function_plan(f"def handler(event, context):\n    return {name!r}\n", name=name),
            name=name,
            route_prefix=prefix,
        )
        for name, prefix in names.items()
    ]
    paths = ["/", "/apix", "/api", "/api/", "/api/x", "/api/v2", "/api/v2/x", "/api/v20"]
    async with serving(*plans) as served:
        answers = [(await served.http.get(path)).json() for path in paths]

    assert answers == ["root", "root", "api", "api", "api", "v2", "v2", "api"]


async def test_outside_of_every_prefix_nothing_is_found() -> None:
    async with serving(application_plan(function_plan(), route_prefix="/api")) as served:
        response = await served.http.get("/oth%C3%A9r?x=1")
        (record,) = served.records.of("invocation")

    expected = "Path '/othér' not found. Ping http://.../-/routes for available routes."
    assert (response.status_code, response.text) == (404, expected)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert (record["function"], record["status"]) == ("-", "404")
    assert record["error"] == "Not Found"


WEB_SOCKET = (
    b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n"
    b"Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
)


async def test_a_web_socket_is_refused_by_a_function_that_takes_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(application_plan(function_plan(EVENT))) as served:
        answer = await asyncio.to_thread(_raw, served, WEB_SOCKET)
        (refused,) = served.records.of("invocation")

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"HTTP/1.1 200" not in answer  # what follows on the connection is no request any more
    assert (refused["label"], refused["status"]) == ("WS /echo connect", "500")
    assert caplog.records == []  # our log has told it


async def test_another_upgrade_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n"
    async with serving(application_plan(function_plan(EVENT))) as served:
        answer = await asyncio.to_thread(_raw, served, request)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert caplog.records == []


async def test_an_application_without_prefix_is_not_on_http() -> None:
    async with serving(application_plan(function_plan(), route_prefix=None)) as served:
        response = await served.http.get("/")
        answer = await served.invoke(payload=1)

    assert (response.status_code, answer["Payload"]) == (404, 1)


async def test_a_client_that_hangs_up_early_is_no_invocation() -> None:
    one = Capacity(max_environments=1)  # so that an invocation would come before the next one
    async with serving(application_plan(function_plan()), capacity=one) as served:
        await asyncio.to_thread(_cut, served)
        await served.http.get("/")
        records = served.records.of("invocation")

    assert [record["label"] for record in records] == ["GET /"]


async def test_a_request_is_served_over_a_kept_alive_connection() -> None:
    def twice(served: Served) -> list[int]:
        parts = urlsplit(served.server.http_url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        sockets = []
        for _ in range(2):
            connection.request("GET", "/")
            connection.getresponse().read()
            sockets.append(id(connection.sock))
        connection.close()
        return sockets

    async with serving(application_plan(function_plan())) as served:
        first, second = await asyncio.to_thread(twice, served)

    assert first == second


def _cut(served: Served) -> None:
    parts = urlsplit(served.server.http_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
