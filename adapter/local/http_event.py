"""Requests as the events that AWS makes of them. No I/O: a request goes in, an event comes out."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from adapter.http.destination import LOCAL_API
from adapter.local.invocation import ACCOUNT

STAGE = "$default"
# What the connection to the client is about, and no business of the function behind the gateway.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    },
)
_TEXT_TYPES = frozenset({"application/json", "application/javascript", "application/xml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request as the server received it.

    `path` is decoded, `raw_path` and `query` are as sent. Header names are lower-case and may
    repeat. `client` and `server` are the addresses of the two ends of the connection, so nothing
    that the client sends can change them.
    """

    method: str
    path: str
    raw_path: str = ""
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    protocol: str = "HTTP/1.1"
    scheme: str = "http"
    client: str = "127.0.0.1"
    server: tuple[str, int] = ("127.0.0.1", 8000)

    def header(self, name: str) -> str:
        """Return the values of a header, joined by commas; empty where there is none."""
        return ",".join(value for key, value in self.headers if key == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApiRoute:
    """The route of an HTTP API that a request took.

    The template gives each application two: `ANY <prefix>` and `ANY <prefix>/{proxy+}`.
    """

    key: str
    path_parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What the gateway adds to every request: its id, its trace and when it came (UTC)."""

    request_id: str
    trace_id: str
    time: datetime


def http_api_event(request: HttpRequest, route: HttpApiRoute, arrival: Arrival) -> dict[str, Any]:
    """Make the event of an API Gateway HTTP API, payload format 2.0.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    `rawPath` is the decoded path, as HTTP APIs deliver it. Keys that would be empty are left out.
    """
    context = {"accountId": ACCOUNT, "apiId": LOCAL_API, "domainName": request.server[0]}
    event = payload_2_0(request, arrival, context, route_key=route.key, raw_path=request.path)
    if route.path_parameters:
        event["pathParameters"] = dict(route.path_parameters)
    return event


def payload_2_0(
    request: HttpRequest,
    arrival: Arrival,
    context: Mapping[str, str],
    *,
    route_key: str,
    raw_path: str,
) -> dict[str, Any]:
    """Make what every event in payload format 2.0 has; `context` names account, API and domain."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": raw_path,
        "rawQueryString": request.query,
        "cookies": _cookies(request),
        "headers": _headers(request, arrival),
        "queryStringParameters": _query_parameters(request.query),
        "requestContext": {
            **context,
            "domainPrefix": context["domainName"].split(".")[0],
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": request.protocol,
                "sourceIp": request.client,
                "userAgent": request.header("user-agent"),
            },
            "requestId": arrival.request_id,
            "routeKey": route_key,
            "stage": STAGE,
            "time": f"{arrival.time:%d/%b/%Y:%H:%M:%S} +0000",
            "timeEpoch": int(arrival.time.timestamp() * 1000),
        },
    }
    event = {key: value for key, value in event.items() if value or key == "rawQueryString"}
    return {**event, **_body(request)}


def _headers(request: HttpRequest, arrival: Arrival) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in request.headers:
        if name not in _HOP_BY_HOP and name != "cookie":
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    if request.body or "content-length" in joined:
        # A chunked request announces none, or one that does not count.
        joined["content-length"] = str(len(request.body))
    joined.setdefault("x-amzn-trace-id", arrival.trace_id)
    forwarded = joined.get("x-forwarded-for")
    joined["x-forwarded-for"] = f"{forwarded}, {request.client}" if forwarded else request.client
    joined["x-forwarded-port"] = str(request.server[1])
    joined["x-forwarded-proto"] = request.scheme
    return joined


def _cookies(request: HttpRequest) -> list[str]:
    found = [value.split(";") for name, value in request.headers if name == "cookie"]
    return [cookie.strip() for cookies in found for cookie in cookies if cookie.strip()]


def _query_parameters(query: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(request: HttpRequest) -> dict[str, Any]:
    if not request.body:
        return {"isBase64Encoded": False}
    if _is_text(request.header("content-type")):
        try:
            return {"body": request.body.decode("utf-8"), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(request.body).decode("ascii"), "isBase64Encoded": True}


def _is_text(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))
