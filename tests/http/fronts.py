"""Every front that a function may have: the events it sends, the results it reads.

A request is said as a client sends it, path and query encoded; each front delivers it as AWS
documents for it. Unlike `tests.gateways` nothing is checked, dropped or added on the way: whoever
may invoke a function may send it any event.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
"""

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from tests import events
from tests.http.answers import Answer

Headers = list[tuple[str, str]]
HOST = "shop.example.com"
CLIENT = "203.0.113.9"


@dataclass(frozen=True)
class Request:
    """What a client sends; `body` is text, or base64 where `base64` says so."""

    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    base64: bool = False

    @property
    def sent(self) -> Headers:
        """The headers, as the front passes them on."""
        own = dict(self.headers)
        defaults = {"host": HOST, "x-forwarded-proto": "https", "x-forwarded-for": CLIENT}
        return [
            *((name, value) for name, value in defaults.items() if name not in own),
            *self.headers,
        ]

    @property
    def joined(self) -> dict[str, str]:
        """The headers, several values of one joined."""
        return {name: ",".join(values) for name, values in self.listed.items()}

    @property
    def listed(self) -> dict[str, list[str]]:
        """The headers, each with all of its values."""
        listed: dict[str, list[str]] = {}
        for name, value in self.sent:
            listed.setdefault(name, []).append(value)
        return listed

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of the query, decoded."""
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def encoded_pairs(self) -> list[tuple[str, str]]:
        """The parameters of the query as they were sent."""
        parts = (part.partition("=") for part in self.query.split("&") if part)
        return [(name, value) for name, _, value in parts]


def _lists(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


def http_api(request: Request) -> dict[str, Any]:
    """Make an HTTP API's event, payload 2.0; the path is decoded."""
    event = events.http_api(
        method=request.method,
        path=unquote(request.path),
        query=request.query,
        headers={k: v for k, v in request.joined.items() if k != "cookie"},
        cookies=request.listed.get("cookie"),
        body=request.body,
        base64=request.base64,
    )
    event["requestContext"]["domainName"] = HOST
    return event


def function_url(request: Request) -> dict[str, Any]:
    """Make a function URL's event, payload 2.0; the path is as it was sent.

    Cookies are in it twice.
    """
    event = http_api(request)
    if "cookie" in request.listed:
        event["headers"]["cookie"] = "; ".join(request.listed["cookie"])
    event["rawPath"] = event["requestContext"]["http"]["path"] = request.path
    event["requestContext"]["domainName"] = "abc123.lambda-url.eu-west-1.on.aws"
    event["routeKey"] = event["requestContext"]["routeKey"] = "$default"
    return event


def rest(request: Request) -> dict[str, Any]:
    """Make a REST API's event; the path is as it was sent, the query is decoded."""
    listed = request.listed
    event = events.rest_v1(method=request.method, path=request.path, base64=request.base64)
    event["requestContext"] |= {"domainName": HOST, "path": request.path}
    return {
        **event,
        "headers": {name: values[-1] for name, values in listed.items()},
        "multiValueHeaders": listed,
        "queryStringParameters": dict(request.pairs) or None,
        "multiValueQueryStringParameters": _lists(request.pairs) or None,
        "body": request.body or None,
    }


def payload_1(request: Request) -> dict[str, Any]:
    """Make an HTTP API's event, payload 1.0; the path is decoded."""
    event = rest(request)
    stage = {"stage": "$default", "path": unquote(request.path)}
    context = {**event["requestContext"], **stage}
    return {**event, "version": "1.0", "path": unquote(request.path), "requestContext": context}


def alb(request: Request) -> dict[str, Any]:
    """Make a load balancer's event; the query is as it was sent, and the last value counts."""
    event = events.alb(method=request.method, path=request.path, base64=request.base64)
    return {
        **event,
        "headers": {name: values[-1] for name, values in request.listed.items()},
        "queryStringParameters": dict(request.encoded_pairs),
        "body": request.body,
    }


def alb_with_lists(request: Request) -> dict[str, Any]:
    """Make a load balancer's event where multi-value headers are on."""
    event = alb(request)
    del event["headers"], event["queryStringParameters"]
    return {
        **event,
        "multiValueHeaders": request.listed,
        "multiValueQueryStringParameters": _lists(request.encoded_pairs),
    }


