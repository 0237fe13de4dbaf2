"""From an HTTP event to an ASGI application and back, in every shape that AWS gives to either.

`adapter.http.gateways` knows the shapes. What this module adds to Mangum's `Mangum` class is to
serve inside a running event loop, with one lifespan for the whole environment.
"""

import asyncio
import logging
from typing import Any

from adapter.errors import UnsupportedEvent
from adapter.http import response as rules
from adapter.http import serve_headers
from adapter.http.destination import ResultDestination, front_of
from adapter.http.detect import Source, source_of
from adapter.http.exchange import Destination, Exchange
from adapter.http.gateways import Gateway, gateway_of
from adapter.http.lifespan import ASGIApp, Lifespan
from adapter.http.request import Refused, Request, check_host, last_forwarded
from adapter.http.response import Headers, Response, plain_response
from adapter.responder import Responder
from adapter.serve import context as serve_context
from adapter.settings import HttpSettings

logger = logging.getLogger("adapter.http")

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_REASONS = {400: "Bad Request", 413: "Content Too Large", 504: "Gateway Timeout"}
PLAIN = {status: plain_response(status, reason) for status, reason in _REASONS.items()}


class HttpBridge:
    """Serves HTTP events from one ASGI application.

    `base_path` is where the application is mounted; it becomes `root_path`, and `path` stays whole,
    as ASGI wants it. What else it can be told: see `HttpSettings`.
    """

    def __init__(self, app: ASGIApp, settings: HttpSettings | None = None) -> None:
        self._settings = settings or HttpSettings()
        self.app = _with_middlewares(app, self._settings)
        self.lifespan = Lifespan(app, self._settings.lifespan)
        self._base_path = "/" + self._settings.base_path.strip("/")
        self._text_types = tuple(kind.lower() for kind in self._settings.text_mime_types)
        self._excluded = frozenset(name.lower().encode() for name in self._settings.exclude_headers)
        self._config = _config(self._settings) if self._settings.custom_handlers else None

    @property
    def settings(self) -> HttpSettings:
        """What it was told."""
        return self._settings

    def takes(self, event: Any, context: Any) -> bool:
        """Whether one of the custom handlers wants an event that is not HTTP otherwise."""
        return self._custom(event, context) is not None

    async def __call__(self, event: dict[str, Any], context: Any, responder: Responder) -> None:
        """Serve one event and answer in the shape its sender expects.

        The answer leaves when the response is complete; this returns when the application has
        ended, background tasks included. An event that cannot be read as a request is answered
        with 400, one whose body is too large with 413. Raises `UnsupportedEvent` where nothing
        knows the event, and with `raise_errors` what the application raises.
        """
        if (kind := self._custom(event, context)) is not None:
            await self._serve_custom(kind(event, context, self._config), responder)
            return
        if (source := source_of(event)) is None:
            raise UnsupportedEvent("no HTTP event, nor one that a custom handler takes.")
        gateway = gateway_of(source, event)
        destination = self._destination(source, event, gateway, responder)
        try:
            request = gateway.request(self._base_path)
            self._check(request)
        except (Refused, LookupError, TypeError, AttributeError) as refused:
            logger.warning("the event is no HTTP request that can be served: %s", refused)
            await destination.answer(_to(gateway, self._refusal(refused)))
            return
        scope = self._scope(request)
        scope["aws.event"] = event
        scope["aws.context"] = context
        await self._run(scope, request.body, destination)

    async def answer(self, event: dict[str, Any], response: Response, responder: Responder) -> None:
        """Answer an event in the application's place, whatever the event looks like."""
        if (source := source_of(event)) is not None:
            gateway = gateway_of(source, event)
            destination = self._destination(source, event, gateway, responder)
            await destination.answer(_to(gateway, response))

    def _custom(self, event: Any, context: Any) -> Any:
        for kind in self._settings.custom_handlers:
            if kind.infer(event, context, self._config):
                return kind
        return None

    async def _serve_custom(self, handler: Any, responder: Responder) -> None:
        scope = {**handler.scope, "state": self.lifespan.state.copy()}
        await self._run(scope, handler.body, ResultDestination(responder, handler))

    def _destination(
        self,
        source: Source,
        event: dict[str, Any],
        gateway: Gateway,
        responder: Responder,
    ) -> Destination:
        def to_result(response: Response) -> Any:
            is_text = rules.is_text(response["headers"], self._text_types)
            kept = {**response, "headers": self._kept(response["headers"])}
            return gateway.result(kept, is_text=is_text)

        whole = ResultDestination(responder, to_result, gateway.most_bytes)
        streams = self._settings.streams
        if not (streams and responder.streams and front_of(event) in streams):
            return whole
        from adapter.http.stream_destination import StreamDestination  # noqa: PLC0415 - as needed

        return StreamDestination(
            responder,
            several=source is Source.REST,
            kept=self._kept,
            whole=whole if source is Source.HTTP_API else None,
        )

    def _kept(self, headers: Headers) -> Headers:
        kept = rules.kept_headers(headers, self._excluded)
        if not self._settings.serve_headers:
            return kept
        return serve_headers.identified(kept, serve_context.served().request_id)

    def _check(self, request: Request) -> None:
        check_host(request.headers)
        most = self._settings.max_body_bytes
        if most is not None and len(request.body) > most:
            raise Refused(f"the body has {len(request.body)} bytes, {most} are allowed", 413)

    def _refusal(self, refused: Exception) -> Response:
        if isinstance(refused, Refused) and refused.status == 413:
            return plain_response(413, f"Content Too Large: {refused}")
        return PLAIN[400]

    def _scope(self, request: Request) -> dict[str, Any]:
        scheme = "http" if request.values(request.forwarded_proto)[-1:] == [b"http"] else "https"
        path, base_path = request.path, self._base_path
        inside = path == base_path or path.startswith(f"{base_path}/")
        hops = self._settings.trusted_hops
        client = (hops and last_forwarded(request.headers, hops)) or request.source_ip
        return {
            "type": "http",
            "asgi": _ASGI.copy(),
            "http_version": "1.1",
            "method": request.method,
            "scheme": scheme,
            "path": path,
            "raw_path": request.raw_path,
            "root_path": base_path if inside and base_path != "/" else "",
            "query_string": request.query,
            "headers": request.headers,
            # Not from the Host header, which is the client's to choose.
            "server": (request.domain or "localhost", 80 if scheme == "http" else 443),
            "client": (client, 0) if client else None,
            "state": self.lifespan.state.copy(),
        }

    async def _run(
        self,
        scope: dict[str, Any],
        body: bytes,
        destination: Destination,
    ) -> None:
        served = serve_context.served()
        request_id = served.request_id
        timeout_s = self._settings.request_timeout_s
        if self._settings.serve_headers:
            timeout_s = serve_headers.timeout_s(scope["headers"], timeout_s)
            headers = serve_headers.without_doubtful_id(scope["headers"])
            request_id = serve_headers.request_id(headers) or request_id or _new_request_id()
            scope["headers"] = serve_headers.identified(headers, request_id)
        own = serve_context.InvocationContext(
            request_id=request_id,
            deadline_ms=served.deadline_ms,
            multiplexed_model_id=serve_headers.model_id(scope["headers"]),
            route=self._base_path,
        )
        serve_context.invocation.set(own)
        raise_errors = self._settings.raise_errors
        exchange = Exchange(scope, body, destination, raise_errors=raise_errors)
        if timeout_s is None:
            await exchange.run(self.app)
        else:
            await self._in_time(exchange, request_id, timeout_s)

    async def _in_time(self, exchange: Exchange, request_id: str, timeout_s: float) -> None:
        running = asyncio.create_task(exchange.run(self.app))
        try:
            async with asyncio.timeout(timeout_s):
                await exchange.settled(running)
        except TimeoutError:
            if exchange.complete:  # both at the same time; the answer is on its way
                await running
                return
            text = f"Request {request_id} timed out after {timeout_s}s."
            logger.warning("%s", text)
            running.cancel()
            await exchange.give_up(plain_response(408, text))
            await asyncio.gather(running, return_exceptions=True)
        except BaseException:
            running.cancel()
            await asyncio.wait([running])
            if not running.cancelled():
                await running
                return
            raise
        else:
            await running


def _with_middlewares(app: ASGIApp, settings: HttpSettings) -> ASGIApp:
    if not (settings.middlewares or settings.middleware_count):
        return app
    from adapter.http.middlewares import with_all_middlewares  # noqa: PLC0415 - rarely needed

    return with_all_middlewares(app, settings)


def _config(settings: HttpSettings) -> Any:
    """Make what custom handlers are told, which are written for Mangum."""
    from mangum.adapter import DEFAULT_TEXT_MIME_TYPES  # noqa: PLC0415 - rarely needed
    from mangum.types import LambdaConfig  # noqa: PLC0415 - as that

    return LambdaConfig(
        api_gateway_base_path="/",
        text_mime_types=list(settings.text_mime_types or DEFAULT_TEXT_MIME_TYPES),
        exclude_headers=[name.lower() for name in settings.exclude_headers],
    )


def _to(gateway: Gateway, response: Response) -> Response:
    """Return what answers a request: HEAD gets no body (RFC 9110, section 9.3.2)."""
    return {**response, "body": b""} if gateway.is_head else response


def _new_request_id() -> str:
    from uuid import uuid4  # noqa: PLC0415 - Lambda always has an id

    return str(uuid4())
