"""Exceptions that are answers: too many wait, or the deployment is not there."""

import math
from typing import Any

from adapter.errors import BackPressureError, DeploymentUnavailableError
from adapter.http.destination import plain_response
from adapter.http.response import Response

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
    as a 500. Handlers of the application's own stay. Other applications raise them to the bridge.
    """
    handlers = getattr(app, "exception_handlers", None)
    if isinstance(handlers, dict):
        app.exception_handlers = {**dict.fromkeys(_KINDS, _handle), **handlers}


async def _handle(_request: Any, error: Exception) -> Any:
    from starlette import responses  # noqa: PLC0415 - who has handlers has loaded it

    refusal = refusal_of(error)
    assert refusal is not None  # noqa: S101 - for the type checker
    headers = {name.decode(): value.decode() for name, value in refusal["headers"]}
    return responses.Response(refusal["body"], refusal["status"], headers)
