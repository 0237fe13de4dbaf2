"""Events as their senders shape them; each factory takes what a test wants to say.

Shapes: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from typing import Any
from urllib.parse import parse_qsl

Event = dict[str, Any]

HOST = "abc123.execute-api.eu-west-1.amazonaws.com"


def http_api(
    *,
    method: str = "GET",
    path: str = "/",
    query: str = "",
    headers: dict[str, str] | None = None,
    cookies: list[str] | None = None,
    body: str | None = None,
    base64: bool = False,
) -> Event:
    """An API Gateway HTTP API's, payload format 2.0."""
    event: Event = {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": HOST, "x-forwarded-proto": "https", **(headers or {})},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": HOST,
            "domainPrefix": "abc123",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.9",
                "userAgent": "test",
            },
            "requestId": "request-1",
            "routeKey": "ANY /{proxy+}",
            "stage": "$default",
            "time": "21/Nov/2026:14:02:11 +0000",
            "timeEpoch": 1795269731000,
        },
        "isBase64Encoded": base64,
    }
    if query:
        event["queryStringParameters"] = dict(parse_qsl(query))
    if cookies:
        event["cookies"] = cookies
    if body is not None:
        event["body"] = body
    return event


def local_http_api(**request: Any) -> Event:
    """The HTTP API's of `adapter run`."""
    event = http_api(**request)
    event["requestContext"]["apiId"] = "local"
    return event


def function_url(**request: Any) -> Event:
    """A function URL's: payload format 2.0 without routes."""
    event = http_api(**request)
    host = "abc123.lambda-url.eu-west-1.on.aws"
    event["routeKey"] = event["requestContext"]["routeKey"] = "$default"
    event["requestContext"]["domainName"] = event["headers"]["host"] = host
    return event


def rest_v1(
    *,
    method: str = "GET",
    path: str = "/",
    query: str = "",
    headers: dict[str, str] | None = None,
    body: str | None = None,
    base64: bool = False,
) -> Event:
    """An API Gateway REST API's, payload format 1.0."""
    sent = {"host": HOST, "x-forwarded-proto": "https", **(headers or {})}
    pairs = parse_qsl(query)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": _multi(pairs) or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": HOST,
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.9", "userAgent": "test"},
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "requestId": "request-1",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": body,
        "isBase64Encoded": base64,
    }


def alb(
    *,
    method: str = "GET",
    path: str = "/",
    query: str = "",
    headers: dict[str, str] | None = None,
    body: str | None = None,
    base64: bool = False,
) -> Event:
    """An Application Load Balancer's, without multi-value headers."""
    group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/probe/1"
    return {
        "requestContext": {"elb": {"targetGroupArn": group}},
        "httpMethod": method,
        "path": path,
        "queryStringParameters": dict(parse_qsl(query)),
        "headers": {
            "host": "probe.example.com",
            "x-forwarded-for": "203.0.113.9",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            **(headers or {}),
        },
        "body": body or "",
        "isBase64Encoded": base64,
    }


def _multi(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped
