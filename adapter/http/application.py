"""The ASGI application that a deployment instance serves."""

from typing import Any

from adapter import user_code
from adapter.errors import ServeError
from adapter.http.lifespan import ASGIApp
from adapter.http.views import bind_views
from adapter.serve.ingresses import Ingress


async def ingress_application(ingress: Ingress, instance: Any, *, shared: bool) -> ASGIApp:
    """Build what `@serve.ingress` named: the object with its views bound, or a factory's result.

    `shared` says that other deployments of this process may serve the same object. Raises
    `ServeError` where a factory makes no ASGI application.
    """
    if ingress.app is None:
        return _require_asgi(instance.__serve_build_asgi_app__(), "__serve_build_asgi_app__")
    if ingress.is_factory:
        return await factory_application(ingress.app)
    application: ASGIApp = bind_views(ingress.app, instance, shared=shared)
    return application


async def factory_application(factory: Any) -> ASGIApp:
    """Call a factory once. Raises `ServeError` where it makes no ASGI application."""
    return _require_asgi(await user_code.call_inline(factory), factory.__name__)


def _require_asgi(app: Any, maker: str) -> ASGIApp:
    if not callable(app):
        raise ServeError(f"{maker} must return an ASGI application, it returned {app!r:.100}.")
    made: ASGIApp = app
    return made
