"""Exceptions that are answers: what becomes of `BackPressureError` where nobody handles it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import StreamingResponse
from starlette.routing import Mount

from adapter import serve
from adapter.calls.error_object import function_error
from adapter.errors import (
    BackPressureError,
    DeploymentUnavailableError,
    InvocationError,
    Throttled,
)
from adapter.function import Function, entry_point, lambda_handler
from adapter.http.application import ingress_application
from adapter.http.refusals import answer_refusals, refusal_of
from adapter.runtime.protocol import Failure
from adapter.serve.ingresses import Ingress
from tests import events
from tests.http.answers import Answer, ask

Closing = Callable[[Function], Function]

TEXT = "Request dropped due to backpressure (num_queued_requests=2, max_queued_requests=1)."
UNAVAILABLE = "Deployment(name='M') is unavailable because it failed to deploy."


def through_deployments(error: BaseException, *deployments: str) -> BaseException:
    """Have an exception leave these deployments, one after the other."""
    for deployment in deployments:
        error = function_error(deployment, Failure.of(raised(error)).body())
    return error


def raised(error: BaseException) -> BaseException:
    """Give an exception a traceback."""

    def fail() -> None:
        raise error

    try:
        fail()
    except Exception:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError


BUSY = [
    pytest.param(BackPressureError(2, 1), 503, TEXT, None, id="503"),
    pytest.param(BackPressureError(2, 1, 429, 1.2), 429, TEXT, ["2"], id="429 with seconds"),
    pytest.param(BackPressureError(2, 1, 503, 0), 503, TEXT, ["0"], id="no time to wait"),
    pytest.param(BackPressureError(2, 1, 503, -5), 503, TEXT, ["0"], id="a time that is over"),
    pytest.param(
        through_deployments(BackPressureError(2, 1, 429, 1.2), "Model"),
        *(429, TEXT, ["2"]),
        id="of a callee",
    ),
    pytest.param(
        through_deployments(BackPressureError(2, 1, 429, 1.2), "Model", "Middle"),
        *(429, TEXT, ["2"]),
        id="of the callee of a callee",
    ),
    pytest.param(DeploymentUnavailableError("Deployment(name='M')"), 503, UNAVAILABLE, None),
]
THROTTLED = Throttled("stack-Model", "TooManyRequestsException", "Rate Exceeded.")
NOTHING_QUEUES = TEXT.replace("2", "0").replace("1", "0")


def answer_to(
    closing: Closing,
    error: BaseException,
    app: FastAPI | None = None,
    **request: Any,
) -> Answer:
    app = app or FastAPI()

    @app.get("/")
    async def failing() -> None:
        raise error

    @serve.ingress(app)
    class Gateway:
        pass

    return ask(closing(entry_point(Gateway)), events.http_api(**request))


@pytest.mark.parametrize(("error", "status", "text", "seconds"), BUSY)
def test_a_fastapi_application_answers_them(
    closing: Closing,
    error: Exception,
    status: int,
    text: str,
    seconds: list[str] | None,
) -> None:
    answer = answer_to(closing, error)

    assert (answer.status, answer.text) == (status, text)
    assert answer.headers.get("retry-after") == seconds
    assert answer.headers["content-type"] == ["text/plain; charset=utf-8"]


@pytest.mark.parametrize(("error", "status", "text", "seconds"), BUSY)
def test_a_plain_deployment_answers_them(
    closing: Closing,
    error: Exception,
    status: int,
    text: str,
    seconds: list[str] | None,
) -> None:
    def failing() -> None:
        raise error

    answer = ask(closing(entry_point(failing)), events.http_api())

    assert (answer.status, answer.text) == (status, text)
    assert answer.headers.get("retry-after") == seconds


def test_a_callee_that_is_throttled_says_nothing_of_itself(closing: Closing) -> None:
    for error in (THROTTLED, through_deployments(THROTTLED, "Middle")):
        answer = answer_to(closing, error)

        assert (answer.status, answer.text) == (503, NOTHING_QUEUES)


def test_a_throttled_invoke_is_both_errors() -> None:
    assert isinstance(THROTTLED, InvocationError)
    assert isinstance(THROTTLED, BackPressureError)
    assert str(THROTTLED) == "stack-Model: TooManyRequestsException: Rate Exceeded."
    assert (THROTTLED.reason, THROTTLED.status) == ("TooManyRequestsException", 429)


def test_a_callees_own_backpressure_is_caught_as_what_it_is() -> None:
    error = through_deployments(BackPressureError(2, 1, 429, 1.5), "Model")

    assert isinstance(error, BackPressureError)
    assert (error.status_code, error.retry_after_s, error.message) == (429, 1.5, TEXT)
    assert str(error).startswith(f"BackPressureError in deployment Model: {TEXT}\n\n")


@pytest.mark.parametrize(
    "attributes",
    [
        None,
        [],
        {},
        {"status_code": 200, "retry_after_s": "5"},
        {"status_code": "429", "retry_after_s": [5]},
        {"status_code": [], "retry_after_s": float("nan")},
    ],
)
def test_what_a_callee_cannot_mean_is_left_out(attributes: Any) -> None:
    body = {
        "errorType": "BackPressureError",
        "errorMessage": "full",
        "errorClasses": [["adapter.errors", "BackPressureError"]],
        "errorAttributes": attributes,
    }
    error = function_error("Model", json.dumps(body).encode())

    assert refusal_of(error) == {
        "status": 503,
        "headers": [(b"content-type", b"text/plain; charset=utf-8")],
        "body": b"full",
    }


def test_no_traceback_of_another_deployment_leaves() -> None:
    body = {"errorType": "BackPressureError", "errorMessage": "full\n\n  File secret.py"}

    response = refusal_of(function_error("Model", json.dumps(body).encode()))

    assert response is not None
    assert response["body"] == b"full"


class Unusual(BackPressureError):
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


@pytest.mark.parametrize(
    "error",
    [
        BackPressureError(2, 1, "429", "5"),  # type: ignore[arg-type]
        BackPressureError(2, 1, 200, float("inf")),
        BackPressureError(2, 1, [], float("nan")),  # type: ignore[arg-type]
        Unusual(),
        Unusual(message=3),
    ],
)
def test_what_cannot_be_said_in_http_is_left_out(error: Exception) -> None:
    response = refusal_of(error)

    assert response is not None
    assert response["status"] == 503
    assert dict(response["headers"]).keys() == {b"content-type"}
    assert json.loads(Failure.of(error).body())["errorType"] == type(error).__name__


@pytest.mark.parametrize("error", [RuntimeError(), KeyError("x"), InvocationError("f", "r", "d")])
def test_other_exceptions_are_no_answers(error: Exception) -> None:
    assert refusal_of(error) is None


def test_a_web_page_of_another_site_may_read_the_answer(closing: Closing) -> None:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["https://example.com"])
    headers = {"origin": "https://example.com"}

    answer = answer_to(closing, BackPressureError(2, 1), app, headers=headers)

    assert answer.status == 503
    assert answer.headers["access-control-allow-origin"] == ["https://example.com"]


def test_a_handler_of_the_applications_own_stays(closing: Closing) -> None:
    app = FastAPI()

    @app.exception_handler(BackPressureError)
    async def busy(_request: Request, error: BackPressureError) -> JSONResponse:
        return JSONResponse({"busy": error.status_code}, 418)

    assert answer_to(closing, BackPressureError(2, 1), app).json == {"busy": 503}
    assert answer_to(closing, DeploymentUnavailableError("M"), FastAPI()).status == 503


def test_an_application_of_a_factory_answers_them(closing: Closing) -> None:
    def make_app() -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def failing() -> None:
            raise BackPressureError(2, 1)

        return app

    gateway = serve.ingress(make_app)()

    assert ask(closing(entry_point(gateway)), events.http_api()).status == 503


def test_the_handlers_that_somebody_else_holds_are_not_changed() -> None:
    app = FastAPI()
    handlers = app.exception_handlers
    before = dict(handlers)
    answer_refusals(app)

    assert handlers == before
    assert app.exception_handlers.items() > before.items()


@pytest.mark.parametrize("app", [lambda: None, object(), type("App", (), {})()])
def test_an_application_without_handlers_is_left_alone(app: Any) -> None:
    answer_refusals(app)

    assert not hasattr(app, "exception_handlers")


async def raising(scope: Any, _receive: Any, _send: Any) -> None:
    if scope["type"] == "http":
        raise BackPressureError(2, 1, 429)


async def after_its_start(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise BackPressureError(2, 1, 429)


async def after_a_500(scope: Any, _receive: Any, send: Any) -> None:
    """Do what Starlette does outside of all handlers: answer, then raise."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b"Internal Server Error"})
        raise BackPressureError(2, 1, 429)


