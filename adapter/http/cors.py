"""An application that answers browsers of other origins itself: how it is known.

CORS headers that an application and the gateway in front both write come twice, and browsers refuse
an answer with two.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from adapter.errors import ServeError
from adapter.http.lifespan import ASGIApp


def answers_cors(app: Any, middlewares: Iterable[Any] = ()) -> bool:
    """Tell whether an ASGI application, or one of the `middlewares` around it, is Starlette's CORS.

    It is known by the name of its class, so that nothing is imported for it.
    """
    added = [*(getattr(app, "user_middleware", None) or ()), *middlewares]
    return _is_cors(type(app)) or any(_is_cors(getattr(one, "cls", one)) for one in added)


def answering_preflights(app: ASGIApp) -> ASGIApp:
    """Return an application that answers what browsers ask first, where the gateway writes CORS.

    An HTTP API adds the headers, but passes OPTIONS requests on where a route takes them, `ANY` for
    instance, and browsers want a status of 2xx. A route of OPTIONS alone is the one that needs no
    signature; nothing that comes by it reaches the application.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
    """

    async def answer(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "OPTIONS" and _is_preflight(scope):
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await app(scope, receive, send)

    return answer


def _is_preflight(scope: Mapping[str, Any]) -> bool:
    names = {name for name, _ in scope["headers"]}
    if {b"origin", b"access-control-request-method"} <= names:
        return True
    event = scope.get("aws.event")
    route = event.get("routeKey") if isinstance(event, Mapping) else None
    return isinstance(route, str) and route.startswith("OPTIONS ")


def refuse_second_cors(app: Any, middlewares: Iterable[Any]) -> None:
    """Raise `ServeError` for an application that does what its gateway does."""
    if answers_cors(app, middlewares):
        raise ServeError(CORS_TWICE)


CORS_TWICE = (
    "LambdaOptions(cors=...) and CORSMiddleware in the application: both would write the headers, "
    "and browsers refuse answers that have them twice. Remove one of them."
)


def _is_cors(kind: Any) -> bool:
    return any(base.__name__ == "CORSMiddleware" for base in getattr(kind, "__mro__", ()))
