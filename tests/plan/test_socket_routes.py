import pytest

from tests.plan.programs import Program

SOCKETS = """
    from fastapi import APIRouter, FastAPI, WebSocket

    router = APIRouter()
    api = FastAPI()


    @router.websocket("/inner")
    async def inner(socket: WebSocket): ...


    @api.websocket("/chat")
    async def chat(socket: WebSocket): ...


    @api.get("/page")
    async def page(): ...


    api.include_router(router, prefix="/more")
"""
GATEWAY = """

    @serve.deployment
    @serve.ingress(api)
    class Gateway: ...


    app = Gateway.bind()
"""


@pytest.mark.parametrize("target", ["program:app", "program:api"])
def test_web_socket_routes_are_listed(program: Program, target: str) -> None:
    plan = program.plan(SOCKETS + GATEWAY, target)

    assert sorted(plan.socket_routes) == ["/chat", "/more/inner"]


def test_web_socket_routes_are_below_the_prefix(program: Program) -> None:
    plan = program.plan(SOCKETS + GATEWAY, route_prefix="/v1")

    assert sorted(plan.socket_routes) == ["/v1/chat", "/v1/more/inner"]


def test_an_application_without_them_has_none(program: Program) -> None:
    plan = program.plan("@serve.deployment\nclass Gateway: ...\n\napp = Gateway.bind()\n")

    assert plan.socket_routes == ()