@pytest.mark.parametrize("app", [raising, after_its_start])
@pytest.mark.parametrize("raise_errors", [False, True])
def test_any_application_may_raise_them(closing: Closing, app: Any, *, raise_errors: bool) -> None:
    function = closing(lambda_handler(app, raise_errors=raise_errors))
    answer = ask(function, events.http_api())

    assert (answer.status, answer.text) == (429, TEXT)


def test_a_response_that_is_complete_stands(closing: Closing) -> None:
    assert ask(closing(lambda_handler(after_a_500)), events.http_api()).status == 500


def test_a_500_that_has_not_left_is_taken_back(closing: Closing) -> None:
    function = closing(lambda_handler(after_a_500, raise_errors=True))

    assert ask(function, events.http_api()).status == 429


def test_an_answer_to_head_has_no_body(closing: Closing) -> None:
    answer = ask(closing(lambda_handler(raising)), events.http_api(method="HEAD"))

    assert (answer.status, answer.body) == (429, b"")


def test_a_refusal_is_one_warning(closing: Closing, caplog: pytest.LogCaptureFixture) -> None:
    function = closing(lambda_handler(raising))
    with caplog.at_level(logging.DEBUG, "adapter"):
        ask(function, events.http_api())

    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    assert record.getMessage() == f"the application failed: {TEXT}"


