"""A Starlette request that is an argument of a call."""

import json
from typing import Any

import pytest
from starlette.requests import Request

from adapter.calls import codec
from adapter.errors import InvalidCall, ServeError


def request_with(body: bytes) -> Request:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/a b",
        "root_path": "/api",
        "scheme": "https",
        "http_version": "1.1",
        "query_string": b"q=%C3%A9",
        "headers": [(b"host", b"example.com"), (b"x", b"\xe9"), (b"cookie", b"a=1")],
        "client": ("203.0.113.9", 0),
        "server": ("example.com", 443),
        "state": {"secret": object()},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)


async def test_a_request_arrives_as_it_was_with_its_body() -> None:
    request = request_with(b"\x00\xff")
    await request.body()

    arrived = codec.loads(codec.dumps(request))

    assert type(arrived) is Request
    assert await arrived.body() == b"\x00\xff"
    assert (arrived.method, str(arrived.url)) == (request.method, str(request.url))
    assert arrived.headers.raw == request.headers.raw
    assert (arrived.cookies, arrived.query_params) == ({"a": "1"}, request.query_params)
    assert arrived.client == request.client
    assert "state" not in arrived.scope


async def test_a_request_whose_body_was_not_read_stays_here() -> None:
    with pytest.raises(ServeError, match=r"`await request\.body\(\)` before"):
        codec.dumps(request_with(b""))


@pytest.mark.parametrize(
    "content",
    [
        None,
        5,
        [],
        {},
        {"method": 5},
        {"method": "GET", "query": 5, "headers": [], "client": [], "server": [], "body": ""},
        {"method": "GET", "query": "", "headers": [5], "client": [], "server": [], "body": ""},
        {"method": "GET", "query": "", "headers": [], "client": [], "server": [], "body": "?"},
    ],
)
def test_what_is_no_request_is_refused(content: Any) -> None:
    with pytest.raises(InvalidCall, match=r"\$request cannot hold"):
        codec.loads(json.dumps({"$request": content}))
