"""Unit tests of an ingress, without a server: `with testing.client(app) as client: ...`."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from adapter.errors import ServeError
from adapter.http.middlewares import with_middlewares
from adapter.local import in_process
from adapter.local.asgi import BrokenResponseError
from adapter.local.http_front import HttpFront
from adapter.local.log import Log
from adapter.local.watching import Watch, watch
from adapter.serve.deployments import Application
from adapter.serve.names import DEFAULT_APPLICATION
from adapter.serve.running import RunTarget, check_target

if TYPE_CHECKING:
    from starlette.testclient import TestClient
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["client"]


@contextlib.contextmanager
def client(
    application: Application[Any],
    *,
    name: str = DEFAULT_APPLICATION,
    route_prefix: str = "/",
    raise_server_exceptions: bool = True,
    **options: Any,
) -> Iterator["TestClient"]:
    """Serve an application in this process and give Starlette's `TestClient` in front of it.

    Constructors and lifespan startups run on entering, shutdowns and `__del__` on leaving;
    meanwhile `serve.get_app_handle(name)` calls it by handle. No port is opened. A request becomes
    an event of an HTTP API and its response a Lambda result, as on AWS, and a handle call is
    encoded as it is there. What the ingress raises and does not handle comes out of the client's
    method; with `raise_server_exceptions=False` the client gets the 500 that a user would get. A
    request is over when its background tasks are. `options` are those of the `TestClient`:
    `base_url`, `headers`, `cookies`, `follow_redirects`, `client`.

    Raises what a constructor or a startup raises, and otherwise as `serve.run` does. It needs the
    package `httpx2`.
    """
    from starlette.testclient import TestClient  # noqa: PLC0415 - needs a package of its own

    target = RunTarget(application, name, str(route_prefix))
    check_target(target)
    with in_process.tested(target) as (route, http_options):
        front = HttpFront(Log(lambda _line: None), root_path=http_options.root_path)
        front.routes = [route]
        watched = _Watched(with_middlewares(front, http_options.middlewares))
        with TestClient(
            watched,
            raise_server_exceptions=raise_server_exceptions,
            **options,
        ) as test_client:
            yield test_client


class _Watched:
    """Raises what the ingress raised, when its response is complete and its work is done."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "lifespan":  # that of the ingress has run already
            await _answer_lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise ServeError(f"testing.client speaks HTTP, not {scope['type']!r}.")
        watched = Watch(errors=[], serving=[])
        token = watch.set(watched)
        try:
            await self._app(scope, receive, send)
        except BrokenResponseError:  # a stream; the ingress itself says better why
            if not watched.errors:
                raise
        finally:
            watch.reset(token)
        for serving in watched.serving:
            await asyncio.wrap_future(serving)
        if watched.errors:
            raise watched.errors[0]


async def _answer_lifespan(receive: "Receive", send: "Send") -> None:
    for message in ("lifespan.startup", "lifespan.shutdown"):
        await receive()
        await send({"type": f"{message}.complete"})
