"""`testing.client(app)`: Starlette's TestClient in front of an ingress."""

import base64
import contextvars
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request as StarletteRequest

from adapter import serve, testing
from adapter.errors import InvalidOption, RemoteError, ServeError
from adapter.serve import transport
from adapter.serve.deployments import Application

life: list[str] = []
done: list[str] = []
tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="none")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, str]]:
    life.append("startup")
    yield {"greeting": "hello"}
    life.append("shutdown")


api = FastAPI(lifespan=lifespan)


class OwnError(Exception):
    pass


@serve.deployment
class Model:
    def __call__(self, text: str) -> str:
        if not text:
            raise ValueError("no text")
        return text.upper()


@serve.deployment
@serve.ingress(api)
class Gateway:
    def __init__(self, model: Any) -> None:
        self.model = model
        life.append("constructor")

    def __del__(self) -> None:
        life.append("destructor")

    @api.get("/upper")
    async def upper(self, text: str) -> str:
        return str(await self.model.remote(text))

    @api.get("/careful")
    async def careful(self, text: str) -> str:
        try:
            return str(await self.model.remote(text))
        except ValueError as error:
            raise HTTPException(400, "no text") from error

    @api.get("/broken")
    def broken(self) -> None:
        raise OwnError("on purpose")

    @api.get("/state")
    def state(self, request: Request) -> str:
        return str(request.state.greeting)

    @api.post("/bytes")
    async def echo(self, request: Request) -> JSONResponse:
        event = request.scope["aws.event"]
        body = await request.body()
        return JSONResponse({"encoded": event["isBase64Encoded"], "size": len(body)})

    @api.get("/where")
    def where(self, request: Request) -> dict[str, str]:
        return {"path": request.scope["path"], "root_path": request.scope["root_path"]}

    @api.get("/later")
    def later(self, tasks: BackgroundTasks, *, fail: bool = False) -> str:
        tasks.add_task(self._work, fail=fail)
        return "accepted"

    def _work(self, *, fail: bool) -> None:
        if fail:
            raise OwnError("in the background")
        done.append("worked")

    @api.get("/pieces")
    def pieces(self, *, fail: bool = False) -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            yield "one "
            if fail:
                raise OwnError("in the middle")
            yield "two"

        return StreamingResponse(pieces(), media_type="text/plain")

    @api.get("/tenant")
    def tenant(self) -> str:
        return tenant.get()


app: Application[Any] = Gateway.bind(Model.bind())


def test_a_route_is_asked_and_calls_another_deployment() -> None:
    with testing.client(app) as client:
        response = client.get("/upper", params={"text": "loud"})

    assert (response.status_code, response.json()) == (200, "LOUD")


def test_the_life_of_the_application_is_that_of_the_with_block() -> None:
    life.clear()
    with testing.client(app) as client:
        assert client.get("/state").json() == "hello"
        assert life == ["constructor", "startup"]

    assert life == ["constructor", "startup", "shutdown", "destructor"]
    assert serve.status().applications == {}


def test_afterwards_handles_call_lambda_again() -> None:
    with testing.client(app):
        inside = transport.current()

    assert transport.current() is not inside


def test_what_the_ingress_raises_comes_out_of_the_clients_method() -> None:
    with testing.client(app) as client, pytest.raises(OwnError, match="on purpose"):
        client.get("/broken")


def test_what_a_callee_raises_comes_out_with_its_traceback() -> None:
    with testing.client(app) as client, pytest.raises(ValueError, match="no text") as caught:
        client.get("/upper", params={"text": ""})

    assert isinstance(caught.value, RemoteError)
    assert 'raise ValueError("no text")' in caught.value.remote_traceback


def test_what_the_ingress_handles_is_a_response() -> None:
    with testing.client(app) as client:
        response = client.get("/careful", params={"text": ""})

    assert (response.status_code, response.json()) == (400, {"detail": "no text"})


def test_the_500_can_be_looked_at_instead() -> None:
    with testing.client(app, raise_server_exceptions=False) as client:
        response = client.get("/broken")

    assert (response.status_code, response.text) == (500, "Internal Server Error")


def test_bodies_travel_as_they_do_in_an_event() -> None:
    with testing.client(app) as client:
        text = client.post("/bytes", content="é", headers={"content-type": "text/plain"})
        binary = client.post("/bytes", content=base64.b64decode("/w=="))

    assert [text.json(), binary.json()] == [
        {"encoded": False, "size": 2},
        {"encoded": True, "size": 1},
    ]


