from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket

from adapter.errors import InvalidOption, PlanError
from adapter.plan.applications import plan_asgi
from adapter.plan.sockets import with_sockets
from adapter.plan.values import ApplicationPlan, SocketApiPlan
from adapter.serve.lambda_options import LambdaOptions
from adapter.settings import Settings


def application(*paths: str) -> FastAPI:
    app = FastAPI()
    for path in paths:

        @app.websocket(path)
        async def route(socket: WebSocket) -> None: ...

    return app


def plan_of(app: Any, prefix: str = "/", **options: Any) -> ApplicationPlan:
    """Plan an application as if a deployment with options served it."""
    plan = plan_asgi(app, "main:app", "default", prefix)
    (function,) = plan.functions
    variables = dict(function.environment)
    variables.pop("ADAPTER_SOCKETS", None)
    bare = replace(plan, socket_api=None, functions=(replace(function, environment=variables),))
    return with_sockets(bare, LambdaOptions(**options))


def api_of(plan: ApplicationPlan) -> SocketApiPlan:
    assert plan.socket_api is not None
    return plan.socket_api


def stages(plan: ApplicationPlan) -> dict[str, str]:
    return {route.path: route.stage for route in api_of(plan).routes}


def test_every_web_socket_route_has_a_stage() -> None:
    plan = plan_of(application("/ws", "/chat/{room}", "/"))

    assert stages(plan) == {"/ws": "ws", "/chat/{room}": "chatRoom", "/": "root"}


def test_stages_tell_routes_apart() -> None:
    plan = plan_of(application("/a-b", "/aB", "/a/b"))

    assert stages(plan) == {"/a-b": "aB", "/aB": "aB2", "/a/b": "aB3"}


def test_the_function_is_told_the_paths_that_stages_stand_for() -> None:
    plan = plan_of(application("/ws", "/chat/{room}", "/ä,b"), prefix="/text")
    variables = plan.functions[0].environment

    assert variables["ADAPTER_SOCKETS"] == "textWs=/text/ws,textB=/text/%C3%A4%2Cb"
    told = Settings.from_environment(variables).http.socket_paths
    assert told == {"textWs": "/text/ws", "textB": "/text/ä,b"}
    assert plan.socket_routes == ("/text/ws", "/text/chat/{room}", "/text/ä,b")


def test_who_may_connect_is_up_to_the_build_unless_the_program_says_it() -> None:
    app = application("/ws")
    found = [
        api_of(plan_of(app, **how)) for how in ({}, {"socket": "public"}, {"socket": "private"})
    ]

    assert [(api.public, api.chosen) for api in found] == [
        (False, False),
        (True, True),
        (False, True),
    ]


def test_none_is_no_api() -> None:
    plan = plan_of(application("/ws"), socket="none")

    assert plan.socket_api is None
    assert plan.socket_routes == ("/ws",)
    assert "ADAPTER_SOCKETS" not in plan.functions[0].environment


def test_an_application_that_http_does_not_reach_has_no_web_sockets() -> None:
    plan = replace(plan_of(application("/ws")), route_prefix=None, socket_api=None)

    assert with_sockets(plan, LambdaOptions()).socket_api is None


def test_the_routes_of_a_factory_are_named() -> None:
    def make() -> FastAPI:
        return application("/ws")

    assert plan_of(make).socket_api is None
    assert stages(plan_of(make, socket_paths=("/ws",), prefix="/text")) == {"/text/ws": "textWs"}
    with pytest.raises(PlanError, match="no WebSocket route is known"):
        plan_of(make, socket="public")


def test_a_bare_application_has_web_sockets_too() -> None:
    plan = plan_asgi(application("/ws"), "main:app", "default", "/")

    assert stages(plan) == {"/ws": "ws"}
    assert plan.functions[0].environment["ADAPTER_SOCKETS"] == "ws=/ws"


@pytest.mark.parametrize(
    "wrong", [{"socket": "open"}, {"socket_paths": ("ws",)}, {"socket_paths": "/"}]
)
def test_wrong_options_are_refused(wrong: Any) -> None:
    with pytest.raises(InvalidOption, match="socket"):
        LambdaOptions(**wrong)
