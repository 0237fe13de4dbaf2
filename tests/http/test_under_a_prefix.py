"""What Ray Serve's users rely on of FastAPI and of plain deployments, at a route prefix."""

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, HTTPException, Query, Response
from starlette.requests import Request

from adapter import serve
from adapter.function import Function, entry_point
from tests import events
from tests.http.answers import Answer, ask

Closing = Callable[[Function], Function]

app = FastAPI()


@serve.deployment
@serve.ingress(app)
class Gateway:
    @app.get("/")
    def root(self, request: Request) -> dict[str, str]:
        return {"path": request.scope["path"], "root_path": request.scope["root_path"]}

    @app.get("/items/{item}")
    def item(self, item: int, size: Annotated[int, Query(le=9)] = 1) -> dict[str, int]:
        return {"item": item, "size": size}

    @app.get("/cookies")
    def cookies(self, response: Response) -> None:
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")

    @app.get("/teapot")
    def teapot(self) -> None:
        raise HTTPException(418, "short", headers={"x-tea": "green"})

    @app.get("/failing")
    def failing(self) -> None:
        raise LookupError("secret")


def plain(request: Request) -> dict[str, str]:
    return {"path": request.scope["path"], "root_path": request.scope["root_path"]}


@pytest.fixture(autouse=True)
def _mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTER_ROUTE_PREFIX", "/api")


@pytest.fixture
def gateway(closing: Closing) -> Function:
    return closing(entry_point(Gateway))


def asked(function: Function, path: str, **request: Any) -> Answer:
    return ask(function, events.http_api(path=path, **request))


def test_the_prefix_itself_is_redirected_to_its_slash(gateway: Function) -> None:
    answer = asked(gateway, "/api")

    assert answer.status == 307
    assert answer.headers["location"] == [f"https://{events.HOST}/api/"]


def test_a_slash_too_many_is_redirected_below_the_prefix(gateway: Function) -> None:
    answer = asked(gateway, "/api/items/1/", query="size=2")

    assert answer.status == 307
    assert answer.headers["location"] == [f"https://{events.HOST}/api/items/1?size=2"]


def test_the_path_is_whole_and_the_prefix_is_the_root_path(gateway: Function) -> None:
    assert asked(gateway, "/api/").json == {"path": "/api/", "root_path": "/api"}


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/x"])
def test_a_plain_deployment_answers_at_once(closing: Closing, path: str) -> None:
    answer = asked(closing(entry_point(plain)), path)

    assert (answer.status, answer.json) == (200, {"path": path, "root_path": "/api"})


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE", "POST"])
def test_another_method_than_the_routes_is_405(gateway: Function, method: str) -> None:
    answer = asked(gateway, "/api/teapot", method=method)

    assert (answer.status, answer.headers["allow"]) == (405, ["GET"])


def test_two_cookies_stay_two(gateway: Function) -> None:
    cookies = asked(gateway, "/api/cookies").headers["set-cookie"]

    assert [cookie.partition(";")[0] for cookie in cookies] == ["a=1", "b=2"]


def test_the_headers_of_an_http_exception_are_kept(gateway: Function) -> None:
    answer = asked(gateway, "/api/teapot")

    assert (answer.status, answer.json) == (418, {"detail": "short"})
    assert answer.headers["x-tea"] == ["green"]


def test_what_does_not_validate_is_422(gateway: Function) -> None:
    answer = asked(gateway, "/api/items/one", query="size=10")

    assert answer.status == 422
    found = {(error["type"], *error["loc"]) for error in answer.json["detail"]}
    assert found == {("int_parsing", "path", "item"), ("less_than_equal", "query", "size")}


def test_an_exception_is_a_500_that_says_nothing_of_it(gateway: Function) -> None:
    answer = asked(gateway, "/api/failing")

    assert (answer.status, answer.text) == (500, "Internal Server Error")


def test_a_path_of_no_route_is_the_applications_404(gateway: Function) -> None:
    answer = asked(gateway, "/api/nowhere")

    assert (answer.status, answer.json) == (404, {"detail": "Not Found"})
