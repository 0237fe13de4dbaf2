from typing import Any

import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from adapter import serve
from adapter.errors import ServeError
from adapter.function import entry_point
from adapter.http.cors import answers_cors


class OwnCORSMiddleware(CORSMiddleware):
    pass


def application(middleware: Any) -> FastAPI:
    app = FastAPI()
    app.add_middleware(middleware)
    return app


@pytest.mark.parametrize("middleware", [CORSMiddleware, OwnCORSMiddleware])
def test_starlettes_middleware_is_known_by_its_class(middleware: Any) -> None:
    assert answers_cors(application(middleware))
    assert answers_cors(FastAPI(), [Middleware(middleware)])
    assert answers_cors(middleware(FastAPI()))


def test_other_middlewares_are_none_of_our_business() -> None:
    assert not answers_cors(application(GZipMiddleware))
    assert not answers_cors(FastAPI(), [Middleware(GZipMiddleware)])
    assert not answers_cors(None)


@serve.deployment
@serve.ingress(lambda: application(CORSMiddleware))
class Made:
    pass


def test_what_a_factory_makes_is_looked_at_when_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # R21
    entry_point(Made).close()
    monkeypatch.setenv("ADAPTER_CORS", "1")

    with pytest.raises(ServeError, match="both would write the headers, and browsers refuse"):
        entry_point(Made)


api = FastAPI()


@api.api_route("/", methods=["GET", "OPTIONS"])
def index() -> str:
    return "the application"


@serve.deployment
@serve.ingress(api)
class Plain:
    pass


def answer(headers: dict[str, str], method: str = "OPTIONS", route: str = "ANY /") -> Any:
    http = {"method": method, "path": "/", "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"}
    event = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {"host": "api.example", **headers},
        "requestContext": {"http": http, "domainName": "api.example"},
        "isBase64Encoded": False,
    }
    function = entry_point(Plain)
    try:
        result = function(event)
        return result["statusCode"], result.get("body", "")
    finally:
        function.close()


PREFLIGHT = {"origin": "https://shop.example", "access-control-request-method": "GET"}
SERVED = (200, '"the application"')


def test_a_preflight_is_answered_where_the_gateway_adds_the_headers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert answer(PREFLIGHT) == SERVED
    monkeypatch.setenv("ADAPTER_CORS", "1")

    assert answer(PREFLIGHT) == (204, "")
    assert answer(PREFLIGHT, method="GET") == SERVED
    assert answer({}) == SERVED


def test_what_needs_no_signature_never_reaches_the_application(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ADAPTER_CORS", "1")

    assert answer({}, route="OPTIONS /") == (204, "")