def test_in_the_middle_of_a_stream_it_is_too_late(closing: Closing) -> None:
    app = FastAPI()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            yield "a"
            raise BackPressureError(2, 1)

        return StreamingResponse(pieces())

    function = closing(entry_point(serve.ingress(app)()))

    assert ask(function, events.http_api(path="/stream")).status == 500


def test_the_class_may_build_its_application() -> None:
    app = FastAPI()

    class Gateway:
        def __serve_build_asgi_app__(self) -> FastAPI:
            return app

    asyncio.run(ingress_application(Ingress(), Gateway(), shared=False))

    assert BackPressureError in app.exception_handlers


@pytest.mark.parametrize("after", [False, True])
def test_a_middleware_may_raise_them(closing: Closing, *, after: bool) -> None:
    app = FastAPI()

    @app.get("/")
    async def fine() -> str:
        return "fine"

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Any:
        if after:
            await call_next(request)
        raise BackPressureError(2, 1, 429, 1.5)

    function = closing(entry_point(serve.ingress(app)(type("Gateway", (), {}))))
    answer = ask(function, events.http_api())

    assert (answer.status, answer.text) == (429, TEXT)
    assert answer.headers["retry-after"] == ["2"]


def mounted(inner: Any) -> FastAPI:
    outer = FastAPI()
    outer.mount("/inner", inner)
    return outer


def included(inner: Any) -> FastAPI:
    router = APIRouter()
    router.mount("/inner", inner)
    outer = FastAPI()
    outer.include_router(router)
    return outer


def with_a_middleware(inner: Any) -> Starlette:
    return Starlette(routes=[Mount("/inner", inner, middleware=[Middleware(GZipMiddleware)])])


@pytest.mark.parametrize("outer", [mounted, included, with_a_middleware])
@pytest.mark.parametrize("twice", [False, True])
def test_a_mounted_application_answers_them(closing: Closing, outer: Any, *, twice: bool) -> None:
    app = FastAPI()

    @app.get("/")
    async def failing() -> None:
        raise BackPressureError(2, 1)

    made = mounted(outer(app)) if twice else outer(app)
    function = closing(entry_point(serve.ingress(made)(type("Gateway", (), {}))))
    path = "/inner/inner/" if twice else "/inner/"

    answer = ask(function, events.http_api(path=path))

    assert (answer.status, answer.text) == (503, TEXT)


def test_what_a_middleware_raises_after_a_response_changes_nothing(
    closing: Closing,
) -> None:
    app = FastAPI()

    @app.get("/")
    async def fine() -> str:
        return "fine"

    class Late:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.app(scope, receive, send)
            if scope["type"] == "http":
                raise BackPressureError(2, 1)

    app.add_middleware(Late)
    gateway = serve.ingress(app)(type("Gateway", (), {}))

    assert ask(closing(entry_point(gateway)), events.http_api()).text == '"fine"'


def test_an_application_that_is_mounted_within_itself_is_walked_once() -> None:
    app = FastAPI()
    app.mount("/again", app)
    for _ in range(2):
        answer_refusals(app)

    assert len(app.user_middleware) == 1
