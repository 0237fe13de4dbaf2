"""Payload format 2.0, of HTTP APIs and function URLs.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from typing import Any
from urllib.parse import parse_qsl

from tests.gateways.body import as_it_is_or_base64, is_text
from tests.gateways.forwarded import forwarded
from tests.gateways.gateway import REQUEST_ID, Event
from tests.gateways.request import Headers, Request, joined, lower, without
from tests.gateways.response import (
    HOP_BY_HOP,
    BadGateway,
    Response,
    body_bytes,
    checked,
    fields,
    sent,
    single_values,
    status_code,
)

RESULT_KEYS = {"statusCode", "headers", "body", "isBase64Encoded", "cookies"}


def delivered_headers(request: Request) -> Headers:
    """Return the headers that an event holds, cookies included."""
    headers = without(request.headers, HOP_BY_HOP | {"expect", "proxy-authorization"})
    return lower(forwarded(Request(headers=headers, client=request.client), "https"))


def cookies(request: Request) -> list[str]:
    """Take the cookies of all Cookie headers apart."""
    values = [value for name, value in request.headers if name.lower() == "cookie"]
    return [cookie.strip(" ") for value in values for cookie in value.split(";") if cookie]


def payload(
    request: Request,
    headers: Headers,
    *,
    path: str,
    stage: str,
    context: dict[str, str],
) -> Event:
    """Make an event. What there is none of is left out."""
    body, is_base64 = as_it_is_or_base64(request, text=is_text(request))
    event: Event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": joined(headers, ","),
        "requestContext": {
            **context,
            "domainPrefix": context["domainName"].partition(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.client,
                "userAgent": request.header("user-agent") or "",
            },
            "requestId": REQUEST_ID,
            "routeKey": "$default",
            "stage": stage,
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390,
        },
        "isBase64Encoded": is_base64,
    }
    if request.query:
        pairs = parse_qsl(request.query, keep_blank_values=True)
        event["queryStringParameters"] = joined(pairs, ",")
    if found := cookies(request):
        event["cookies"] = found
    if body:
        event["body"] = body
    return event


def payload_response(result: Any, default_type: str) -> Response:
    """Read a result. JSON without a `statusCode` would be the body of a 200; here it is a fault."""
    known = fields(result, RESULT_KEYS, needed={"statusCode"})
    return response_of(known, body_bytes(known), default_type)


def response_of(head: dict[str, Any], body: bytes, default_type: str) -> Response:
    """Make a response of status, headers and cookies, and of a body."""
    headers = single_values(head.get("headers", {}))
    if len(dict(headers)) != len(headers):
        raise BadGateway(f"a header twice, which the format has no room for: {headers!r:.200}")
    if not isinstance(given := head.get("cookies", []), list):
        raise BadGateway(f"cookies={given!r:.100}")
    headers += [checked("set-cookie", cookie) for cookie in given]
    if "content-type" not in dict(headers):
        headers.append(("content-type", default_type))
    return sent(status_code(head.get("statusCode", 200)), headers, body)
