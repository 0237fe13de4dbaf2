import contextlib
import copy
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI, Request, Response
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.errors import UnsupportedEvent
from adapter.function import Function, lambda_handler
from tests import events
from tests.http.answers import Answer, ask

Closing = Callable[[Function], Function]
GATEWAYS = [events.http_api, events.function_url, events.rest_v1, events.alb]
BYTES = bytes(range(256))


async def scope_app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the request's scope and body, as JSON."""
    shown = {name: scope[name] for name in scope if not name.startswith("aws.")}
    shown["headers"] = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    shown["query_string"] = scope["query_string"].decode()
    shown["raw_path"] = scope["raw_path"].decode()
    shown["body"] = (await receive())["body"].decode("latin-1")
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/json")],
        },
    )
    await send({"type": "http.response.body", "body": json.dumps(shown).encode()})


async def lifeless(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    await scope_app(scope, receive, send)


@pytest.fixture
def probe(closing: Closing) -> Function:
    return closing(lambda_handler(lifeless))


def test_scope_of_an_http_api_is_whole(probe: Function) -> None:
    event = events.http_api(
        method="POST",
        path="/a b/é",
        query="x=1&x=2&y=%20",
        headers={"x-test": "1"},
        cookies=["a=1", "b=2"],
        body="text",
    )

    assert ask(probe, event).json == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": "/a b/é",
        "raw_path": "/a%20b/%C3%A9",
        "root_path": "",
        "query_string": "x=1&x=2&y=%20",
        "headers": {
            "host": events.HOST,
            "x-forwarded-proto": "https",
            "x-test": "1",
            "cookie": "a=1; b=2",
        },
        "client": ["203.0.113.9", 0],
        "server": [events.HOST, 443],
        "state": {},
        "body": "text",
    }


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_request_is_the_same_through_every_gateway(probe: Function, gateway: Any) -> None:
    scope = ask(probe, gateway(method="PUT", path="/items", query="x=1&x=%C3%A9", body="b")).json

    assert (scope["method"], scope["path"], scope["scheme"]) == ("PUT", "/items", "https")
    assert scope["client"] == ["203.0.113.9", 0]
    assert scope["body"] == "b"
    if gateway is not events.alb:  # without multi-value parameters the last one counts
        assert scope["query_string"] == "x=1&x=%C3%A9"


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_binary_body_arrives(probe: Function, gateway: Any) -> None:
    event = gateway(method="POST", body=b64encode(BYTES).decode(), base64=True)

    assert ask(probe, event).json["body"] == BYTES.decode("latin-1")


@pytest.mark.parametrize("path", ["", "items"])
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_path_always_begins_with_a_slash(probe: Function, gateway: Any, path: str) -> None:
    assert ask(probe, gateway(path=path)).json["path"] == f"/{path}"


def with_host(gateway: Any, host: str) -> dict[str, Any]:
    event: dict[str, Any] = gateway()
    event["headers"]["host"] = host
    if event.get("multiValueHeaders"):
        event["multiValueHeaders"]["host"] = [host]
    return event


@pytest.mark.parametrize("host", ["evil.example.com", "[::1]:8", "127.0.0.1:8000"])
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_host_header_never_reaches_the_server(probe: Function, gateway: Any, host: str) -> None:
    event = with_host(gateway, host)
    expected = event["requestContext"].get("domainName", "localhost")

    assert ask(probe, event).json["server"] == [expected, 443]


@pytest.mark.parametrize("host", ["a/?x=", "a#", "a?", "a:b:c", "[::1", ""])
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_what_is_no_host_is_refused(probe: Function, gateway: Any, host: str) -> None:
    assert ask(probe, with_host(gateway, host)).status == 400


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_guarded_path_stays_guarded_whatever_the_host_header(
    closing: Closing, gateway: Any
) -> None:
    app = FastAPI()

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        if request.url.path.startswith("/admin"):
            return Response("forbidden", 403)
        response: Response = await call_next(request)
        return response

    @app.get("/admin")
    def admin() -> str:
        return "secret"

    function = closing(lambda_handler(app))
    for host in ("a/?x=", "a#", "a?", "a/x"):
        event = with_host(partial(gateway, path="/admin"), host)
        assert ask(function, event).status == 400
    assert ask(function, gateway(path="/admin")).status == 403


@pytest.mark.parametrize("scheme", ["javascript", "file", "", "HTTPS"])
def test_scheme_is_http_or_https(probe: Function, scheme: str) -> None:
    event = events.http_api(headers={"x-forwarded-proto": scheme})

    assert ask(probe, event).json["scheme"] == "https"


