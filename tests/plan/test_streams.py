from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.routing import Route

from adapter.plan.routes import all_routes, application_routes
from adapter.plan.streams import callable_streams, deployment_streams, route_streams


class Lines(StreamingResponse):
    media_type = "text/plain"


def generator() -> Iterator[str]:
    yield "a"


async def async_generator() -> AsyncIterator[str]:
    yield "a"


@wraps(generator)
def wrapped(*args: Any) -> Any:
    return generator(*args)


def streaming_response() -> StreamingResponse:
    return StreamingResponse(generator())


async def own_response() -> "Lines":
    return Lines(generator())


def text() -> str:
    return "a"


def buffered() -> Response:
    return Response()


def unknown() -> "NotDefined":  # type: ignore[name-defined] # noqa: F821 - as in the user's code
    return None


@pytest.mark.parametrize(
    "function",
    [generator, async_generator, wrapped, streaming_response, own_response],
)
def test_function_that_is_known_to_stream(function: Callable[..., Any]) -> None:
    assert callable_streams(function)


@pytest.mark.parametrize("function", [text, buffered, unknown, len, None, 7])
def test_function_that_is_not_known_to_stream(function: Any) -> None:
    assert not callable_streams(function)


def streaming(app: Any) -> list[str]:
    return [route.path for route in all_routes(app) if route_streams(route)]


@pytest.mark.parametrize("kind", [StreamingResponse, FileResponse, EventSourceResponse, Lines])
def test_route_streams_whose_response_class_does(kind: type[Response]) -> None:
    api = FastAPI(openapi_url=None)
    api.get("/streams", response_class=kind)(text)
    api.get("/buffers", response_class=JSONResponse)(text)

    assert streaming(api) == ["/streams"]


def test_route_streams_whose_function_does() -> None:
    api = FastAPI(openapi_url=None)
    api.get("/generator")(async_generator)
    api.get("/annotated", response_model=None)(streaming_response)
    api.get("/text")(text)

    assert streaming(api) == ["/generator", "/annotated"]


def test_route_streams_by_the_default_response_class_of_its_router() -> None:
    api, router = FastAPI(openapi_url=None), APIRouter(default_response_class=StreamingResponse)
    router.get("/streams", response_model=None)(text)
    api.include_router(router, prefix="/v1")
    api.get("/text")(text)

    assert [one.path for one in application_routes(api, "/", "Gateway") if one.streams] == [
        "/v1/streams",
    ]


def test_route_of_starlette_streams_by_its_annotation() -> None:
    async def lines(_: Any) -> StreamingResponse:
        return StreamingResponse(generator())

    async def line(_: Any) -> Response:
        return Response()

    assert streaming(Starlette(routes=[Route("/lines", lines), Route("/line", line)])) == ["/lines"]


class Streaming:
    async def __call__(self, _: Any) -> AsyncIterator[str]:
        yield "a"


class Buffering:
    def __call__(self, _: Any) -> str:
        return "a"


class Silent:
    pass


@pytest.mark.parametrize(
    ("deployed", "streams"),
    [
        (Streaming, True),
        (async_generator, True),
        (Buffering, False),
        (text, False),
        (Silent, False),
    ],
)
def test_deployment_without_an_ingress_streams_as_its_call_does(
    *,
    deployed: Any,
    streams: bool,
) -> None:
    assert deployment_streams(deployed) is streams
