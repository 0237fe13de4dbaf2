"""Results of handle calls that a route returns before they are there: one clear error."""

import sys
from typing import Any

from adapter.errors import ServeError


class NotAwaited(ServeError):
    """A route returns the result of a handle call that is not there yet."""


# By the class of what handle.remote(...) gives.
_ADVICE = {
    "DeploymentResponse": (
        "the route returns what handle.remote(...) gives, which is the result on its way: return "
        "`await handle.remote(...)`, or in plain code `handle.remote(...).result()`."
    ),
    "DeploymentResponseGenerator": (
        "the route returns what handle.options(stream=True).remote(...) gives, which are items on "
        "their way: return `StreamingResponse(...)` of them, or a list, "
        "`[item async for item in ...]`."
    ),
}
_MODULE = "adapter.serve.responses"


def refuse_in_json() -> None:
    """Have FastAPI's encoder name such a value; it would fail at some lock deep inside it.

    https://fastapi.tiangolo.com/tutorial/encoder/
    """
    from adapter.serve import responses  # noqa: PLC0415 - next to FastAPI it costs nothing

    encoders: Any = getattr(sys.modules.get("fastapi.encoders"), "ENCODERS_BY_TYPE", None)
    if isinstance(encoders, dict):
        encoders.update({getattr(responses, name): refuse for name in _ADVICE})


def refuse(value: Any) -> None:
    """Raise `NotAwaited` where a value is the result of a handle call that is not there yet."""
    if error := _error(value):
        raise error


def told(error: Exception) -> NotAwaited | None:
    """Return what to raise in place of what FastAPI or Pydantic say of such a value."""
    kind = type(error).__name__
    if kind == "ResponseValidationError":
        body = getattr(error, "body", None)
        parts = list(body.values()) if isinstance(body, dict) else body
        values = [body, *parts] if isinstance(parts, list | tuple) else [body]
        return next(filter(None, map(_error, values)), None)
    if kind == "PydanticSerializationError":  # it names the class
        text = str(error)
        named = (advice for name, advice in _ADVICE.items() if f"'{_MODULE}.{name}'" in text)
        return next(map(NotAwaited, named), None)
    return None


def _error(value: Any) -> NotAwaited | None:
    responses: Any = sys.modules.get(_MODULE)  # where there is a handle
    if responses is None:
        return None
    kinds = (
        advice for name, advice in _ADVICE.items() if isinstance(value, getattr(responses, name))
    )
    return next(map(NotAwaited, kinds), None)
