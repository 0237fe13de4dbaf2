import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Route

from adapter import serve
from adapter.deployment_servable import DeploymentServable
from adapter.errors import ServeError
from adapter.function import Function
from adapter.http.views import bind_views
from adapter.serve import transport
from adapter.settings import Settings
from tests import events
from tests.http.answers import Answer, ask

Serving = Callable[..., Function]


@pytest.fixture(params=[False, True], ids=["own process", "shared process"])
def serving(request: pytest.FixtureRequest, closing: Callable[[Function], Function]) -> Serving:
    """Start a deployment class as on Lambda, and as in `serve.run`, where processes are shared."""

    def start(cls: Any, *args: Any) -> Function:
        settings = Settings(whole_process=not request.param)
        function = Function(DeploymentServable(serve.deployment(cls), args, {}, settings))
        function.complete(function.start())
        return closing(function)

    return start


def get(function: Function, path: str, **request: Any) -> Answer:
    return ask(function, events.http_api(path=path, **request))


class Item(BaseModel):
    name: str
    secret: str = "hidden"


class Public(BaseModel):
    name: str


def test_routes_on_methods_get_self(serving: Serving) -> None:
    app = FastAPI()

    @serve.ingress(app)
    class Gateway:
        def __init__(self, factor: int) -> None:
            self.factor = factor

        @app.get("/plain/{number}")
        def plain(self, number: int, plus: int = 0) -> int:
            return number * self.factor + plus

        @app.get("/async/{number}")
        async def asynchronous(self, number: int) -> int:
            return number * self.factor

    function = serving(Gateway, 3)
    assert get(function, "/plain/2", query="plus=1").json == 7
    assert get(function, "/async/2").json == 6
    assert get(function, "/plain/two").status == 422


def test_body_header_status_and_response_model_work_on_methods(serving: Serving) -> None:
    app = FastAPI()

    @serve.ingress(app)
    class Gateway:
        @app.post("/items", response_model=Public, status_code=201, tags=["items"])
        def create(self, item: Item, response: Response, x_kind: Annotated[str, Header()]) -> Item:
            response.headers["x-kind"] = x_kind
            return item

    event = events.http_api(
        method="POST",
        path="/items",
        body='{"name": "a"}',
        headers={"content-type": "application/json", "x-kind": "b"},
    )
    answer = ask(serving(Gateway), event)

    assert (answer.status, answer.json) == (201, {"name": "a"})
    assert answer.headers["x-kind"] == ["b"]


def test_routes_of_the_application_stand_beside_those_on_methods(serving: Serving) -> None:
    app = FastAPI()

    @app.get("/function")
    def function_route() -> str:
        return "function"

    @serve.ingress(app)
    class Gateway:
        @app.get("/method")
        def method(self) -> str:
            return "method"

        def plain(self, number: int) -> int:
            return number + 1

    function = serving(Gateway)
    assert get(function, "/function").json == "function"
    assert get(function, "/method").json == "method"
    assert function({"method": "plain", "args": [1]}) == 2
    assert function({"method": "method"}) == "method"


def test_method_may_be_redefined_with_another_verb(serving: Serving) -> None:
    app = FastAPI()

    @serve.ingress(app)
    class Gateway:
        @app.get("/")
        def root(self) -> str:
            return "Hello, world!"

        @app.post("/{subpath}")  # type: ignore[no-redef]  # Ray Serve's guide has it
        def root(self, subpath: str) -> str:  # noqa: F811 - see the line above
            return f"Hello from {subpath}!"

    function = serving(Gateway)
    assert get(function, "/").json == "Hello, world!"
    assert get(function, "/here", method="POST").json == "Hello from here!"
    assert get(function, "/", method="DELETE").status == 405


def test_class_without_a_view_serves_the_application_as_it_is() -> None:
    app = FastAPI()

    @app.get("/")
    def root() -> str:
        return "Hello from the root!"

    @serve.ingress(app)
    class Gateway:
        pass

    assert bind_views(app, Gateway(), shared=True) is app
    assert bind_views(app, Gateway(), shared=False) is app


def test_inherited_methods_are_views_too(serving: Serving) -> None:
    app = FastAPI()

    class Base:
        name = "base"

        @app.get("/name")
        def read(self) -> str:
            return self.name

    @serve.ingress(app)
    class Gateway(Base):
        name = "gateway"

        @app.get("/own")
        def own(self) -> str:
            return self.read()

    function = serving(Gateway)
    assert get(function, "/name").json == "gateway"
    assert get(function, "/own").json == "gateway"


