"""Host, scheme, client, path and body come only from what vouches for them."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from adapter import serve
from adapter.errors import InvalidCall, UnsupportedEvent
from adapter.function import Function, entry_point, lambda_handler
from tests.http.applications import echo
from tests.http.fronts import (
    ALB,
    ALB_WITH_LISTS,
    CLIENT,
    EDGE,
    FUNCTION_URL,
    HOST,
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
NAMING = (HTTP_API, FUNCTION_URL, REST, PAYLOAD_1)
ADDING = (ALB, ALB_WITH_LISTS, LATTICE_1, LATTICE_2)


@pytest.fixture
def probe(closing: Closing) -> Function:
    return closing(lambda_handler(echo))


def scope_of(function: Function, event: dict[str, Any]) -> dict[str, Any]:
    answer = answer_of(function(event))
    assert answer.status == 200
    scope: dict[str, Any] = answer.json
    return scope


def refused(function: Function, event: dict[str, Any]) -> None:
    """Expect 400 in a shape that says nothing of the reason."""
    answer = answer_of(function(event))
    assert (answer.status, answer.text) == (400, "Bad Request")


NO_HOSTS = [
    "",
    " ",
    "a b",
    "a/b",
    "a?b",
    "a#b",
    "a\\b",
    "user@a",
    "a:b",
    "a:",
    "a:1:2",
    "a:123456",
    "[::1",
    "::1",
    "[::1]x",
    "[g::1]",
    "a\u00e9",
    "a%2fb",
    "a,b",
    "<a>",
    "a\x00",
    "a\tb",
]


@fronts()
@pytest.mark.parametrize("host", NO_HOSTS)
def test_what_is_no_host_is_refused(probe: Function, front: Front, host: str) -> None:  # R0
    refused(probe, front.make(headers=(("host", host),)))


HOSTS = [
    "a",
    "A.example.com",
    "a-b.example.com:8080",
    "127.0.0.1:80",
    "[::1]",
    "x_y.internal",
    "a.",
]


@fronts()
@pytest.mark.parametrize("host", HOSTS)
def test_a_host_reaches_the_application_and_never_names_the_server(  # R0
    probe: Function,
    front: Front,
    host: str,
) -> None:
    event = front.make(headers=(("host", host),))
    scope = scope_of(probe, event)
    named = event.get("requestContext", {}).get("domainName", "localhost")

    assert [value for name, value in scope["headers"] if name == "host"] == [host]
    assert scope["server"] == [named, 443]


@fronts(REST, PAYLOAD_1, ALB_WITH_LISTS, LATTICE_2, EDGE)
def test_two_hosts_are_none(probe: Function, front: Front) -> None:  # R0
    refused(probe, front.make(headers=(("host", "a.example.com"), ("host", "b.example.com"))))


def test_a_host_in_another_spelling_is_a_second_one(probe: Function) -> None:  # R0
    event = HTTP_API.make()
    event["headers"]["Host"] = "other.example.com"

    refused(probe, event)


@fronts()
def test_a_request_without_a_host_is_served(probe: Function, front: Front) -> None:
    event = front.make()
    for headers in (
        event.get("headers"),
        event.get("multiValueHeaders"),
        event["Records"][0]["cf"]["request"]["headers"] if front is EDGE else None,
    ):
        if headers:
            headers.pop("host", None)

    assert "host" not in dict(scope_of(probe, event)["headers"])


@fronts()
@pytest.mark.parametrize(
    ("proto", "scheme", "port"),
    [
        ("http", "http", 80),
        ("https", "https", 443),
        ("javascript", "https", 443),
        ("file", "https", 443),
        ("ws", "https", 443),
        ("http, https", "https", 443),
        ("", "https", 443),
    ],
)
def test_a_scheme_is_http_or_https(  # R4
    probe: Function,
    front: Front,
    proto: str,
    scheme: str,
    port: int,
) -> None:
    scope = scope_of(probe, front.make(headers=(("x-forwarded-proto", proto),)))

    assert (scope["scheme"], scope["server"][1]) == (scheme, port)


def from_proxies(front: Front, *addresses: str) -> dict[str, Any]:
    return front.make(headers=(("x-forwarded-for", ", ".join(addresses)),))


@fronts(*NAMING, EDGE)
def test_a_client_is_who_the_gateway_names(probe: Function, front: Front) -> None:  # R5
    assert scope_of(probe, from_proxies(front, "6.6.6.6"))["client"] == [CLIENT, 0]


@fronts(*ADDING)
def test_a_client_is_who_the_balancer_saw(probe: Function, front: Front) -> None:  # R5
    event = from_proxies(front, "6.6.6.6", "7.7.7.7", CLIENT)

    assert scope_of(probe, event)["client"] == [CLIENT, 0]


@fronts()
@pytest.mark.parametrize(
    ("hops", "client"),
    [(1, "198.51.100.2"), (2, "198.51.100.1"), (3, CLIENT), (9, CLIENT)],
)
def test_a_client_is_who_stands_before_the_trusted_proxies(  # R5
    closing: Closing,
    front: Front,
    hops: int,
    client: str,
) -> None:
    function = closing(lambda_handler(echo, trusted_hops=hops))
    event = from_proxies(front, "198.51.100.1", "198.51.100.2", CLIENT)

    assert scope_of(function, event)["client"] == [client, 0]


@pytest.mark.parametrize(
    ("entry", "client"),
    [
        ("198.51.100.1:4711", "198.51.100.1"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
    ],
)
def test_a_client_is_an_address_without_its_port(  # R5
    probe: Function,
    entry: str,
    client: str,
) -> None:
    assert scope_of(probe, from_proxies(ALB, entry))["client"] == [client, 0]


@pytest.mark.parametrize("entry", ["<script>", "example.com", "unknown", "", "1.2.3.4 5"])
def test_what_is_no_address_is_no_client(closing: Closing, entry: str) -> None:  # R5
    function = closing(lambda_handler(echo, trusted_hops=1))

    assert scope_of(function, from_proxies(HTTP_API, entry, CLIENT))["client"] == [CLIENT, 0]
    assert scope_of(function, from_proxies(ALB, entry, entry))["client"] is None


@fronts(ALB_WITH_LISTS, LATTICE_2)
def test_a_header_of_the_client_s_stands_before_the_balancer_s(  # R5
    probe: Function,
    front: Front,
) -> None:
    event = front.make(headers=(("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", CLIENT)))

    assert scope_of(probe, event)["client"] == [CLIENT, 0]


@fronts(*ADDING)
def test_a_client_that_nobody_names_is_none(probe: Function, front: Front) -> None:  # R5
    assert scope_of(probe, from_proxies(front, ""))["client"] is None


@fronts()
@pytest.mark.parametrize("body", ["@@@@", "QQ==junk", "QQ", "Q===", "QQ=Q", "QQ==\n", "\u00e9"])
def test_what_is_no_base64_is_refused(probe: Function, front: Front, body: str) -> None:  # R2
    refused(probe, front.make(method="POST", body=body, base64=True))


@fronts()
def test_a_body_in_base64_arrives_byte_for_byte(probe: Function, front: Front) -> None:  # R2
    body = b64encode(bytes(range(256))).decode()
    scope = scope_of(probe, front.make(method="POST", body=body, base64=True))

    assert scope["body"].encode("latin-1") == bytes(range(256))


@fronts()
def test_a_path_that_was_encoded_twice_stays_below_its_folder(  # R3
    probe: Function,
    front: Front,
) -> None:
    scope = scope_of(probe, front.make(path="/files/%252e%252e%252fetc"))

    assert scope["path"] == "/files/%2e%2e%2fetc"


@fronts()
@pytest.mark.parametrize("path", ["", "items", "*", "//items"])
def test_a_path_begins_with_a_slash(probe: Function, front: Front, path: str) -> None:  # R3
    scope = scope_of(probe, front.make(path=path))

    assert scope["path"] == scope["raw_path"] == (path if path.startswith("/") else f"/{path}")


COMMANDS: list[dict[str, Any]] = [
    {"command": "builtins.print", "args": ["x"]},
    {"raw_command": "print('x')"},
    {"manage": "shell"},
    {"exec": "1"},
    {"handler": "os.system", "args": ["true"]},
]


class Shop:
    def price(self) -> int:
        return 3


@pytest.mark.parametrize("command", COMMANDS)
def test_no_event_is_a_command(closing: Closing, command: dict[str, Any]) -> None:  # R6
    for function in (closing(lambda_handler(echo)), closing(entry_point(serve.deployment(Shop)))):
        with pytest.raises((UnsupportedEvent, InvalidCall)):
            function(command)


def test_what_the_gateway_says_of_the_caller_is_passed_on(closing: Closing) -> None:  # R6
    seen: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["aws.event"]["requestContext"]["authorizer"])
        await echo({**scope, "aws.event": None}, receive, send)

    event = HTTP_API.make()
    event["requestContext"]["authorizer"] = {"jwt": {"claims": {"sub": "u-1"}}}
    closing(lambda_handler(application, lifespan="off"))(event)

    assert seen == [{"jwt": {"claims": {"sub": "u-1"}}}]


ODD: list[tuple[str, Any]] = [
    ("headers", []),
    ("headers", {"x": 1}),
    ("headers", {"x": None}),
    ("headers", {"x\r\ny": "1"}),
    ("headers", {"": "1"}),
    ("headers", {"x": "a\r\nb"}),
    ("headers", {"x": "a\x00b"}),
    ("headers", {"x": "\ud800"}),
    ("body", {"a": 1}),
    ("body", "\ud800"),
    ("method", "GET\r\n"),
    ("method", ""),
    ("method", 3),
    ("path", 3),
    ("path", "/\ud800"),
    ("query", 3),
]
# Where the fronts keep what the table above names.
PLACES: dict[str, dict[str, tuple[Any, ...]]] = {
    "HTTP API": {
        "method": ("requestContext", "http", "method"),
        "path": ("rawPath",),
        "query": ("rawQueryString",),
    },
    "REST API": {
        "headers": ("multiValueHeaders",),
        "method": ("httpMethod",),
        "query": ("multiValueQueryStringParameters",),
    },
    "load balancer": {"method": ("httpMethod",), "query": ("queryStringParameters",)},
    "VPC Lattice 1": {"path": ("raw_path",), "query": ("query_string_parameters",)},
    "VPC Lattice 2": {"query": ("queryStringParameters",)},
}


@fronts(HTTP_API, REST, ALB, LATTICE_1, LATTICE_2)
@pytest.mark.parametrize(("what", "value"), ODD)
def test_what_cannot_be_read_is_refused_in_the_callers_shape(  # R1
    probe: Function,
    front: Front,
    what: str,
    value: Any,
) -> None:
    event: Any = front.make(method="POST", body="b")
    *way, last = PLACES[front.name].get(what, (what,))
    place = event
    for key in way:
        place = place[key]
    place[last] = value

    refused(probe, event)


@fronts()
def test_headers_that_are_null_are_none(probe: Function, front: Front) -> None:  # R1
    event: Any = front.make()
    for key in ("headers", "multiValueHeaders"):
        if key in event:
            event[key] = None
    if front is EDGE:
        event["Records"][0]["cf"]["request"]["headers"] = None

    assert scope_of(probe, event)["headers"] == []


@fronts()
def test_a_port_that_is_none_disturbs_nobody(probe: Function, front: Front) -> None:  # R1
    headers = scope_of(probe, front.make(headers=(("x-forwarded-port", "abc"),)))["headers"]

    assert ["x-forwarded-port", "abc"] in headers


@pytest.mark.parametrize("event", [None, [], "text", 3, 1.5, True, {"Records": []}, {"a": HOST}])
def test_what_is_no_request_is_a_named_error(probe: Function, event: Any) -> None:  # R1
    with pytest.raises(UnsupportedEvent):
        probe(event)
