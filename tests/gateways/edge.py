"""CloudFront with Lambda@Edge: a function that answers the request it is triggered by.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-generating-http-responses-in-requests.html
"""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.gateways.forwarded import forwarded_for
from tests.gateways.gateway import Event
from tests.gateways.request import Request, without
from tests.gateways.response import (
    BadGateway,
    Response,
    checked,
    fields,
    from_base64,
    sent,
    status_code,
)

# Of a request's body, and of a response with its headers, in bytes.
MOST = {"viewer-request": 40 * 1024, "origin-request": 1024 * 1024}
# A prefix ends in "-". Functions do not see these and must not add them.
DISALLOWED = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "trailer",
        "upgrade",
        "x-accel-buffering",
        "x-accel-charset",
        "x-accel-limit-rate",
        "x-accel-redirect",
        "x-amz-cf-",
        "x-amzn-auth",
        "x-amzn-cf-billing",
        "x-amzn-cf-id",
        "x-amzn-cf-xff",
        "x-amzn-errortype",
        "x-amzn-fle-profile",
        "x-amzn-header-count",
        "x-amzn-header-order",
        "x-amzn-lambda-integration-tag",
        "x-amzn-requestid",
        "x-cache",
        "x-edge-",
        "x-forwarded-proto",
        "x-real-ip",
    },
)
# Functions see these and must not write them.
READ_ONLY: dict[str, frozenset[str]] = {
    "viewer-request": frozenset({"content-length", "host", "transfer-encoding", "via"}),
    "origin-request": frozenset(
        {
            "accept-encoding",
            "content-length",
            "if-modified-since",
            "if-none-match",
            "if-range",
            "if-unmodified-since",
            "transfer-encoding",
            "via",
        },
    ),
}
REFUSED_OF_ANY: frozenset[str] = frozenset().union(*READ_ONLY.values())
RESULT_KEYS = {"status", "statusDescription", "headers", "body", "bodyEncoding"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """All headers are forwarded, CloudFront-Forwarded-Proto among them, and the body is included.

    `event_type` is `viewer-request` or `origin-request`; CloudFront adds its headers in between.
    """

    event_type: str

    domain: ClassVar[None] = None
    root_path: ClassVar[str] = ""

    @property
    def name(self) -> str:
        """See `Gateway`."""
        return f"Lambda@Edge {self.event_type}"

    def scheme(self, request: Request) -> str | None:
        """See `Gateway`."""
        return request.scheme if self.event_type == "origin-request" else None

    def event(self, request: Request) -> Event:
        """Make the event; path and query are as sent."""
        own = self._own_headers(request)
        hidden = DISALLOWED | {"transfer-encoding"} | own.keys()
        headers: dict[str, list[dict[str, str]]] = {}
        for name, value in (*without(request.headers, hidden), *own.items()):
            headers.setdefault(name.lower(), []).append({"key": name, "value": value})
        body = request.body[: MOST[self.event_type]]
        read = {
            "inputTruncated": len(body) < len(request.body),
            "action": "read-only",
            "encoding": "base64",
            "data": b64encode(body).decode(),
        }
        config = {
            "distributionDomainName": "d123.cloudfront.net",
            "distributionId": "EDFDVBD6EXAMPLE",
            "eventType": self.event_type,
            "requestId": "MRVMF7KydIvxMWfJIglgwHQwZsbG2IhRJ07sn9AkKUFSHS9EXAMPLE==",
        }
        asked = {
            "clientIp": request.client,
            "headers": headers,
            "method": request.method,
            "querystring": request.query,
            "uri": request.path,
            "body": read,
        }
        return {"Records": [{"cf": {"config": config, "request": asked}}]}

    def _own_headers(self, request: Request) -> dict[str, str]:
        if self.event_type == "viewer-request":
            return {}
        return {
            "cloudfront-forwarded-proto": request.scheme,
            "via": "1.1 d123.cloudfront.net (CloudFront)",
            "x-forwarded-for": forwarded_for(request),
        }

    def response(self, result: Any) -> Response:
        """See `Gateway`."""
        known = fields(result, RESULT_KEYS, needed={"status"})
        if not isinstance(known["status"], str) or not known["status"].isdecimal():
            raise BadGateway(f"status={known['status']!r:.100}")
        status = status_code(int(known["status"]))
        if self.event_type == "viewer-request" and status == 204 and "body" in known:
            raise BadGateway("a 204 with a body")
        headers = _headers(known.get("headers", {}), DISALLOWED | READ_ONLY[self.event_type])
        body, limit = _body(known), MOST[self.event_type]
        if sum(len(name) + len(value) for name, value in headers) + len(body) > limit:
            raise BadGateway(f"the response is above {limit} bytes")
        return sent(status, headers, body)


def _headers(given: Any, refused: frozenset[str]) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for name, values in given.items():
        if name != name.lower() or not isinstance(values, list) or not values:
            raise BadGateway(f"headers[{name!r:.100}]={values!r:.100}")
        for value in values:
            if value.get("key", name).lower() != name:
                raise BadGateway(f"headers[{name!r:.100}] with {value!r:.100}")
            headers.append(checked(name, value["value"]))
    if len(without(headers, refused)) != len(headers):
        raise BadGateway(f"a header that functions must not write: {headers!r:.300}")
    return headers


def _body(result: dict[str, Any]) -> bytes:
    body, encoding = result.get("body", ""), result.get("bodyEncoding", "text")
    if not isinstance(body, str) or encoding not in {"text", "base64"}:
        raise BadGateway(f"body={body!r:.100} bodyEncoding={encoding!r:.100}")
    return from_base64(body) if encoding == "base64" else body.encode()