def test_a_route_prefix_is_root_path_and_what_lies_outside_is_404() -> None:
    with testing.client(app, route_prefix="/api") as client:
        inside, outside = client.get("/api/where"), client.get("/where")

    assert inside.json() == {"path": "/api/where", "root_path": "/api"}
    assert outside.status_code == 404


def test_background_tasks_are_done_when_the_response_is_there() -> None:
    done.clear()
    with testing.client(app) as client:
        assert client.get("/later").json() == "accepted"
        assert done == ["worked"]


def test_what_a_background_task_raises_comes_out_too() -> None:
    with testing.client(app) as client, pytest.raises(OwnError, match="in the background"):
        client.get("/later", params={"fail": True})


def test_a_stream_is_read_whole() -> None:
    with testing.client(app) as client:
        assert client.get("/pieces").text == "one two"
        with pytest.raises(OwnError, match="in the middle"):
            client.get("/pieces", params={"fail": True})


def test_a_stream_that_breaks_off_does_so_without_the_exception_too() -> None:
    with testing.client(app, raise_server_exceptions=False) as client:
        assert client.get("/pieces", params={"fail": True}).text == "one "


def test_one_request_after_another_starts_afresh() -> None:
    with testing.client(app) as client:
        with pytest.raises(OwnError):
            client.get("/broken")
        assert client.get("/upper", params={"text": "a"}).json() == "A"


def test_nothing_but_the_request_reaches_the_ingress() -> None:
    token = tenant.set("test")
    try:
        with testing.client(app) as client:
            assert client.get("/tenant").json() == "none"
    finally:
        tenant.reset(token)


def test_deployments_can_be_replaced_by_others() -> None:
    @serve.deployment(name="Model")
    class Fake:
        def __call__(self, text: str) -> str:
            return f"fake {text}"

    with testing.client(Gateway.bind(Fake.bind())) as client:
        assert client.get("/upper", params={"text": "a"}).json() == "fake a"


def test_the_application_can_be_called_by_handle_meanwhile() -> None:
    with testing.client(app, name="shop"):
        model = serve.get_deployment_handle("Model", "shop")
        assert model.remote("a").result() == "A"


def test_two_clients_stand_side_by_side() -> None:
    with testing.client(app, name="a") as one, testing.client(app, name="b") as two:
        responses = [client.get("/upper", params={"text": "a"}) for client in (one, two)]

    assert [response.json() for response in responses] == ["A", "A"]


def test_a_client_stands_beside_what_is_served() -> None:
    serve.start(http_options={"port": 0})
    try:
        serve.run(Model.bind(), name="served")
        with testing.client(app) as client:
            assert client.get("/upper", params={"text": "a"}).json() == "A"
        assert list(serve.status().applications) == ["served"]
    finally:
        serve.shutdown()


def test_a_plain_deployment_has_a_client_too() -> None:
    @serve.deployment
    def hello(request: StarletteRequest) -> str:
        return f"hello {request.query_params['name']}"

    with testing.client(hello.bind()) as client:
        assert client.get("/", params={"name": "you"}).text == "hello you"


def test_middlewares_of_serve_start_are_there() -> None:
    cors = Middleware(CORSMiddleware, allow_origins=["*"])
    serve.start(http_options={"middlewares": [cors]})
    try:
        with testing.client(app) as client:
            response = client.get("/state", headers={"origin": "https://example.com"})
    finally:
        serve.shutdown()

    assert response.headers["access-control-allow-origin"] == "*"


def test_options_are_those_of_starlettes_client() -> None:
    with testing.client(app, base_url="https://shop.test", headers={"x-a": "1"}) as client:
        assert str(client.get("/state").request.url) == "https://shop.test/state"
        assert client.headers["x-a"] == "1"


def test_a_constructors_exception_comes_out_on_entering() -> None:
    @serve.deployment
    class Broken:
        def __init__(self) -> None:
            raise OwnError("no weights")

    with pytest.raises(OwnError, match="no weights"), testing.client(Broken.bind()):
        pass


def test_a_test_that_fails_ends_the_application() -> None:
    with pytest.raises(AssertionError, match="mine"), testing.client(app):
        raise AssertionError("mine")

    assert serve.status().applications == {}


def test_what_is_malformed_is_refused() -> None:
    unbound: Any = Gateway
    with pytest.raises(TypeError, match="expects an `Application`"), testing.client(unbound):
        pass
    nowhere: Any = None
    for prefix in ("/a/", nowhere):
        with (
            pytest.raises(InvalidOption, match="Invalid route_prefix"),
            testing.client(app, route_prefix=prefix),
        ):
            pass


def test_web_sockets_are_refused() -> None:
    with testing.client(app) as client, pytest.raises(ServeError, match="not 'websocket'"):
        client.websocket_connect("/ws").__enter__()
