"""A function's own URL, on this machine a path: events, and what the URL makes of answers. No I/O.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from adapter.local.http_event import Arrival, HttpRequest, payload_2_0
from adapter.local.http_result import HttpResponse, header_pairs, json_response, result_response
from adapter.local.integration import Refusals
from adapter.local.invocation import Invocable, region
from adapter.local.prelude import Prelude, begins_with_prelude
from adapter.serve.cors import Cors

PREFIX = "/_url/"
_PATH = re.compile(r"/_url/(?P<name>[^/]*)(?P<rest>.*)", re.DOTALL)


def url_function(raw_path: str) -> str | None:
    """Return the name of the function whose URL a path belongs to, None where it is no URL's."""
    match = _PATH.fullmatch(raw_path)
    return match["name"] if match else None


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlIntegration:
    """A function's URL; see `Integration`. `streams` is InvokeMode RESPONSE_STREAM."""

    name: str
    function: Invocable
    streams: bool
    cors: Cors | None = None

    wait_s = None  # it waits as long as the function may run
    note = ""
    refusals = Refusals(
        too_large=json_response(413, b'{"Message":"Request Entity Too Large"}'),
        throttled=json_response(429, b'{"Message":"Rate Exceeded."}'),
        late=json_response(504, b'{"Message":"Gateway Timeout"}'),
        failed=HttpResponse(
            status=502,
            headers=(("content-type", "application/json"), ("content-length", "21")),
            body=b"Internal Server Error",
        ),
    )

    def event(self, request: HttpRequest, arrival: Arrival) -> dict[str, Any]:
        """Make the event: payload format 2.0, the path as it was sent, without the local prefix."""
        match = _PATH.fullmatch(request.raw_path)
        raw_path = (match["rest"] if match else request.raw_path) or "/"
        url_id = self.name.lower().replace("_", "-")  # a name of a host has no underscores
        domain = f"{url_id}.lambda-url.{region()}.on.aws"
        return payload_2_0(
            replace(request, path=unquote(raw_path)),
            arrival,
            # The documentation promises the owner's account; what comes is this word.
            {"accountId": "anonymous", "apiId": url_id, "domainName": domain},
            route_key="$default",
            raw_path=raw_path,
        )

    def response(self, payload: bytes, method: str) -> HttpResponse:
        """Make the response of a whole answer.

        A URL that streams passes it on as it is; only the streaming format says status and headers.
        """
        if self.streams:
            return json_response(200, payload)
        return result_response(payload, method=method, default_type="application/json")

    def begin(self, content_type: str) -> Prelude | None:
        """Return the head of a streamed answer, None where a prelude says it."""
        if begins_with_prelude(content_type):
            return None
        given = content_type or "application/octet-stream"
        return Prelude(headers=tuple(header_pairs({"content-type": [given]}, [])))
