"""Requests as every front delivers them; `# row` numbers the known faults of other adapters."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request

from adapter import serve
from adapter.errors import UnsupportedEvent
from adapter.function import Function, entry_point, lambda_handler
from tests import events
from tests.http.applications import echo
from tests.http.fronts import (
    EDGE,
    FUNCTION_URL,
    HTTP_API,
    LATTICE_1,
    LATTICE_2,
    PAYLOAD_1,
    REST,
    Front,
    answer_of,
    fronts,
)

Closing = Callable[[Function], Function]


@pytest.fixture
def probe(closing: Closing) -> Function:
    return closing(lambda_handler(echo))


def scope_of(function: Function, event: dict[str, Any]) -> dict[str, Any]:
    """Return the scope that the application got."""
    answer = answer_of(function(event))
    assert answer.status == 200
    scope: dict[str, Any] = answer.json
    return scope


@pytest.mark.parametrize("front", [LATTICE_2, LATTICE_1], ids=["row 1", "row 2"])  # row 1, row 2
def test_a_vpc_lattice_request_is_served(probe: Function, front: Front) -> None:
    event = front.make(
        method="PUT",
        path="/items/1",
        query="x=1&y=%20",
        headers=(("x-test", "1"), ("x-forwarded-for", "6.6.6.6, 203.0.113.9")),
        body="text",
    )
    scope = scope_of(probe, event)

    assert (scope["method"], scope["path"]) == ("PUT", "/items/1")
    assert scope["query_string"] in {"x=1&y=%20", "x=1&y=+"}
    assert ["x-test", "1"] in scope["headers"]
    assert scope["client"] == ["203.0.113.9", 0]
    assert scope["body"] == "text"


def socket_event(route: str, kind: str) -> dict[str, Any]:
    context = {
        "routeKey": route,
        "eventType": kind,
        "connectionId": "L0SM9cOFvHcCIhw=",
        "domainName": events.HOST,
        "stage": "prod",
        "apiId": "abc123",
        "requestId": "r-1",
    }
    return {"requestContext": context, "isBase64Encoded": False}


SOCKET_EVENTS = [
    {**socket_event("$connect", "CONNECT"), "headers": {"host": events.HOST}},
    {**socket_event("$default", "MESSAGE"), "body": "hello"},
    socket_event("$disconnect", "DISCONNECT"),
]


@pytest.mark.parametrize("event", SOCKET_EVENTS)
def test_a_websocket_event_is_answered_without_an_error(
    probe: Function,
    event: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", "http://127.0.0.1:9")
    assert probe(event)["statusCode"] in (200, 404)  # row 3; the probe has no such route


OTHER_EVENTS = {
    "queue": {"Records": [{"eventSource": "aws:sqs", "messageId": "m-1", "body": "{}"}]},
    "bucket": {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "b"}}}]},
    "bus": {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}},
}


@pytest.mark.parametrize("source", OTHER_EVENTS)  # row 4
def test_an_event_of_a_queue_a_bucket_or_a_bus_is_refused_by_name(
    probe: Function,
    source: str,
) -> None:
    with pytest.raises(UnsupportedEvent, match="this function is not subscribed to"):
        probe(OTHER_EVENTS[source])


def test_a_warm_up_ping_is_answered_and_reaches_no_code(closing: Closing) -> None:  # row 5
    called: list[str] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        called.append(scope["type"])

    class Model:
        def __call__(self) -> None:
            called.append("call")

    functions = [
        closing(lambda_handler(application, lifespan="off")),
        closing(entry_point(serve.deployment(Model))),
    ]

    assert [function({}) for function in functions] == [None, None]
    assert called == []


@fronts()
def test_a_path_is_decoded_once_and_its_bytes_are_kept(  # row 6
    probe: Function,
    front: Front,
) -> None:
    scope = scope_of(probe, front.make(path="/a%2Fb%20c/%C3%A9/100%2525"))

    assert scope["path"] == "/a/b c/é/100%25"
    if front.decodes_path:
        assert scope["raw_path"] == "/a/b%20c/%C3%A9/100%2525"
    else:
        assert scope["raw_path"] == "/a%2Fb%20c/%C3%A9/100%2525"


def test_the_path_of_an_http_api_keeps_what_routing_leaves_out(probe: Function) -> None:  # row 6
    event = HTTP_API.make(path="/items/")
    event["requestContext"]["http"]["path"] = "/items"

    assert scope_of(probe, event)["path"] == "/items/"


@fronts()
@pytest.mark.parametrize(
    ("path", "root_path"),
    [("/api", "/api"), ("/api/", "/api"), ("/api/x", "/api"), ("/apiary", ""), ("/", "")],
)
def test_a_base_path_ends_at_a_segment_and_is_the_root_path(  # row 7
    closing: Closing,
    front: Front,
    path: str,
    root_path: str,
) -> None:
    function = closing(lambda_handler(echo, base_path="/api"))
    scope = scope_of(function, front.make(path=path))

    assert (scope["path"], scope["raw_path"], scope["root_path"]) == (path, path, root_path)


def at_stage(front: Front, path: str) -> dict[str, Any]:
    """Make an event of an API whose stage is "prod"; an HTTP API's path begins with it."""
    event = front.make(path=path, headers=(("host", events.HOST),))
    event["requestContext"] |= {"stage": "prod", "domainName": events.HOST}
    if front is REST:
        event["requestContext"]["path"] = f"/prod{path}"
        return event
    key = "rawPath" if front is HTTP_API else "path"
    event[key] = f"/prod{path}"
    return event