def two_classes() -> tuple[Any, Any]:
    """Write the program of Ray Serve's guide anew: two classes over one application."""
    app = FastAPI()

    @app.get("/")
    def root() -> str:
        return "Hello from the root!"

    @serve.ingress(app)
    class First:
        @app.get("/subpath")
        def method(self) -> str:
            return "Hello 1!"

    @serve.ingress(app)
    class Second:
        @app.get("/subpath")
        def method(self) -> str:
            return "Hello 2!"

        @app.get("/second")
        def second(self) -> str:
            return "only here"

    return First, Second


@pytest.mark.parametrize(("index", "text", "status"), [(0, "Hello 1!", 404), (1, "Hello 2!", 200)])
def test_classes_over_one_application_keep_their_own_routes(
    serving: Serving,
    index: int,
    text: str,
    status: int,
) -> None:
    function = serving(two_classes()[index])

    assert get(function, "/").json == "Hello from the root!"
    assert get(function, "/subpath").json == text
    assert get(function, "/second").status == status


@pytest.mark.parametrize("serving", [True], indirect=True)
def test_classes_over_one_application_live_in_one_process(serving: Serving) -> None:
    first, second = (serving(cls) for cls in two_classes())

    assert [get(function, "/subpath").json for function in (first, second)] == [
        "Hello 1!",
        "Hello 2!",
    ]
    assert get(first, "/second").status == 404
    assert set(get(first, "/openapi.json").json["paths"]) == {"/", "/subpath"}
    assert set(get(second, "/openapi.json").json["paths"]) == {"/", "/subpath", "/second"}


@pytest.mark.parametrize("serving", [True], indirect=True)
def test_instances_of_one_class_live_in_one_process(serving: Serving) -> None:
    app = FastAPI()

    @serve.ingress(app)
    class Gateway:
        def __init__(self, name: str) -> None:
            self.name = name

        @app.get("/")
        def read(self) -> str:
            return self.name

    first, second = serving(Gateway, "first"), serving(Gateway, "second")
    assert [get(first, "/").json, get(second, "/").json] == ["first", "second"]


def test_routers_are_served_whenever_they_were_included(serving: Serving) -> None:
    app, inner, before, after = FastAPI(), APIRouter(), APIRouter(), APIRouter()

    @inner.get("/inner")
    def nested() -> str:
        return "inner"

    @before.get("/before")
    def early() -> str:
        return "before"

    @after.get("/after")
    def late() -> str:
        return "after"

    before.include_router(inner, prefix="/deep")
    app.include_router(before, prefix="/v1")

    @serve.ingress(app)
    class Gateway:
        @app.get("/own")
        def own(self) -> str:
            return "own"

    app.include_router(after, prefix="/v2")
    function = serving(Gateway)
    paths = ["/v1/before", "/v1/deep/inner", "/v2/after", "/own"]
    found = [get(function, path).json for path in paths]
    assert found == ["before", "inner", "after", "own"]


def test_methods_may_be_views_of_a_router(serving: Serving) -> None:
    app, outer, router = FastAPI(), APIRouter(prefix="/outer"), APIRouter(prefix="/inner")

    def count(request: Request) -> None:
        request.state.counted = True

    @serve.ingress(app)
    class Gateway:
        name = "gateway"

        @router.get("/{number}")
        def read(self, number: int, request: Request) -> list[Any]:
            return [self.name, number, request.state.counted]

        @outer.get("/own")
        def own(self) -> str:
            return self.name

    outer.include_router(router, dependencies=[Depends(count)])
    app.include_router(outer, prefix="/v1")
    function = serving(Gateway)
    assert get(function, "/v1/outer/inner/3").json == ["gateway", 3, True]
    assert get(function, "/v1/outer/own").json == "gateway"
    assert get(function, "/v1/outer/inner/three").status == 422


@pytest.mark.parametrize("serving", [True], indirect=True)
def test_router_shared_by_two_classes_is_bound_to_each(serving: Serving) -> None:
    router = APIRouter()

    class Base:
        @router.get("/name")
        def read(self) -> str:
            return type(self).__name__

    apps = [FastAPI(), FastAPI()]
    for app in apps:
        app.include_router(router)
    functions = [
        serving(serve.ingress(apps[0])(type("One", (Base,), {}))),
        serving(serve.ingress(apps[1])(type("Two", (Base,), {}))),
    ]

    assert [get(function, "/name").json for function in functions] == ["One", "Two"]


