"""ASGI applications without a framework, for tests of what is around them."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

Application = Callable[[Any, Any, Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the request's scope and body, as JSON; bytes are shown as Latin-1."""
    assert scope["type"] == "http"
    shown = {name: scope[name] for name in scope if not name.startswith("aws.")}
    shown["headers"] = [[_text(name), _text(value)] for name, value in scope["headers"]]
    shown["query_string"] = _text(scope["query_string"])
    shown["raw_path"] = _text(scope["raw_path"])
    message = await receive()
    shown["body"], shown["more_body"] = _text(message["body"]), message["more_body"]
    body = json.dumps(shown).encode()
    await answering(body, headers=[(b"content-type", b"application/json")])(scope, receive, send)


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def sending(*messages: dict[str, Any]) -> Application:
    """Make an application that sends these messages, whatever is asked."""

    async def application(scope: Any, _receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        for message in messages:
            await send(message)

    return application


def answering(
    *bodies: bytes,
    status: int = 200,
    headers: Headers | None = None,
) -> Application:
    """Make an application that gives one response, its body in these pieces."""
    pieces = bodies or (b"",)
    return sending(
        {"type": "http.response.start", "status": status, "headers": headers or []},
        *(
            {"type": "http.response.body", "body": piece, "more_body": number < len(pieces)}
            for number, piece in enumerate(pieces, 1)
        ),
    )