def test_plain_http_has_its_own_port(probe: Function) -> None:
    scope = ask(probe, events.http_api(headers={"x-forwarded-proto": "http"})).json

    assert (scope["scheme"], scope["server"]) == ("http", [events.HOST, 80])


def test_client_of_a_load_balancer_is_what_it_added_itself(probe: Function) -> None:
    event = events.alb(headers={"x-forwarded-for": "6.6.6.6, 203.0.113.9"})

    assert ask(probe, event).json["client"] == ["203.0.113.9", 0]


def test_client_that_nobody_names_is_none(probe: Function) -> None:
    event = events.rest_v1()
    del event["requestContext"]["identity"]["sourceIp"]

    assert ask(probe, event).json["client"] is None


MISSING = object()


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("headers",), None),
        (("headers",), []),
        (("headers",), {"a": None}),
        (("headers",), {"a": 1}),
        (("headers",), {"host": "a:b:c"}),
        (("headers",), {"x": "\ud800"}),
        (("multiValueHeaders",), {"host": ["a:b:c"]}),
        (("requestContext", "http"), {}),
        (("requestContext", "http"), {"method": "GET"}),
        (("requestContext", "http"), {"method": 1, "path": 2, "sourceIp": 3}),
        (("path",), 3),
        (("path",), "/\ud800"),
        (("httpMethod",), MISSING),
        (("body",), {"a": 1}),
        (("body",), "\ud800"),
        (("isBase64Encoded",), True),
        (("queryStringParameters",), 3),
        (("rawQueryString",), None),
        (("cookies",), 3),
        (("version",), "9.9"),
    ],
)
def test_malformed_request_is_an_answer_or_a_named_error(
    probe: Function,
    gateway: Any,
    path: tuple[str, ...],
    value: Any,
) -> None:
    event: Any = gateway(method="POST", body="@")
    inner = event
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    if value is MISSING:
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = value

    with contextlib.suppress(UnsupportedEvent):
        assert Answer.of(probe(event)).status in {200, 400}