class Echo:
    """A transport whose calls return what they were given."""

    def send(self, call: Any) -> Any:
        done: Future[Any] = Future()
        done.set_result([call.deployment, call.method, *call.args])
        return done

    def stream(self, call: Any, items: Any) -> Any:
        raise AssertionError((call, items))

    async def settle(self) -> None:
        """Nothing is to be closed."""

    def ingress(self, application: str) -> str:
        return application

    def check(self, deployment: str, application: str) -> None:
        """Everything exists."""


@pytest.fixture
def _handles() -> Any:
    transport.connect(Echo())
    yield
    transport.connect(None)


@pytest.mark.usefixtures("_handles")
def test_handles_come_through_arguments_and_dependencies(serving: Serving) -> None:
    app = FastAPI()

    def model() -> serve.DeploymentHandle:
        return serve.get_deployment_handle("Model")

    Model = Annotated[serve.DeploymentHandle, Depends(model)]  # noqa: N806 - a type

    @serve.ingress(app)
    class Gateway:
        def __init__(self, other: serve.DeploymentHandle) -> None:
            self.other = other

        @app.get("/both")
        async def both(self, model: Model) -> list[Any]:
            return [await model.predict.remote(1), await self.other.remote(2)]

        @app.get("/blocking")
        def blocking(self, model: Model) -> Any:
            return model.remote(3).result()

    function = serving(Gateway, serve.DeploymentHandle("Other"))
    assert get(function, "/both").json == [["Model", "predict", 1], ["Other", "__call__", 2]]
    assert get(function, "/blocking").json == ["Model", "__call__", 3]


def test_dependencies_and_overrides_reach_methods(serving: Serving) -> None:
    def user() -> str:
        raise AssertionError("not overridden")

    app = FastAPI()

    @serve.ingress(app)
    class Gateway:
        @app.get("/me")
        def me(self, user: Annotated[str, Depends(user)]) -> str:
            return user

    app.dependency_overrides[user] = lambda: "test user"
    assert get(serving(Gateway), "/me").json == "test user"


