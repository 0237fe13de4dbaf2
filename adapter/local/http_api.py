"""An API Gateway HTTP API: its routes, and what it makes of answers. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapter.local.http_event import Arrival, HttpApiRoute, HttpRequest, http_api_event
from adapter.local.http_result import (
    HttpResponse,
    MalformedResultError,
    gateway_error,
    result_response,
)
from adapter.local.integration import Refusals
from adapter.local.invocation import Invocable
from adapter.local.prelude import Prelude, begins_with_prelude
from adapter.plan.values import ApiPlan
from adapter.serve.cors import Cors
from adapter.serve.names import DEFAULT_APPLICATION

BUFFERED_NOTE = "an HTTP API buffers this"
INTEGRATION_TIMEOUT_S = 30.0  # the longest an HTTP API waits for a function


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRoute:
    """One application on HTTP: everything below `prefix` goes to `function`, of that name.

    `api` is what brings it there on AWS; requests of a REST API come as those of an HTTP API.
    `stages` are those of WebSocket APIs, by the path that each is for.
    """

    prefix: str
    name: str
    function: Invocable
    application: str = DEFAULT_APPLICATION
    api: ApiPlan = field(default_factory=ApiPlan)
    stages: Mapping[str, str] = field(default_factory=dict)

    def match(self, path: str) -> HttpApiRoute | None:
        """Return the template's route that `path` takes, None where it lies outside the prefix."""
        base = self.prefix.rstrip("/")
        if path == (base or "/"):
            return HttpApiRoute(key=f"ANY {base or '/'}")
        if path.startswith(f"{base}/"):
            rest = path[len(base) + 1 :]
            return HttpApiRoute(key=f"ANY {base}/{{proxy+}}", path_parameters={"proxy": rest})
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApiIntegration:
    """A route of an HTTP API and its function; see `Integration`.

    An HTTP API does not stream; one with `streams` is what a laptop has over it.
    """

    name: str
    function: Invocable
    route: HttpApiRoute
    streams: bool
    wait_s: float | None = INTEGRATION_TIMEOUT_S
    cors: Cors | None = None
    note: str = BUFFERED_NOTE

    refusals = Refusals(
        too_large=gateway_error(413, "Request Entity Too Large"),
        throttled=gateway_error(503, "Service Unavailable"),
        late=gateway_error(503, "Service Unavailable"),
        failed=gateway_error(500, "Internal Server Error"),
    )

    def event(self, request: HttpRequest, arrival: Arrival) -> dict[str, Any]:
        """See `Integration`."""
        return http_api_event(request, self.route, arrival)

    def response(self, payload: bytes, method: str) -> HttpResponse:
        """See `Integration`."""
        return result_response(payload, method=method)

    def begin(self, content_type: str) -> Prelude | None:
        """See `Integration`."""
        if not begins_with_prelude(content_type):
            raise MalformedResultError(f"a stream of {content_type!r:.100} is no HTTP response")
        return None