STAGED = fronts(REST, HTTP_API, PAYLOAD_1)


@STAGED
def test_links_lead_back_through_a_stage_that_is_the_base_path(  # row 7
    closing: Closing,
    front: Front,
) -> None:
    app = FastAPI()

    @app.get("/items/{number}")
    def item(number: int, request: Request) -> list[str]:
        return [str(request.url), str(request.url_for("item", number=number + 1))]

    function = closing(lambda_handler(app, base_path="/prod"))
    answer = answer_of(function(at_stage(front, "/items/1")))

    assert answer.status == 200
    assert answer.json == [f"https://{events.HOST}/prod/items/{number}" for number in (1, 2)]


def test_a_stage_and_a_mount_are_the_root_path_together(closing: Closing) -> None:  # row 7
    function = closing(lambda_handler(echo, base_path="/prod/api"))
    scope = scope_of(function, at_stage(REST, "/api/items"))

    assert (scope["path"], scope["root_path"]) == ("/prod/api/items", "/prod/api")


@STAGED
def test_a_stage_alone_changes_no_path(probe: Function, front: Front) -> None:  # row 7
    event = at_stage(front, "/items/1")
    scope = scope_of(probe, event)

    assert scope["path"] == event.get("rawPath", event.get("path"))
    assert scope["root_path"] == ""


@fronts()
@pytest.mark.parametrize("host", ["[::1]:8080", "[2001:db8::7]"])
def test_a_host_may_be_an_ipv6_address(  # row 8
    closing: Closing,
    front: Front,
    host: str,
) -> None:
    app = FastAPI()

    @app.get("/")
    def url(request: Request) -> dict[str, str]:
        return {"url": str(request.url)}

    function = closing(lambda_handler(app))

    assert scope_of(function, front.make(headers=(("host", host),))) == {"url": f"https://{host}/"}


SEVERAL = (("x-test", "one"), ("x-test", "two"), ("accept", "a/b"), ("accept", "c/d"))


@fronts(EDGE, REST, PAYLOAD_1, LATTICE_2)
def test_a_repeated_request_header_keeps_all_its_values(  # row 10
    probe: Function,
    front: Front,
) -> None:
    headers = scope_of(probe, front.make(headers=SEVERAL))["headers"]

    assert [value for name, value in headers if name == "x-test"] == ["one", "two"]
    assert [value for name, value in headers if name == "accept"] == ["a/b", "c/d"]


@fronts()
def test_header_names_are_lower_case(probe: Function, front: Front) -> None:
    headers = scope_of(probe, front.make(headers=(("X-Test", "1"),)))["headers"]

    assert ["x-test", "1"] in headers


@fronts(HTTP_API, FUNCTION_URL)
def test_cookies_are_one_header(probe: Function, front: Front) -> None:
    headers = scope_of(probe, front.make(headers=(("cookie", "a=1"), ("cookie", "b=2"))))["headers"]

    assert [value for name, value in headers if name == "cookie"] == ["a=1; b=2"]


@fronts()
def test_an_empty_query_stays_empty(closing: Closing, front: Front) -> None:
    app = FastAPI()

    @app.get("/x")
    def url(request: Request) -> dict[str, str]:
        return {"query": request.scope["query_string"].decode(), "url": str(request.url)}

    function = closing(lambda_handler(app))

    assert scope_of(function, front.make(path="/x"))["query"] == ""
    assert scope_of(function, front.make(path="/x"))["url"].endswith("/x")


QUERIES = [
    ("percent=100%25", [("percent", "100%")]),
    ("plus=1%2B1", [("plus", "1+1")]),
    ("name=%C3%A9%20e", [("name", "é e")]),
    ("a%26b=c%3Dd", [("a&b", "c=d")]),
    ("next=%2Fx%3Fy%3D%2525", [("next", "/x?y=%25")]),
    ("empty=", [("empty", "")]),
]


@fronts()
@pytest.mark.parametrize(("query", "parameters"), QUERIES)
def test_a_query_is_decoded_once(
    closing: Closing,
    front: Front,
    query: str,
    parameters: list[tuple[str, str]],
) -> None:
    app = FastAPI()

    @app.get("/")
    def read(request: Request) -> dict[str, Any]:
        return {"parameters": request.query_params.multi_items()}

    function = closing(lambda_handler(app))
    answer = scope_of(function, front.make(query=query))

    assert [tuple(pair) for pair in answer["parameters"]] == parameters


@fronts()
def test_a_repeated_parameter_keeps_its_values(closing: Closing, front: Front) -> None:
    app = FastAPI()

    @app.get("/")
    def read(request: Request) -> dict[str, list[str]]:
        return {"x": request.query_params.getlist("x")}

    function = closing(lambda_handler(app))
    answer = scope_of(function, front.make(query="x=1&x=%C3%A9"))

    assert answer["x"] == (["1", "é"] if front.lists else ["é"])


@fronts()
def test_the_scope_says_what_it_follows(probe: Function, front: Front) -> None:
    scope = scope_of(probe, front.make(method="POST", body="text"))

    assert scope["type"] == "http"
    assert scope["asgi"]["version"] == "3.0"
    assert tuple(map(int, scope["asgi"]["spec_version"].split("."))) >= (2, 3)
    assert (scope["body"], scope["more_body"]) == ("text", False)
