"""From an HTTP event to an ASGI application and back, with Mangum's handler classes.

Mangum translates the events. Ours is what its `Mangum` class cannot do: serve inside a running
event loop, run the lifespan once per environment, and trust the gateway instead of the client.
"""

import asyncio
import functools
import logging
import re
from base64 import b64decode
from collections.abc import Callable, Collection, Sequence
from typing import Any
from urllib.parse import quote

from mangum.adapter import DEFAULT_TEXT_MIME_TYPES, HANDLERS
from mangum.types import LambdaConfig

from adapter.errors import UnsupportedEvent
from adapter.http.destination import (
    HTTP_API,
    REST,
    ResultDestination,
    StreamDestination,
    front_of,
)
from adapter.http.exchange import Exchange, Response
from adapter.http.lifespan import ASGIApp, Lifespan, Mode
from adapter.responder import Responder

logger = logging.getLogger("adapter.http")

_SCHEMES = frozenset({"http", "https"})
_UNQUOTED = "/:@!$&'()*+,;=~"  # what a path may hold as it is: RFC 3986, section 3.3


def _once(made: Any) -> Any:
    kept = functools.cached_property(made.fget)
    kept.__set_name__(object, "scope")
    return kept


# Mangum makes the scope once for the request and once more for the response; it is the same one.
_HANDLERS: tuple[Any, ...] = tuple(
    type(kind.__name__, (kind,), {"scope": _once(kind.scope)}) for kind in HANDLERS
)


class HttpBridge:
    """Serves HTTP events from one ASGI application.

    `base_path` is where the application is mounted; it becomes `root_path`, and `path` stays whole,
    as ASGI wants it. `streams` names the fronts that take a response piece by piece: "url", "rest",
    "http-api". `request_timeout_s` bounds a request. The other settings are Mangum's.
    """

    def __init__(  # noqa: PLR0913 - settings by keyword, most of them Mangum's
        self,
        app: ASGIApp,
        *,
        lifespan: Mode = "auto",
        base_path: str = "/",
        custom_handlers: Sequence[Any] = (),
        text_mime_types: Sequence[str] | None = None,
        exclude_headers: Sequence[str] = (),
        streams: Collection[str] = (),
        request_timeout_s: float | None = None,
    ) -> None:
        self.app = app
        self._streams = frozenset(streams)
        self._request_timeout_s = request_timeout_s
        self.lifespan = Lifespan(app, lifespan)
        self._base_path = "/" + base_path.strip("/")
        self._custom_handlers = tuple(custom_handlers)
        self._config = LambdaConfig(
            api_gateway_base_path="/",  # ours is cut at a segment boundary, see _complete
            text_mime_types=list(text_mime_types or DEFAULT_TEXT_MIME_TYPES),
            exclude_headers=[header.lower() for header in exclude_headers],
        )

    def takes(self, event: Any, context: Any) -> bool:
        """Whether one of the custom handlers wants an event that is not HTTP otherwise."""
        return any(handler.infer(event, context, self._config) for handler in self._custom_handlers)

    async def __call__(self, event: dict[str, Any], context: Any, responder: Responder) -> None:
        """Serve one event and answer in the shape its sender expects.

        The answer leaves when the response is complete; this returns when the application has
        ended, background tasks included. An event that cannot be read as a request is answered
        with 400. Raises `UnsupportedEvent` where no handler knows the event.
        """
        for handler in self._custom_handlers:
            if handler.infer(event, context, self._config):
                custom = handler(event, context, self._config)
                scope = {**custom.scope, "state": self.lifespan.state.copy()}
                result = ResultDestination(responder, _to_result(custom))
                await self._run(Exchange(scope, custom.body, result), context)
                return
        await self._builtin(event, context, responder)

    async def _builtin(self, event: dict[str, Any], context: Any, responder: Responder) -> None:
        try:
            host, hostless = _split_host(event)
            handler = self._infer(hostless, context)
            scope, body = self._complete(handler.scope, host, event), _body(handler, event)
        except (ValueError, LookupError, TypeError, AttributeError):
            logger.warning("the event is no valid HTTP request", exc_info=True)
            await self.answer(event, PLAIN[400], responder)
            return
        destination = self._destination(event, ResultDestination(responder, _to_result(handler)))
        await self._run(Exchange(scope, body, destination), context)

    async def answer(self, event: dict[str, Any], response: Response, responder: Responder) -> None:
        """Answer an event in the application's place, whatever the event looks like."""
        result = ResultDestination(responder, _plain_result)
        await self._destination(event, result).answer(response)

    def _destination(
        self,
        event: dict[str, Any],
        whole: ResultDestination,
    ) -> ResultDestination | StreamDestination:
        front = front_of(event)
        if front not in self._streams or not whole.responder.streams:
            return whole
        return StreamDestination(
            whole.responder,
            several=front == REST,
            excluded=self._config["exclude_headers"],
            whole=whole if front == HTTP_API else None,
        )

    async def _run(self, exchange: Exchange, context: Any) -> None:
        if self._request_timeout_s is None:
            await exchange.run(self.app)
            return
        running = asyncio.create_task(exchange.run(self.app))
        try:
            async with asyncio.timeout(self._request_timeout_s):
                await exchange.settled(running)
        except TimeoutError:
            request_id = getattr(context, "aws_request_id", "")
            text = f"Request {request_id} timed out after {self._request_timeout_s}s."
            logger.warning("%s", text)
            running.cancel()
            await exchange.give_up(plain_response(408, text))
            await asyncio.wait([running])
        except BaseException:
            running.cancel()
            await asyncio.wait([running])
            raise
        else:
            await running

    def _infer(self, event: dict[str, Any], context: Any) -> Any:
        for kind in _HANDLERS:
            if kind.infer(event, context, self._config):
                return kind(event, context, self._config)
        raise UnsupportedEvent(event)

    def _complete(self, scope: Any, host: list[str], event: dict[str, Any]) -> dict[str, Any]:
        headers = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
        path = _path(scope, event)
        scheme = scope["scheme"] if scope["scheme"] in _SCHEMES else "https"
        inside = path == self._base_path or path.startswith(f"{self._base_path}/")
        return {
            **scope,
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "scheme": scheme,
            "path": path,
            "raw_path": quote(path, safe=_UNQUOTED).encode(),
            "root_path": self._base_path if inside and self._base_path != "/" else "",
            "server": _server(event, scheme),
            "client": _client(scope, event),
            "headers": [*((b"host", value.encode()) for value in host), *headers],
            "state": self.lifespan.state.copy(),
            "aws.event": event,
        }


