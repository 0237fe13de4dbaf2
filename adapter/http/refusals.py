"""Exceptions that are answers: too many wait, or the deployment is not there."""

import math
from collections.abc import Iterator
from typing import Any

from adapter.errors import BackPressureError, DeploymentUnavailableError
from adapter.http.response import Response, plain_response
from adapter.http.unawaited import told

_KINDS = (BackPressureError, DeploymentUnavailableError)
_STATUSES = (503, 429)


def refusal_of(error: BaseException) -> Response | None:
    """Return the answer to a request that ended in such an exception, None for any other.

    503, or the status that a `BackPressureError` names, with its text. Seconds to wait are rounded
    up, because Retry-After has whole ones: RFC 9110, section 10.2.3.
    """
    if not isinstance(error, _KINDS):
        return None
    text = str(getattr(error, "message", "")).partition("\n")[0]  # no traceback of a callee
    status, seconds = getattr(error, "status_code", 503), getattr(error, "retry_after_s", None)
    response = plain_response(status if status in _STATUSES else 503, text)
    if isinstance(seconds, (int, float)) and math.isfinite(seconds):
        response["headers"].append((b"retry-after", b"%d" % max(0, math.ceil(seconds))))
    return response


def answer_refusals(app: Any) -> None:
    """Have a FastAPI or Starlette application answer them where it handles its exceptions.

    There the response passes the application's middlewares, such as CORS; an exception would leave
    as a 500. Handlers of the application's own stay. What a middleware raises is answered around
    all of them. Applications that are mounted within it do the same; others raise to the bridge.
    """
    for one in _applications(app, set()):
        one.exception_handlers = {**dict.fromkeys(_KINDS, _handle), **one.exception_handlers}
        _answer_those_of_middlewares(one)


def _applications(app: Any, seen: set[int]) -> Iterator[Any]:
    """Yield an application that handles exceptions, and those that are mounted within it."""
    if id(app) in seen:
        return
    seen.add(id(app))
    if isinstance(getattr(app, "exception_handlers", None), dict):
        yield app
    routes = getattr(app, "routes", None)
    for route in routes if isinstance(routes, list) else ():
        # A mount with middlewares keeps what they are around; FastAPI's included routers are nodes.
        for name in ("_base_app", "app", "original_router"):
            yield from _applications(getattr(route, name, None), seen)


def _answer_those_of_middlewares(app: Any) -> None:
    middlewares = getattr(app, "user_middleware", None)
    if not isinstance(middlewares, list) or any(one.cls is _Refusing for one in middlewares):
        return
    from starlette.middleware import Middleware  # noqa: PLC0415 - who has them has loaded it

    app.user_middleware = [Middleware(_Refusing), *middlewares]


class _Refusing:
    """The outermost middleware: answers what the others raise, while there is no response yet.

    What FastAPI says of a handle's result that was not awaited, it says clearly.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watched(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except _KINDS as error:
            if begun:
                raise
            response = await _handle(None, error)
            await response(scope, receive, send)
        except Exception as error:
            if clear := told(error):
                raise clear from None
            raise


async def _handle(_request: Any, error: Exception) -> Any:
    from starlette import responses  # noqa: PLC0415 - who has handlers has loaded it

    refusal = refusal_of(error)
    assert refusal is not None  # noqa: S101 - for the type checker
    headers = {name.decode(): value.decode() for name, value in refusal["headers"]}
    return responses.Response(refusal["body"], refusal["status"], headers)
