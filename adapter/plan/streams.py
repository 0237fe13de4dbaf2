"""Which answers come piece by piece, as far as that is known without asking the code."""

import inspect
from collections.abc import Callable
from typing import Any

# Of Starlette, FastAPI and sse-starlette. Known by name, so that nothing is imported for it.
_STREAMED_RESPONSES = frozenset({"EventSourceResponse", "FileResponse", "StreamingResponse"})


def route_streams(route: Any) -> bool:
    """Tell whether a route of an ASGI application is known to stream its response.

    Known are a generator, a response class that streams, and a return annotation that names one.
    """
    response_class = getattr(route, "response_class", None)
    response_class = getattr(response_class, "value", response_class)  # FastAPI's placeholder
    return is_streamed_response(response_class) or callable_streams(
        getattr(route, "endpoint", None),
    )


def deployment_streams(func_or_class: Any) -> bool:
    """Tell whether a deployment without an ingress is known to stream its response to HTTP."""
    if inspect.isclass(func_or_class):
        return callable_streams(getattr(func_or_class, "__call__", None))  # noqa: B004 - the method itself
    return callable_streams(func_or_class)


def callable_streams(function: Any) -> bool:
    """Tell whether calling a function makes a generator or, by its annotation, a stream."""
    if not callable(function):
        return False
    function = inspect.unwrap(function)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return True
    return is_streamed_response(_return_annotation(function))


def is_streamed_response(kind: Any) -> bool:
    """Tell whether `kind` is a class of responses that are sent piece by piece."""
    if not inspect.isclass(kind):
        return False
    return any(base.__name__ in _STREAMED_RESPONSES for base in kind.__mro__)


def _return_annotation(function: Callable[..., Any]) -> Any:
    try:
        return inspect.signature(function, eval_str=True).return_annotation
    except Exception:  # noqa: BLE001 - an annotation is the user's code, and may name anything
        return None
