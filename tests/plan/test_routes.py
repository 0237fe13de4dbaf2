from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from adapter import serve
from adapter.plan.routes import application_routes, ingress_routes
from adapter.plan.values import RoutePlan
from adapter.serve.ingresses import Ingress, ingress_of

app = FastAPI()
router = APIRouter(prefix="/items")
hidden = APIRouter()


@app.get("/")
def root() -> None: ...


@app.api_route("/both", methods=["POST", "GET", "HEAD", "OPTIONS"])
def both() -> None: ...


@app.head("/head")
def head() -> None: ...


@app.get("/hidden", include_in_schema=False)
def not_shown() -> None: ...


@app.websocket("/socket")
async def socket(socket: WebSocket) -> None: ...


@router.get("/{number}")
def item(number: int) -> None: ...


@hidden.get("/secret")
def secret() -> None: ...


@serve.ingress(app)
class First:
    @app.get("/first")
    def first(self) -> None: ...


@serve.ingress(app)
class Second:
    @app.get("/second")
    def second(self) -> None: ...


class Inherits(First):
    pass


app.include_router(router, prefix="/v1")
app.include_router(hidden, include_in_schema=False)
SHARED = [("GET", "/"), ("GET POST", "/both"), ("HEAD", "/head"), ("GET", "/v1/items/{number}")]


def shown(routes: tuple[RoutePlan, ...]) -> list[tuple[str, str]]:
    assert {route.function for route in routes} == {"Gateway"}
    return sorted((" ".join(route.methods), route.path) for route in routes)


@pytest.mark.parametrize(
    ("cls", "own"),
    [(First, "/first"), (Second, "/second"), (Inherits, "/first")],
)
def test_class_has_the_shared_routes_and_its_own(cls: Any, own: str) -> None:
    routes = ingress_routes(ingress_of(cls), cls, "/", "Gateway")

    assert shown(routes) == sorted([*SHARED, ("GET", own)])


def test_prefix_stands_before_every_route() -> None:
    routes = application_routes(app, "/api", "Gateway")

    assert ("GET", "/api/v1/items/{number}") in shown(routes)
    assert all(route.path.startswith("/api/") for route in routes)


async def raw(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.mark.parametrize(
    "ingress",
    [None, Ingress(), Ingress(lambda: app, is_factory=True), Ingress(raw), Ingress(FastAPI())],
)
def test_routes_that_nobody_knows_are_everything(ingress: Ingress | None) -> None:
    assert shown(ingress_routes(ingress, First, "/", "Gateway")) == [("ANY", "/{path}")]
    assert shown(ingress_routes(ingress, First, "/api", "Gateway")) == [("ANY", "/api/{path}")]


def test_starlette_routes_are_listed() -> None:
    async def page(_request: Any) -> Response:
        return Response()

    starlette = Starlette(routes=[Route("/page", page), Mount("/static", routes=[])])

    assert shown(application_routes(starlette, "/", "Gateway")) == [("GET", "/page")]


class Complete(BaseModel):
    text: str = Field(examples=["é"])
    top_words: int = Field(default=3, alias="topWords", examples=[5])
    note: str | None = Field(default=None, examples=["left out"])
    limit: int = 10


class Incomplete(BaseModel):
    text: str = Field(examples=["a"])
    other: str


class Unwritable(BaseModel):
    text: str = Field(examples=[b"bytes"])


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (Complete, '{"text": "é", "topWords": 5}'),
        (Incomplete, ""),
        (Unwritable, ""),
        (dict[str, int], ""),
        (list[Complete], ""),
    ],
)
def test_example_of_a_body_is_made_of_the_examples_of_its_fields(model: Any, example: str) -> None:
    shop = FastAPI()

    def create(body: Any) -> None: ...

    create.__annotations__["body"] = model
    shop.post("/items")(create)

    assert [route.example for route in application_routes(shop, "/", "Gateway")] == [example]
