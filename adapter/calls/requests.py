"""A Starlette request among the arguments of a call: what it was asked with, and its body.

Only what the sender's gateway said of the request travels: no state, no application, no session.
"""

from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from adapter.errors import ServeError

_TEXTS = ("method", "path", "root_path", "scheme", "http_version")


def write(request: Any) -> dict[str, Any]:
    """Turn a request into what JSON can write. Raises `ServeError` before its body is read."""
    body = getattr(request, "_body", None)
    if body is None:
        raise ServeError(
            "a starlette.requests.Request travels with its body: `await request.body()` before it "
            "is an argument of a call.",
        )
    scope = request.scope
    return {
        **{name: scope[name] for name in _TEXTS if name in scope},
        "query": scope["query_string"].decode("latin-1"),
        "headers": [[part.decode("latin-1") for part in pair] for pair in scope["headers"]],
        "client": list(scope.get("client") or ()),
        "server": list(scope.get("server") or ()),
        "body": b64encode(body).decode(),
    }


def read(kind: Any, content: Mapping[str, Any]) -> Any:
    """Make the request again. Raises KeyError, TypeError and ValueError for anything else."""
    texts = {name: content[name] for name in _TEXTS if name in content}
    if not all(isinstance(text, str) for text in texts.values()) or "method" not in texts:
        raise TypeError("the parts of a request are text")
    scope = {
        "type": "http",
        **texts,
        "query_string": _bytes(content["query"]),
        "headers": [(_bytes(name), _bytes(value)) for name, value in content["headers"]],
        "client": tuple(content["client"]) or None,
        "server": tuple(content["server"]) or None,
        "path_params": {},
    }
    return kind(scope, _receive(b64decode(content["body"], validate=True)))


def _bytes(text: str) -> bytes:
    return str.encode(text, "latin-1")  # a TypeError for anything but text


def _receive(body: bytes) -> Callable[[], Awaitable[dict[str, Any]]]:
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive
