"""The ASGI application that a deployment instance serves."""

from typing import Any

from adapter import user_code
from adapter.errors import ServeError
from adapter.http.lifespan import ASGIApp
from adapter.http.refusals import answer_refusals
from adapter.http.unawaited import refuse_in_json
from adapter.http.views import bind_views
from adapter.serve.ingresses import Ingress


async def ingress_application(ingress: Ingress, instance: Any, *, shared: bool) -> ASGIApp:
    """Build what `@serve.ingress` named: the object with its views bound, or a factory's result.

    `shared` says that other deployments of this process may serve the same object. Raises
    `ServeError` where a factory makes no ASGI application.
    """
    application: ASGIApp
    if ingress.app is None:
        made = await user_code.call_inline(instance.__serve_build_asgi_app__)
        application = _require_asgi(made, "__serve_build_asgi_app__")
    elif ingress.is_factory:
        application = await factory_application(ingress.app)
    else:
        application = bind_views(ingress.app, instance, shared=shared)
    answer_refusals(application)
    refuse_in_json()
    return application


async def factory_application(factory: Any) -> ASGIApp:
    """Call a factory once. Raises `ServeError` where it makes no ASGI application."""
    return _require_asgi(await user_code.call_inline(factory), factory.__name__)


def _require_asgi(app: Any, maker: str) -> ASGIApp:
    if not callable(app):
        raise ServeError(f"{maker} must return an ASGI application, it returned {app!r:.100}.")
    made: ASGIApp = app
    return made
