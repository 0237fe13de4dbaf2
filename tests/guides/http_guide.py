"""Ray Serve's HTTP guide: its examples as programs, but for two kinds that are elsewhere.

`DAGDriver` and `http_adapters` are in `tests/older_programs.py`.
"""

from tests.guides.samples import Asked, Said, Sample

REQUEST = Sample(
    """
    import starlette.requests
    from adapter import serve

    @serve.deployment
    class Counter:
        def __call__(self, request: starlette.requests.Request):
            return request.query_params

    app = Counter.bind()
    if __name__ == "__main__":
        serve.run(app)
    """,
    (Asked("GET /?a=b&c=d", {"a": "b", "c": "d"}), Asked("GET /", {})),
)

RESULTS = Sample(
    """
    from adapter import serve
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    @serve.deployment
    class Refuser:
        async def __call__(self, request: Request):
            if request.method == "POST":
                return {"heard": await request.json()}
            return JSONResponse({"error": "no"}, status_code=403, headers={"X-Reason": "none"})

    app = Refuser.bind()
    if __name__ == "__main__":
        serve.run(app)
    """,
    (
        Asked("POST /", {"heard": [1]}, body=[1]),
        Asked("GET /", {"error": "no"}, status=403, headers=("x-reason",)),
    ),
)

WEB_SOCKET = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI, WebSocket, WebSocketDisconnect

    web = FastAPI()

    @serve.deployment
    @serve.ingress(web)
    class Parrot:
        @web.websocket("/")
        async def repeat(self, socket: WebSocket):
            await socket.accept()
            try:
                while True:
                    await socket.send_text(await socket.receive_text())
            except WebSocketDisconnect:
                print("The client has gone.")

    app = Parrot.bind()
    if __name__ == "__main__":
        serve.run(app)
    """,
    said=(Said("/", (("Hello!", "Hello!"), ("Anybody?", "Anybody?"))),),
)

FASTAPI = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI

    web = FastAPI()

    @serve.deployment
    @serve.ingress(web)
    class Hello:
        @web.get("/")
        def root(self):
            return "Hello, world!"

    app = Hello.bind()
    if __name__ == "__main__":
        serve.run(app, route_prefix="/hello")
    """,
    (Asked("GET /", "Hello, world!"), Asked("GET ", "Hello, world!")),
    route_prefix="/hello",
)

ROUTES = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI

    web = FastAPI()

    @serve.deployment
    @serve.ingress(web)
    class Hello:
        @web.get("/")
        def root(self):
            return "Hello, world!"

        @web.post("/{subpath}")
        def root(self, subpath: str):
            return f"Hello from {subpath}!"

    app = Hello.bind()
    if __name__ == "__main__":
        serve.run(app, route_prefix="/hello")
    """,
    (Asked("GET /", "Hello, world!"), Asked("POST /Serve", "Hello from Serve!")),
    route_prefix="/hello",
)

WHOLE_APPLICATION = Sample(
    """
    from adapter import serve
    from fastapi import APIRouter, FastAPI

    web = FastAPI()
    users = APIRouter(prefix="/users")

    @web.get("/")
    def root():
        return "Hello from the root!"

    @users.get("/{name}")
    def user(name: str):
        return name

    web.include_router(users)

    @serve.deployment
    @serve.ingress(web)
    class Wrapper:
        pass

    app = Wrapper.bind()
    if __name__ == "__main__":
        serve.run(app, route_prefix="/")
    """,
    (
        Asked("GET /", "Hello from the root!"),
        Asked("GET /users/Ada", "Ada"),
        Asked("GET /openapi.json", lambda body: set(body["paths"]) == {"/", "/users/{name}"}),
    ),
)

STREAM = Sample(
    """
    import time
    from typing import Generator

    from adapter import serve
    from starlette.requests import Request
    from starlette.responses import StreamingResponse

    @serve.deployment
    class Numbers:
        def upwards(self, most: int) -> Generator[str, None, None]:
            for number in range(most):
                yield str(number)
                time.sleep(0.01)

        def __call__(self, request: Request) -> StreamingResponse:
            most = int(request.query_params.get("max", "25"))
            return StreamingResponse(self.upwards(most), status_code=200, media_type="text/plain")

    app = Numbers.bind()
    if __name__ == "__main__":
        serve.run(app)
    """,
    (Asked("GET /?max=10", "0123456789"), Asked("GET /", "".join(map(str, range(25))))),
)

SAMPLES = {
    "request": REQUEST,
    "results": RESULTS,
    "web_socket": WEB_SOCKET,
    "fastapi": FASTAPI,
    "routes": ROUTES,
    "whole_application": WHOLE_APPLICATION,
    "stream": STREAM,
}

# What a client that leaves does to them is in `test_leaving.py`.
LEAVING = """
import asyncio
from typing import AsyncGenerator

from adapter import serve
from starlette.requests import Request
from starlette.responses import StreamingResponse


def say(text):
    print(text, flush=True)


@serve.deployment
async def waits():
    try:
        say("waits: received")
        await asyncio.sleep(10_000)
    except asyncio.CancelledError:
        say("waits: cancelled")


@serve.deployment
class Shielded:
    async def finish(self):
        await asyncio.sleep(1)
        say("shielded: finished")

    async def __call__(self):
        try:
            say("shielded: received")
            await asyncio.shield(self.finish())
        except asyncio.CancelledError:
            say("shielded: cancelled")


@serve.deployment
class Endless:
    async def upwards(self) -> AsyncGenerator[str, None]:
        try:
            number = 0
            while True:
                yield str(number)
                number += 1
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            say("endless: cancelled")

    def __call__(self, request: Request) -> StreamingResponse:
        return StreamingResponse(self.upwards(), status_code=200, media_type="text/plain")


waiting, shielded, endless = waits.bind(), Shielded.bind(), Endless.bind()
"""