@pytest.mark.parametrize(
    "changed",
    [
        {"body": "@", "isBase64Encoded": True},
        {"body": "QQ==junk", "isBase64Encoded": True},
        {"headers": {"x-test": 3}, "multiValueHeaders": {}},
        {"headers": {"host": "\ud800"}, "multiValueHeaders": {}},
        {"headers": {"x-test": "a\r\nb"}, "multiValueHeaders": {}},
        {"headers": {"x-test": "a\nb"}, "multiValueHeaders": {}},
        {"headers": {"x-test": "a\rb"}, "multiValueHeaders": {}},
        {"headers": {"x-test": "a\0b"}, "multiValueHeaders": {}},
        {"headers": {"x-test": None}, "multiValueHeaders": {}},
        {"headers": {"x-a\nx-b": "1"}, "multiValueHeaders": {}},
        {"headers": {"x a": "1"}, "multiValueHeaders": {}},
        {"headers": {"": "1", "x-test": "1"}, "multiValueHeaders": {}},
        {"headers": {"x-\ud800": "1"}, "multiValueHeaders": {}},
        # The Kelvin sign, whose lower case is the letter k.
        {"headers": {"\u212aeep-alive": "1"}, "multiValueHeaders": {}},
    ],
)
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_malformed_request_is_answered_with_400(
    probe: Function,
    gateway: Any,
    changed: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    event = {**gateway(), **changed}
    if gateway is events.alb:
        event.pop("multiValueHeaders", None)

    answer = ask(probe, event)

    assert (answer.status, answer.text) == (400, "Bad Request")
    (record,) = caplog.records
    assert record.message.startswith("the event is no HTTP request that can be served: ")


EDGE: dict[str, Any] = {
    "Records": [
        {
            "cf": {
                "request": {
                    "method": "GET",
                    "uri": "/a",
                    "querystring": "x=1",
                    "clientIp": "203.0.113.9",
                    "headers": {"host": [{"key": "Host", "value": "example.com"}]},
                },
            },
        },
    ],
}


def test_cloudfront_event_is_served(probe: Function) -> None:
    result = probe(EDGE)

    assert result["status"] == "200"
    assert json.loads(result["body"])["path"] == "/a"


def test_cloudfront_event_with_a_malformed_header_is_answered_with_400(probe: Function) -> None:
    event = copy.deepcopy(EDGE)
    event["Records"][0]["cf"]["request"]["headers"]["host"] = "example.com"

    assert (probe(event)["status"], probe(event)["body"]) == ("400", "Bad Request")


def test_event_that_no_handler_knows_is_a_named_error(probe: Function) -> None:
    with pytest.raises(UnsupportedEvent):
        probe({"requestContext": {"http": {}}})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Take a real event and put anything at one place."""
    event: Any = copy.deepcopy(draw(st.sampled_from([*(make() for make in GATEWAYS), EDGE])))
    place, inner = event, event
    key: Any = None
    for _ in range(draw(st.integers(1, 4))):
        if not isinstance(inner, (dict, list)) or not inner:
            break
        place = inner
        key = draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        inner = place[key]
    place[key] = draw(json_values)
    return dict(event)


@pytest.fixture(scope="module")
def running() -> Any:
    function = lambda_handler(lifeless)
    yield function
    function.close()


@given(event=mutated())
@settings(deadline=None, max_examples=300)
def test_any_event_is_answered_or_refused_by_name(running: Function, event: dict[str, Any]) -> None:
    try:
        result = running(event)
    except UnsupportedEvent:
        return
    assert int(result.get("statusCode", result.get("status"))) in {200, 400, 413}


def answering(**app_settings: Any) -> FastAPI:
    app = FastAPI(**app_settings)

    @app.get("/cookies")
    def cookies(response: Response) -> str:
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return "set"

    @app.get("/bytes")
    def binary() -> Response:
        return Response(BYTES, media_type="application/octet-stream")

    @app.get("/latin")
    def latin() -> Response:
        return Response("é", headers={"x-name": "é"}, media_type="text/plain")

    @app.api_route("/nothing", methods=["GET", "HEAD"], status_code=204)
    def nothing() -> None: ...

    @app.api_route("/page", methods=["GET", "HEAD"])
    def page() -> str:
        return "page"

    return app


@pytest.fixture
def site(closing: Closing) -> Function:
    return closing(lambda_handler(answering()))


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_every_cookie_is_set(site: Function, gateway: Any) -> None:
    cookies = ask(site, gateway(path="/cookies")).headers["set-cookie"]

    assert [cookie.split(";")[0] for cookie in cookies] == ["a=1", "b=2"]


def test_every_cookie_is_set_where_headers_have_many_values(site: Function) -> None:
    event = events.alb(path="/cookies")
    event["multiValueHeaders"] = {name: [value] for name, value in event.pop("headers").items()}
    cookies = ask(site, event).headers["set-cookie"]

    assert [cookie.split(";")[0] for cookie in cookies] == ["a=1", "b=2"]


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_binary_answer_leaves_whole(site: Function, gateway: Any) -> None:
    assert ask(site, gateway(path="/bytes")).body == BYTES


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_header_beyond_ascii_leaves(site: Function, gateway: Any) -> None:
    answer = ask(site, gateway(path="/latin"))

    assert (answer.headers["x-name"], answer.text) == (["é"], "é")


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("HEAD", "/page", 200), ("GET", "/nothing", 204), ("HEAD", "/nothing", 204)],
)
def test_answer_without_a_body_has_none(
    site: Function,
    gateway: Any,
    method: str,
    path: str,
    status: int,
) -> None:
    answer = ask(site, gateway(method=method, path=path))

    assert (answer.status, answer.body) == (status, b"")


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/missing", 404), ("DELETE", "/page", 405), ("GET", "/page", 200)],
)
def test_status_leaves_as_it_is(
    site: Function,
    gateway: Any,
    method: str,
    path: str,
    status: int,
) -> None:
    assert ask(site, gateway(method=method, path=path)).status == status


@pytest.mark.parametrize(
    ("path", "root_path"),
    [("/api", "/api"), ("/api/x", "/api"), ("/apix", ""), ("/x/api", ""), ("/", "")],
)
def test_root_path_is_a_whole_segment(closing: Closing, path: str, root_path: str) -> None:
    function = closing(lambda_handler(lifeless, base_path="/api"))
    scope = ask(function, events.http_api(path=path)).json

    assert (scope["path"], scope["root_path"]) == (path, root_path)


@pytest.fixture
def mounted(closing: Closing) -> Function:
    app = FastAPI()

    @app.get("/")
    def root(request: Request) -> dict[str, str]:
        scope = request.scope
        return {"path": scope["path"], "root_path": scope["root_path"], "url": str(request.url)}

    @app.get("/api/deep")
    def deep(request: Request) -> str:
        return str(request.scope["root_path"])

    return closing(lambda_handler(app, base_path="/api"))


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_prefix_is_the_root_path_and_stays_in_the_path(mounted: Function, gateway: Any) -> None:
    answer = ask(mounted, gateway(path="/api/")).json

    assert (answer["path"], answer["root_path"]) == ("/api/", "/api")
    assert answer["url"].endswith("/api/")
    assert ask(mounted, gateway(path="/api/api/deep")).json == "/api"


@pytest.mark.parametrize(("path", "status"), [("/api", 307), ("/apix", 404), ("/", 200)])
def test_prefix_ends_at_a_segment(mounted: Function, path: str, status: int) -> None:
    answer = ask(mounted, events.http_api(path=path))

    assert answer.status == status
    if status == 307:
        assert answer.headers["location"] == [f"https://{events.HOST}/api/"]
    if path == "/":
        assert answer.json["root_path"] == ""


class Queue:
    """A handler of the user's own, as Mangum takes them: a queue's message as a request."""

    def __init__(self, event: Any, context: Any, config: Any) -> None:
        self.event, self.context, self.config = event, context, config

    @classmethod
    def infer(cls, event: Any, _context: Any, _config: Any) -> bool:
        return isinstance(event, dict) and "queue" in event

    @property
    def body(self) -> bytes:
        return str(self.event["queue"]).encode()

    @property
    def scope(self) -> dict[str, Any]:
        return {
            "type": "http",
            "method": "POST",
            "path": "/queue",
            "headers": [],
            "query_string": b"",
        }

    def __call__(self, response: Any) -> Any:
        return [response["status"], response["body"].decode(), self.config["text_mime_types"]]


def test_custom_handler_goes_first_and_shares_the_lifespan_state(closing: Closing) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, str]]:
        yield {"model": "loaded"}

    app = FastAPI(lifespan=lifespan)

    @app.post("/queue")
    async def queue(request: Request) -> list[Any]:
        return [await request.json(), request.state.model]

    function = closing(lambda_handler(app, custom_handlers=[Queue], text_mime_types=["text/x"]))
    assert function({"queue": 3}) == [200, '[3,"loaded"]', ["text/x"]]
    assert ask(function, events.http_api(path="/openapi.json")).status == 200
    with pytest.raises(UnsupportedEvent):
        function({"other": 3})


@pytest.mark.parametrize(("text_types", "is_base64"), [([], True), (["application/oct"], False)])
def test_text_mime_types_are_text_besides_the_usual_ones(
    closing: Closing,
    text_types: list[str],
    is_base64: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    app = FastAPI()
    app.get("/")(lambda: Response(b"plain", media_type="application/octet-stream"))
    function = closing(lambda_handler(app, text_mime_types=text_types))

    assert function(events.http_api())["isBase64Encoded"] is is_base64


def test_excluded_headers_are_left_out(closing: Closing) -> None:
    function = closing(lambda_handler(answering(), exclude_headers=["Content-Type"]))

    assert "content-type" not in ask(function, events.rest_v1(path="/page")).headers


def test_lifespan_runs_once_over_many_invocations_and_its_state_is_per_request() -> None:
    counted: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        counted.append("startup")
        yield {"model": "loaded"}
        counted.append("shutdown")

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    def root(request: Request) -> str:
        found = str(request.state.model)
        request.state.model = "changed"
        return found

    function = lambda_handler(app)
    assert [ask(function, events.http_api()).json for _ in range(5)] == ["loaded"] * 5
    assert counted == ["startup"]
    function.close()
    assert counted == ["startup", "shutdown"]


def test_background_task_is_done_when_the_answer_is_there(closing: Closing) -> None:
    app, done = FastAPI(), list[str]()

    @app.get("/")
    def root(tasks: BackgroundTasks) -> str:
        tasks.add_task(done.append, "task")
        return "answered"

    assert ask(closing(lambda_handler(app)), events.http_api()).json == "answered"
    assert done == ["task"]


def test_application_that_raises_answers_500_and_the_next_request_is_served(
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = FastAPI()

    @app.get("/{number}")
    def divide(number: int) -> float:
        return 1 / number

    function = closing(lambda_handler(app))
    assert ask(function, events.http_api(path="/0")).status == 500
    assert "ZeroDivisionError" in caplog.text
    assert ask(function, events.http_api(path="/1")).json == 1.0
