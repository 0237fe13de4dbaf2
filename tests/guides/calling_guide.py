"""Ray Serve's older guide to calling deployments: its examples as programs.

Deployments deploy themselves, at a prefix of their own. `ray.get(handle.remote(...))` is about Ray
core: here it is `handle.remote(...).result()`.
"""

from tests.guides.samples import Asked, Called, Sample

ROUTE_PREFIX = Sample(
    """
    from adapter import serve

    @serve.deployment(route_prefix="/counter")
    class Counter:
        def __call__(self, request):
            pass

    Counter.deploy()
    """,
    (Asked("GET /", ""), Asked("GET /more", "")),
    target="Counter",
    route_prefix="/counter",
)

FASTAPI = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI

    web = FastAPI()

    @serve.deployment(route_prefix="/hello")
    @serve.ingress(web)
    class Hello:
        @web.get("/")
        def root(self):
            return "Hello, world!"

    Hello.deploy()
    """,
    (Asked("GET /", "Hello, world!"), Asked("GET ", "Hello, world!")),
    target="Hello",
    route_prefix="/hello",
)

ROUTES = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI

    web = FastAPI()

    @serve.deployment(route_prefix="/hello")
    @serve.ingress(web)
    class Hello:
        @web.get("/")
        def root(self):
            return "Hello, world!"

        @web.post("/{subpath}")
        def root(self, subpath: str):
            return f"Hello from {subpath}!"

    Hello.deploy()
    """,
    (Asked("GET /", "Hello, world!"), Asked("POST /Serve", "Hello from Serve!")),
    target="Hello",
    route_prefix="/hello",
)

WHOLE_APPLICATION = Sample(
    """
    from adapter import serve
    from fastapi import FastAPI

    web = FastAPI()

    @web.get("/")
    def root():
        return "Hello from the root!"

    @serve.deployment(route_prefix="/")
    @serve.ingress(web)
    class Wrapper:
        pass

    Wrapper.deploy()
    """,
    (
        Asked("GET /", "Hello from the root!"),
        Asked("GET /openapi.json", lambda body: set(body["paths"]) == {"/"}),
    ),
    target="Wrapper",
)

_TWO = """
    from adapter import serve
    from fastapi import FastAPI

    web = FastAPI()

    @web.get("/")
    def root():
        return "Hello from the root!"

    @serve.deployment(route_prefix="/api1")
    @serve.ingress(web)
    class First:
        @web.get("/subpath")
        def method(self):
            return "Hello 1!"

    @serve.deployment(route_prefix="/api2")
    @serve.ingress(web)
    class Second:
        @web.get("/subpath")
        def method(self):
            return "Hello 2!"

    First.deploy()
    Second.deploy()
    """
FIRST_OF_TWO = Sample(
    _TWO,
    (Asked("GET /", "Hello from the root!"), Asked("GET /subpath", "Hello 1!")),
    target="First",
    route_prefix="/api1",
)
SECOND_OF_TWO = Sample(
    _TWO,
    (Asked("GET /", "Hello from the root!"), Asked("GET /subpath", "Hello 2!")),
    target="Second",
    route_prefix="/api2",
)

MIDDLEWARE = Sample(
    """
    from adapter import serve
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware

    client = serve.start(
        http_options={"middlewares": [
            Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"])
        ]})

    @serve.deployment(route_prefix="/hello")
    def hello():
        return "hello"

    hello.deploy()
    """,
    (
        Asked(
            "GET /",
            "hello",
            sent={"origin": "https://shop.example"},
            headers=("access-control-allow-origin",),
        ),
        Asked(
            "OPTIONS /",
            "OK",
            sent={"origin": "https://shop.example", "access-control-request-method": "GET"},
            headers=("access-control-allow-origin", "access-control-allow-methods"),
        ),
    ),
    target="hello",
    route_prefix="/hello",
)

HANDLES = Sample(
    """
    from adapter import serve

    @serve.deployment
    class Echo:
        def method1(self, arg):
            return f"Method1: {arg}"

        def __call__(self, arg):
            return f"__call__: {arg}"

    Echo.deploy()
    """,
    called=(
        Called("__call__", ("hi",), "__call__: hi"),
        Called("method1", ("hi",), "Method1: hi"),
    ),
    target="Echo",
    route_prefix="/Echo",
)

BOTH_WAYS = Sample(
    """
    from adapter import serve

    @serve.deployment(route_prefix="/api")
    class Greeter:
        def say_hello(self, name: str):
            return f"Hello {name}!"

        def __call__(self, request):
            return self.say_hello(request.query_params["name"])

    Greeter.deploy()
    """,
    (Asked("GET ?name=Alice", "Hello Alice!"), Asked("GET /?name=Alice", "Hello Alice!")),
    (Called("say_hello", ("Alice",), "Hello Alice!"),),
    target="Greeter",
    route_prefix="/api",
)

SAMPLES = {
    "route_prefix": ROUTE_PREFIX,
    "fastapi": FASTAPI,
    "routes": ROUTES,
    "whole_application": WHOLE_APPLICATION,
    "first_of_two": FIRST_OF_TWO,
    "second_of_two": SECOND_OF_TWO,
    "middleware": MIDDLEWARE,
    "handles": HANDLES,
    "both_ways": BOTH_WAYS,
}
