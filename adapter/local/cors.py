"""CORS as an HTTP API and a function URL do it, on this machine. No I/O.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
"""

from starlette.types import Message, Scope, Send

from adapter.local.asgi import header
from adapter.local.http_result import HttpResponse
from adapter.serve.cors import Cors

_PREFIX = b"access-control-"


def preflight_response(cors: Cors | None, scope: Scope) -> HttpResponse | None:
    """Answer what a browser asks before it sends a request; None for any other request."""
    asked = header(scope, "access-control-request-method")
    if cors is None or scope["method"] != "OPTIONS" or asked is None:
        return None
    headers = _allowed(cors, header(scope, "origin"))
    if headers:
        headers += [("access-control-allow-methods", ",".join(cors.allow_methods))]
        headers += [("access-control-allow-headers", ",".join(cors.allow_headers))]
        headers += [("access-control-max-age", str(cors.max_age_s))]
    return HttpResponse(status=204, headers=tuple(headers))


def sending_cors(cors: Cors | None, scope: Scope, send: Send) -> Send:
    """Return a `send` that tells browsers what `cors` says; what the function says is left out."""
    if cors is None:
        return send
    headers = _allowed(cors, header(scope, "origin"))
    if headers and cors.expose_headers:
        headers.append(("access-control-expose-headers", ",".join(cors.expose_headers)))
    own = [(name.encode(), value.encode("latin-1")) for name, value in headers]

    async def send_with_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if not pair[0].startswith(_PREFIX)]
            message = {**message, "headers": [*kept, *own]}
        await send(message)

    return send_with_cors


def _allowed(cors: Cors, origin: str | None) -> list[tuple[str, str]]:
    """Return what allows a page of `origin` to read an answer; nothing where it is not allowed."""
    if origin is None or not {origin, "*"} & set(cors.allow_origins):
        return []
    if "*" in cors.allow_origins:
        return [("access-control-allow-origin", "*")]
    headers = [("access-control-allow-origin", origin), ("vary", "origin")]
    if cors.allow_credentials:
        headers.append(("access-control-allow-credentials", "true"))
    return headers