def _split_host(event: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Return the Host header, if there is one, and the event without it.

    It is the client's to choose, so nothing but the application sees it. Raises ValueError where
    it is malformed.
    """
    host: list[str] = []
    hostless = dict(event)
    for key in ("headers", "multiValueHeaders"):
        headers = dict(event.get(key) or {})
        for name in [name for name in headers if name.lower() == "host"]:
            value = headers.pop(name)
            host = host or [_checked_host(value[0] if isinstance(value, list) else value)]
        if key in event:
            hostless[key] = headers
    return host, hostless


def _checked_host(value: Any) -> str:
    """Raise ValueError for what is no host: frameworks make URLs of it, and guards read those."""
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        raise ValueError(f"not a Host header: {value!r:.100}")
    return value


# A name or IPv4 address, or an IPv6 address, with a port: RFC 3986, section 3.2.2.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def _body(handler: Any, event: dict[str, Any]) -> bytes:
    if event.get("isBase64Encoded"):  # Mangum would pass over what is no base64
        return b64decode(event.get("body") or "", validate=True)
    body: bytes = handler.body
    return body


def _path(scope: Any, event: dict[str, Any]) -> str:
    """Decode the path once. Mangum always does; an HTTP API has done so before."""
    context = event.get("requestContext") or {}
    is_url = ".lambda-url." in str(context.get("domainName"))
    decoded = event.get("version") == "2.0" and not is_url
    path = str(context["http"]["path"] if decoded else scope["path"])
    return path if path.startswith("/") else f"/{path}"


def _server(event: dict[str, Any], scheme: str) -> tuple[str, int]:
    """Name the server by what the gateway says: the Host header is the client's to choose.

    Frameworks fall back to this where a Host header is malformed, so it must not be built from it.
    """
    context = event.get("requestContext") or {}
    return (str(context.get("domainName") or "localhost"), 80 if scheme == "http" else 443)


def _client(scope: Any, event: dict[str, Any]) -> tuple[str, int] | None:
    """Name the client. A load balancer appends its address to what the client itself sent."""
    address, port = scope["client"]
    if "elb" in (event.get("requestContext") or {}):
        address = address.rpartition(",")[2].strip()
    return (address, port) if address else None


def _utf8(text: bytes) -> bytes:
    """Mangum reads headers as UTF-8; Starlette writes them as Latin-1, as HTTP has it."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1").encode()
    return text


def _to_result(handler: Any) -> Callable[[Response], Any]:
    def to_result(response: Response) -> Any:
        headers = [(_utf8(name), _utf8(value)) for name, value in response["headers"]]
        return handler({**response, "headers": headers})

    return to_result


def plain_response(status: int, text: str) -> Response:
    """Make a response that no application gives."""
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    return {"status": status, "headers": headers, "body": text.encode()}


PLAIN = {
    400: plain_response(400, "Bad Request"),
    504: plain_response(504, "Gateway Timeout"),
}


def _plain_result(response: Response) -> dict[str, Any]:
    """Make a result that every sender takes, for an event that may be malformed."""
    text = response["body"].decode()
    return {
        "statusCode": response["status"],
        "statusDescription": f"{response['status']} {text}",  # a load balancer wants it
        "headers": {name.decode(): value.decode() for name, value in response["headers"]},
        "body": text,
        "isBase64Encoded": False,
    }
