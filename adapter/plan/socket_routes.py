"""The routes of an application that want WebSocket connections."""

from typing import Any

from adapter.plan.routes import all_routes
from adapter.serve.ingresses import Ingress


def ingress_socket_routes(ingress: Ingress | None, prefix: str) -> tuple[str, ...]:
    """List the WebSocket routes of a deployment's ingress; a factory is not called for it."""
    if ingress is None or ingress.is_factory or ingress.app is None:
        return ()
    return socket_routes(ingress.app, prefix)


def socket_routes(app: Any, prefix: str) -> tuple[str, ...]:
    """List the paths of the WebSocket routes of an ASGI application, mounted ones left out."""
    paths = [str(route.path) for route in all_routes(app) if _is_socket(route)]
    return tuple(path if prefix == "/" else f"{prefix}{path}" for path in paths)


def _is_socket(route: Any) -> bool:
    """Starlette's route is not imported: an application of another framework must not need it."""
    original = getattr(route, "original_route", route)
    return any(base.__name__ == "WebSocketRoute" for base in type(original).__mro__)
