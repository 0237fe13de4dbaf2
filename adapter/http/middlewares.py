"""Middlewares around an ASGI application."""

from collections.abc import Sequence
from typing import Any

from adapter.errors import ServeError
from adapter.http.lifespan import ASGIApp
from adapter.settings import HttpSettings


def with_middlewares(app: ASGIApp, middlewares: Sequence[Any]) -> ASGIApp:
    """Put `starlette.middleware.Middleware`s around an application, the first one outermost."""
    for middleware in reversed(middlewares):
        app = middleware.cls(app, *middleware.args, **middleware.kwargs)
    return app


def with_all_middlewares(app: ASGIApp, settings: HttpSettings) -> ASGIApp:
    """Put those of `serve.start` around an application.

    Raises `ServeError` where the program has more than this function: it must not be served without
    what may guard it.
    """
    missing = settings.middleware_count - len(settings.middlewares)
    if missing > 0:
        raise ServeError(
            f"serve.start(http_options=...) of this program names {missing} middlewares that this "
            "function does not have, because it is called in a module that the function does not "
            "import. Call it in the module of the ingress, or add them to the application itself: "
            "app.add_middleware(...).",
        )
    return with_middlewares(app, settings.middlewares)