def test_middleware_and_exception_handlers_surround_methods(serving: Serving) -> None:
    app = FastAPI()
    app.add_middleware(GZipMiddleware, minimum_size=1)

    @app.exception_handler(LookupError)
    async def not_found(_request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse(str(error), 404)

    @serve.ingress(app)
    class Gateway:
        @app.get("/missing")
        def missing(self) -> None:
            raise LookupError("no such thing")

        @app.get("/teapot")
        def teapot(self) -> None:
            raise HTTPException(418, headers={"x-pot": "tea"})

    function = serving(Gateway)
    missing = get(function, "/missing", headers={"accept-encoding": "gzip"})
    assert (missing.status, missing.headers["content-encoding"]) == (404, ["gzip"])
    assert get(function, "/missing").text == "no such thing"
    assert get(function, "/teapot").headers["x-pot"] == ["tea"]


def test_instrumentation_that_patched_the_application_sees_the_bound_routes(
    serving: Serving,
) -> None:
    app = FastAPI()
    seen = []

    def build_middleware_stack(self: FastAPI) -> Any:
        inner = type(self).build_middleware_stack(self)

        async def measured(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                seen.append(scope["app"])
            await inner(scope, receive, send)

        return measured

    patched: Any = app
    patched.build_middleware_stack = types.MethodType(build_middleware_stack, app)

    @serve.ingress(app)
    class Gateway:
        @app.get("/")
        def root(self) -> str:
            return "root"

    assert get(serving(Gateway), "/").json == "root"
    assert len(seen) == 1


@pytest.fixture
def _background_task() -> Iterator[None]:
    """Undo what OpenTelemetry does to Starlette for all applications at once."""
    call = BackgroundTask.__call__
    yield
    BackgroundTask.__call__ = call  # type: ignore[method-assign]  # as it was
    del BackgroundTask._otel_original_call  # type: ignore[attr-defined]  # OpenTelemetry's


@pytest.mark.usefixtures("_background_task")
@pytest.mark.parametrize("telemetry", ["before the class", "after the class"])
def test_application_with_opentelemetry_serves_views(serving: Serving, telemetry: str) -> None:
    app, seen = FastAPI(), list[str]()

    def hook(_span: Any, scope: Any) -> None:
        seen.append(scope["path"])

    if telemetry == "before the class":
        FastAPIInstrumentor.instrument_app(app, server_request_hook=hook)

    @serve.ingress(app)
    class Gateway:
        name = "gateway"

        @app.get("/")
        def root(self) -> str:
            return self.name

    if telemetry == "after the class":
        FastAPIInstrumentor.instrument_app(app, server_request_hook=hook)
    assert get(serving(Gateway), "/").json == "gateway"
    assert seen == ["/"]


@pytest.mark.usefixtures("_background_task")
@pytest.mark.parametrize("serving", [True], indirect=True)
def test_classes_over_one_application_with_opentelemetry_keep_their_own_routes(
    serving: Serving,
) -> None:
    app = FastAPI()
    FastAPIInstrumentor.instrument_app(app)

    class Base:
        @app.get("/name")
        def read(self) -> str:
            return type(self).__name__

    functions = [serving(serve.ingress(app)(type(name, (Base,), {}))) for name in ("One", "Two")]

    assert [get(function, "/name").json for function in functions] == ["One", "Two"]


def test_application_and_instance_may_hold_what_cannot_be_pickled(serving: Serving) -> None:
    app = FastAPI()
    app.state.lock = threading.Lock()

    @serve.ingress(app)
    class Gateway:
        def __init__(self) -> None:
            self.lock = threading.Lock()

        @app.get("/")
        def root(self, request: Request) -> list[bool]:
            with self.lock, request.app.state.lock:
                return [self.lock.locked(), request.app.state.lock.locked()]

    assert get(serving(Gateway), "/").json == [True, True]


@pytest.mark.parametrize("shared", [False, True])
def test_methods_may_be_websocket_routes(*, shared: bool) -> None:
    app, router = FastAPI(), APIRouter()

    class Gateway:
        name = "gateway"

        @app.websocket("/echo/{number}")
        async def echo(self, socket: WebSocket, number: int, twice: int = 0) -> None:
            await socket.accept()
            await socket.send_json([self.name, number, twice, await socket.receive_text()])
            await socket.close()

        @router.websocket("/inner")
        async def inner(self, socket: WebSocket) -> None:
            await socket.accept()
            await socket.send_text(self.name)
            await socket.close()

        @app.get("/")
        def root(self) -> str:
            return self.name

    app.include_router(router, prefix="/v1")
    client = TestClient(bind_views(app, Gateway(), shared=shared))

    with client.websocket_connect("/echo/3?twice=2") as socket:
        socket.send_text("hi")
        assert socket.receive_json() == ["gateway", 3, 2, "hi"]
    with client.websocket_connect("/v1/inner") as socket:
        assert socket.receive_text() == "gateway"
    assert client.get("/").json() == "gateway"


def test_methods_may_be_views_of_a_mounted_application(serving: Serving) -> None:
    app, admin = FastAPI(), FastAPI()
    app.mount("/admin", admin, name="admin")

    @serve.ingress(app)
    class Gateway:
        name = "gateway"

        @admin.get("/name/{number}")
        def read(self, number: int) -> list[Any]:
            return [self.name, number]

        @app.get("/link")
        def link(self, request: Request) -> str:
            return request.url_for("admin", path="/name/1").path

    function = serving(Gateway)
    assert get(function, "/admin/name/3").json == ["gateway", 3]
    assert get(function, "/link").json == "/admin/name/1"
    assert set(get(function, "/admin/openapi.json").json["paths"]) == {"/name/{number}"}


@pytest.mark.parametrize("serving", [True], indirect=True)
def test_mounted_application_is_bound_to_each_of_two_classes(serving: Serving) -> None:
    app, admin = FastAPI(), FastAPI()
    app.mount("/admin", admin)

    class Base:
        @admin.get("/name")
        def read(self) -> str:
            return type(self).__name__

    functions = [serving(serve.ingress(app)(type(name, (Base,), {}))) for name in ("One", "Two")]

    assert [get(function, "/admin/name").json for function in functions] == ["One", "Two"]


def test_mounted_application_without_views_is_served_as_it_is(serving: Serving) -> None:
    app, files = FastAPI(), FastAPI()

    @files.get("/list")
    def several() -> list[str]:
        return ["a"]

    app.mount("/files", files)

    @serve.ingress(app)
    class Gateway:
        @app.get("/")
        def root(self) -> str:
            return "root"

    function = serving(Gateway)
    assert get(function, "/files/list").json == ["a"]
    assert get(function, "/").json == "root"


# Many settings of a route, to see that none is lost.
SETTINGS: dict[str, Any] = {
    "status_code": 201,
    "tags": ["a"],
    "summary": "s",
    "description": "d",
    "response_description": "r",
    "responses": {404: {"description": "x"}},
    "deprecated": True,
    "operation_id": "op",
    "name": "named",
    "openapi_extra": {"x-a": 1},
    "response_model": Public,
    "response_model_exclude_none": True,
}


def written_as_functions() -> FastAPI:
    app, router = FastAPI(), APIRouter(prefix="/r", tags=["r"])

    @app.post("/full/{number}", **SETTINGS)
    def full(number: int, item: Item, query: str = "a") -> Any:
        return number, item, query

    @app.get("/list")
    def several() -> list[Item]:
        """Return a list."""
        return []

    @app.get("/text", response_class=PlainTextResponse)
    def text() -> str:
        return "x"

    @app.get("/hidden", include_in_schema=False)
    def hidden() -> None: ...

    @router.get("/one")
    def one(number: int = 1) -> int:
        return number

    app.include_router(router, prefix="/v1")
    return app


def written_as_methods() -> tuple[FastAPI, Any]:
    app, router = FastAPI(), APIRouter(prefix="/r", tags=["r"])

    class Gateway:
        @app.post("/full/{number}", **SETTINGS)
        def full(self, number: int, item: Item, query: str = "a") -> Any:
            return number, item, query

        @app.get("/list")
        def several(self) -> list[Item]:
            """Return a list."""
            return []

        @app.get("/text", response_class=PlainTextResponse)
        def text(self) -> str:
            return "x"

        @app.get("/hidden", include_in_schema=False)
        def hidden(self) -> None: ...

        @router.get("/one")
        def one(self, number: int = 1) -> int:
            return number

    app.include_router(router, prefix="/v1")
    return app, Gateway()


def test_documentation_of_methods_is_that_of_functions(serving: Serving) -> None:
    app, gateway = written_as_methods()
    cls = serve.ingress(app)(type(gateway))
    app.openapi()  # FastAPI remembers it, with `self` as a query parameter

    assert get(serving(cls), "/openapi.json").json == written_as_functions().openapi()
    assert "swagger-ui" in get(serving(cls), "/docs").text


def test_application_without_documentation_is_served(serving: Serving) -> None:
    app = FastAPI(openapi_url=None)

    @serve.ingress(app)
    class Gateway:
        @app.get("/")
        def root(self) -> str:
            return "root"

    function = serving(Gateway)
    assert get(function, "/").json == "root"
    assert get(function, "/openapi.json").status == 404


def test_route_made_by_a_class_of_ones_own_stays_of_that_class(serving: Serving) -> None:
    class Counted(APIRoute):
        def __init__(self, path: str, endpoint: Any, **settings: Any) -> None:
            super().__init__(path, endpoint, **settings)
            self.count = 0

        def get_route_handler(self) -> Any:
            handler = super().get_route_handler()

            async def counting(request: Request) -> Response:
                self.count += 1
                response: Response = await handler(request)
                response.headers["x-count"] = str(self.count)
                return response

            return counting

    app = FastAPI()
    router = APIRouter(route_class=Counted)

    @serve.ingress(app)
    class Gateway:
        @router.get("/", status_code=202, response_model=Public)
        def root(self) -> Item:
            return Item(name="a")

    app.include_router(router)
    answer = get(serving(Gateway), "/")
    assert (answer.status, answer.headers["x-count"], answer.json) == (202, ["1"], {"name": "a"})


def test_names_of_routes_stay(serving: Serving) -> None:
    app = FastAPI()

    @serve.ingress(app)
    class Gateway:
        @app.get("/items/{number}")
        def item(self, number: int) -> int:
            return number

        @app.get("/link")
        def link(self, request: Request) -> str:
            return request.url_for("item", number=3).path

        @app.websocket("/socket")
        async def socket(self, socket: WebSocket) -> None:
            await socket.accept()

    assert get(serving(Gateway), "/link").json == "/items/3"


def test_method_without_self_is_refused() -> None:
    app = FastAPI()

    class Gateway:
        @app.get("/")
        def root() -> str:  # type: ignore[misc]  # the mistake that is tested
            return "root"

    with pytest.raises(ServeError, match="must have ``self`` as their first argument") as caught:
        bind_views(app, Gateway(), shared=False)
    assert "Gateway.root" in str(caught.value)


def test_starlette_application_is_served_as_it_is(serving: Serving) -> None:
    async def root(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("starlette")

    app = Starlette(routes=[Mount("/m", routes=[Route("/", root)]), Route("/", root)])
    function = serving(serve.ingress(app)(type("Gateway", (), {})))

    assert get(function, "/").text == get(function, "/m/").text == "starlette"


def test_asgi_application_without_routes_is_served_as_it_is(serving: Serving) -> None:
    class Raw:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await PlainTextResponse("raw")(scope, receive, send)

    function = serving(serve.ingress(Raw())(type("Gateway", (), {})))

    assert get(function, "/").text == "raw"
