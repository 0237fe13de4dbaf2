import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from adapter import serve
from adapter.errors import ServeError
from adapter.function import Function, entry_point
from adapter.http.application import factory_application, ingress_application
from adapter.serve.ingresses import Ingress
from tests import events
from tests.http.answers import ask

Closing = Callable[[Function], Function]


def guide_factory() -> FastAPI:
    """Make the application of Ray Serve's guide to factories."""
    app = FastAPI(docs_url="/custom-docs")

    @app.exception_handler(ValueError)
    async def value_error_handler(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": "Invalid input", "detail": str(error)}, 400)

    @app.middleware("http")
    async def add_middleware(request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["X-Custom"] = "header"
        return response

    def model() -> serve.DeploymentHandle:
        return serve.get_deployment_handle("ModelDeployment", "default")

    @app.get("/route")
    def route_handler() -> str:
        return "hello route"

    @app.get("/error")
    def trigger_error() -> None:
        raise ValueError("This is a test error")

    @app.get("/model")
    def name(model: Annotated[serve.DeploymentHandle, Depends(model)]) -> str:
        return model.deployment_name

    return app


@pytest.mark.parametrize(
    "deployment",
    [
        serve.deployment(serve.ingress(guide_factory)()),
        serve.deployment(serve.ingress(guide_factory)(type("Existing", (), {}))),
    ],
)
def test_factory_of_the_guide_is_served(closing: Closing, deployment: Any) -> None:
    function = closing(entry_point(deployment))
    answer = ask(function, events.http_api(path="/route"))

    assert (answer.json, answer.headers["x-custom"]) == ("hello route", ["header"])
    assert ask(function, events.http_api(path="/error")).json["detail"] == "This is a test error"
    assert ask(function, events.http_api(path="/model")).json == "ModelDeployment"
    assert ask(function, events.http_api(path="/custom-docs")).status == 200


def test_default_class_takes_constructor_arguments(closing: Closing) -> None:
    deployment = serve.deployment(serve.ingress(guide_factory)())
    function = closing(entry_point(deployment, serve.DeploymentHandle("Model"), two=2))

    assert ask(function, events.http_api(path="/route")).status == 200


def test_factory_is_called_once_after_the_constructor(closing: Closing) -> None:
    called: list[str] = []

    def factory() -> FastAPI:
        called.append("factory")
        return guide_factory()

    class Gateway:
        def __init__(self) -> None:
            called.append("constructor")

    function = closing(entry_point(serve.ingress(factory)(Gateway)))
    for _ in range(3):
        ask(function, events.http_api(path="/route"))
    assert called == ["constructor", "factory"]


def test_factory_may_be_async() -> None:
    app = FastAPI()

    async def factory() -> FastAPI:
        return app

    assert asyncio.run(factory_application(factory)) is app


def test_class_may_build_its_application() -> None:
    app = FastAPI()

    class Gateway:
        def __serve_build_asgi_app__(self) -> FastAPI:
            return app

    class Later:
        async def __serve_build_asgi_app__(self) -> FastAPI:
            return app

    for instance in (Gateway(), Later()):
        assert asyncio.run(ingress_application(Ingress(), instance, shared=False)) is app


@pytest.mark.parametrize("made", [None, 3, "app"])
def test_what_is_no_application_is_refused(made: Any) -> None:
    def make_app() -> Any:
        return made

    class Gateway:
        def __serve_build_asgi_app__(self) -> Any:
            return made

    with pytest.raises(ServeError, match=f"make_app must return an ASGI .* returned {made!r}"):
        asyncio.run(factory_application(make_app))
    with pytest.raises(ServeError, match="__serve_build_asgi_app__ must return an ASGI"):
        asyncio.run(ingress_application(Ingress(), Gateway(), shared=False))
