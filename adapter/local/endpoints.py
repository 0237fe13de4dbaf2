"""What Ray Serve's proxy answers about itself: `/-/routes`, `/-/healthz`; and `/-/metrics`."""

import json
from collections.abc import Callable, Mapping

from starlette.types import Receive, Scope, Send

from adapter.local import metrics
from adapter.local.asgi import respond
from adapter.local.http_front import HttpFront
from adapter.local.metrics import Metrics

_Answer = tuple[str, str]  # content type and body


class Endpoints:
    """Answers GET and HEAD of these paths and leaves every other request to the front.

    They come before the applications, also before one at `/`, as in Ray Serve.
    """

    def __init__(self, front: HttpFront, metrics: Metrics) -> None:
        self._front = front
        self._metrics = metrics
        self._answers: Mapping[str, Callable[[], _Answer]] = {
            "/-/healthz": lambda: ("text/plain; charset=utf-8", "success"),
            "/-/metrics": self._show_metrics,
            "/-/routes": self._show_routes,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_own = scope["type"] == "http" and scope["path"] in self._answers
        if not is_own or scope["method"] not in ("GET", "HEAD"):
            await self._front(scope, receive, send)
            return
        content_type, text = self._answers[scope["path"]]()
        body = text.encode()
        headers = [
            (b"content-type", content_type.encode()),
            (b"content-length", b"%d" % len(body)),
        ]
        await respond(send, 200, headers, body)

    def _show_metrics(self) -> _Answer:
        return metrics.CONTENT_TYPE, self._metrics.text()

    def _show_routes(self) -> _Answer:
        routes = {route.prefix: route.application for route in self._front.routes}
        return "application/json", json.dumps(routes, separators=(",", ":"))