def lattice_1(request: Request) -> dict[str, Any]:
    """Make a VPC Lattice event, version 1; the query is as it was sent."""
    return {
        "raw_path": request.path,
        "method": request.method,
        "headers": request.joined,
        "query_string_parameters": dict(request.encoded_pairs),
        "body": request.body,
        "is_base64_encoded": request.base64,
    }


def lattice_2(request: Request) -> dict[str, Any]:
    """Make a VPC Lattice event, version 2; the query is as it was sent."""
    arn = "arn:aws:vpc-lattice:eu-west-1:123456789012"
    return {
        "version": "2.0",
        "path": request.path,
        "method": request.method,
        "headers": request.listed,
        "queryStringParameters": _lists(request.encoded_pairs),
        "body": request.body,
        "isBase64Encoded": request.base64,
        "requestContext": {
            "serviceNetworkArn": f"{arn}:servicenetwork/sn-1",
            "serviceArn": f"{arn}:service/svc-1",
            "targetGroupArn": f"{arn}:targetgroup/tg-1",
            "identity": {"sourceVpcArn": "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1"},
            "region": "eu-west-1",
            "timeEpoch": "1795269731000000",
        },
    }


def edge(request: Request) -> dict[str, Any]:
    """Make a Lambda@Edge event of an origin request, its body included."""
    scheme = ("cloudfront-forwarded-proto", request.joined["x-forwarded-proto"])
    sent = [*request.sent, scheme]
    asked: dict[str, Any] = {
        "clientIp": CLIENT,
        "method": request.method,
        "uri": request.path,
        "querystring": request.query,
        "headers": {
            name: [{"key": name.title(), "value": value} for value in values]
            for name, values in _lists(sent).items()
        },
    }
    if request.body:
        encoding = "base64" if request.base64 else "text"
        asked["body"] = {
            "action": "read-only",
            "data": request.body,
            "encoding": encoding,
            "inputTruncated": False,
        }
    config = {"distributionId": "E1", "eventType": "origin-request", "requestId": "r-1"}
    return {"Records": [{"cf": {"config": config, "request": asked}}]}


@dataclass(frozen=True)
class Front:
    """One way to reach a function."""

    name: str
    event: Callable[[Request], dict[str, Any]]
    decodes_path: bool = False
    lists: bool = True
    """Whether several values of a header and of a parameter stay several."""

    def make(self, **request: Any) -> dict[str, Any]:
        """Make the event of a request."""
        return self.event(Request(**request))


HTTP_API = Front("HTTP API", http_api, decodes_path=True)
FUNCTION_URL = Front("function URL", function_url)
REST = Front("REST API", rest)
PAYLOAD_1 = Front("HTTP API, payload 1.0", payload_1, decodes_path=True)
ALB = Front("load balancer", alb, lists=False)
ALB_WITH_LISTS = Front("load balancer, multi-value", alb_with_lists)
LATTICE_1 = Front("VPC Lattice 1", lattice_1, lists=False)
LATTICE_2 = Front("VPC Lattice 2", lattice_2)
EDGE = Front("Lambda@Edge", edge)
FRONTS = (
    *(HTTP_API, FUNCTION_URL, REST, PAYLOAD_1),
    *(ALB, ALB_WITH_LISTS, LATTICE_1, LATTICE_2, EDGE),
)


def fronts(*chosen: Front) -> pytest.MarkDecorator:
    """Run a test with each of these fronts, or with all."""
    return pytest.mark.parametrize("front", chosen or FRONTS, ids=lambda front: front.name)


def answer_of(result: dict[str, Any]) -> Answer:
    """Read a result as its front does for the client."""
    if "statusCode" not in result:
        return _edge_answer(result)
    several = {name.lower(): values for name, values in result.get("multiValueHeaders", {}).items()}
    headers: dict[str, list[str]] = {}
    for name, value in result.get("headers", {}).items():
        headers.setdefault(name.lower(), []).append(value)
    headers.update(several)
    if "cookies" in result:
        headers["set-cookie"] = result["cookies"]
    body = result["body"]
    return Answer(
        status=result["statusCode"],
        headers=headers,
        body=b64decode(body) if result["isBase64Encoded"] else body.encode(),
    )


def _edge_answer(result: dict[str, Any]) -> Answer:
    headers = {
        name: [header["value"] for header in found] for name, found in result["headers"].items()
    }
    encoded = result.get("bodyEncoding") == "base64"
    body = result.get("body", "")
    return Answer(
        status=int(result["status"]),
        headers=headers,
        body=b64decode(body) if encoded else body.encode(),
    )
