"""Middlewares of `serve.start`, which go around the application of a function."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from adapter import lambda_handler, serve
from adapter.errors import ServeError
from adapter.function import Function, entry_point
from adapter.http.middlewares import with_middlewares
from tests import events
from tests.http.answers import ask
from tests.plan.programs import program_in

Closing = Callable[[Function], Function]


class Marked:
    """Leaves a mark in a header of every response, and takes nothing but HTTP."""

    def __init__(self, app: ASGIApp, mark: str) -> None:
        self.app = app
        self.mark = mark

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"

        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"mark", self.mark.encode()))
            await send(message)

        await self.app(scope, receive, marked)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    serve.shutdown()


def plain() -> str:
    return "plain"


def test_none_is_the_application_itself() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    assert with_middlewares(app, ()) is app


def test_a_function_has_those_that_its_module_told_serve_start(closing: Closing) -> None:
    serve.start(http_options={"middlewares": [Middleware(Marked, "a"), Middleware(Marked, "b")]})
    function = closing(entry_point(plain))

    answer = ask(function, events.http_api())

    assert answer.text == "plain"
    assert answer.headers["mark"] == ["b, a"]


def test_a_bare_application_has_them_too_but_for_its_lifespan(closing: Closing) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])
        if scope["type"] == "lifespan":
            for message in ("lifespan.startup", "lifespan.shutdown"):
                await receive()
                await send({"type": f"{message}.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    serve.start(http_options={"middlewares": [Middleware(Marked, "a")]})
    function = closing(lambda_handler(app))

    assert ask(function, events.http_api()).headers["mark"] == ["a"]
    assert seen == ["lifespan", "http"]


def test_a_request_timeout_of_serve_start_bounds_the_requests_of_a_function(
    closing: Closing,
) -> None:
    async def slow() -> None:
        import asyncio

        await asyncio.Event().wait()

    serve.start(http_options={"request_timeout_s": 0.01})

    assert ask(closing(entry_point(slow)), events.http_api()).status == 408


PROGRAM = """
from starlette.middleware import Middleware
from tests.http.test_middlewares import Marked

serve.start(http_options={"middlewares": [Middleware(Marked, "a")]})
"""
INGRESS = """
from adapter import serve

@serve.deployment
@serve.ingress(lambda: None)
class Gateway: ...

@serve.deployment
def plain(): ...
"""


def test_the_plan_tells_functions_how_many_there_are(tmp_path: Path) -> None:
    with program_in(tmp_path) as program:
        program.write(ingress=INGRESS)
        with_them = program.plan(
            f"from ingress import Gateway, plain\n{PROGRAM}app = Gateway.bind(plain.bind())",
        )
        serve.shutdown()
        program.forget()
        without = program.plan("from ingress import Gateway, plain\napp = Gateway.bind()")

    counts = [plan.environment.get("ADAPTER_MIDDLEWARES") for plan in with_them.functions]
    assert counts == ["1", "1"]
    assert "ADAPTER_MIDDLEWARES" not in without.functions[0].environment


def test_a_function_that_lacks_one_does_not_serve(
    monkeypatch: pytest.MonkeyPatch,
    closing: Closing,
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    monkeypatch.setenv("ADAPTER_MIDDLEWARES", "1")

    with pytest.raises(ServeError, match="names 1 middlewares that this function does not have"):
        closing(lambda_handler(app))(events.http_api())


def test_a_function_without_http_needs_none(
    monkeypatch: pytest.MonkeyPatch,
    closing: Closing,
) -> None:
    monkeypatch.setenv("ADAPTER_MIDDLEWARES", "1")

    assert closing(entry_point(plain))({"method": "__call__"}, None) == "plain"
