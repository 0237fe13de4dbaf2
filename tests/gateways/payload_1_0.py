"""Payload format 1.0, of REST APIs and of HTTP APIs that want it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from typing import Any
from urllib.parse import parse_qsl

from tests.gateways.body import as_it_is_or_base64, is_text
from tests.gateways.gateway import REQUEST_ID, Event
from tests.gateways.request import Headers, Request, listed
from tests.gateways.response import (
    Response,
    body_bytes,
    fields,
    sent,
    single_values,
    status_code,
    value_lists,
)

RESULT_KEYS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}


def payload(
    request: Request,
    headers: Headers,
    *,
    path: str,
    whole_path: str,
    stage: str,
    context: dict[str, str],
) -> Event:
    """Make an event. Query parameters are decoded; what there is none of is null."""
    body, is_base64 = as_it_is_or_base64(request, text=is_text(request))
    parameters = parse_qsl(request.query, keep_blank_values=True)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": listed(headers),
        "queryStringParameters": dict(parameters) or None,
        "multiValueQueryStringParameters": listed(parameters) or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            **context,
            "domainPrefix": context["domainName"].partition(".")[0],
            "httpMethod": request.method,
            "identity": {"sourceIp": request.client, "userAgent": request.header("user-agent")},
            "path": whole_path,
            "protocol": "HTTP/1.1",
            "requestId": REQUEST_ID,
            "resourcePath": "/{proxy+}",
            "stage": stage,
        },
        "body": body or None,
        "isBase64Encoded": is_base64,
    }


def payload_response(result: Any, default_type: str) -> Response:
    """Read a result."""
    known = fields(result, RESULT_KEYS, needed={"statusCode"})
    return response_of(known, body_bytes(known), [], default_type)


def response_of(
    head: dict[str, Any],
    body: bytes,
    more: list[tuple[str, str]],
    default_type: str,
) -> Response:
    """Make a response of status and headers, and of a body.

    A header in both objects is merged; a value in both of them is one.
    """
    headers = value_lists(head.get("multiValueHeaders", {}))
    headers += [pair for pair in single_values(head.get("headers", {})) if pair not in headers]
    headers += more
    if "content-type" not in dict(headers):
        headers.append(("content-type", default_type))
    return sent(status_code(head.get("statusCode", 200)), headers, body)
