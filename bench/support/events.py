"""The events that are handed out, as API Gateway and function URLs shape them.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import json
from typing import Any

API_HOST = "r3pmxmplak.execute-api.eu-west-1.amazonaws.com"
URL_HOST = "r3pmxmplakaaaabbbbccccdddd.lambda-url.eu-west-1.on.aws"


def http_api(
    path: str,
    query: str = "",
    *,
    method: str = "GET",
    host: str = API_HOST,
    **changes: Any,
) -> bytes:
    """An HTTP API's event, payload format 2.0, with nine headers; `changes` are its other keys."""
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            "accept": "application/json",
            "accept-encoding": "gzip, deflate, br",
            "content-length": "0",
            "host": host,
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
            "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
            "x-forwarded-for": "205.255.255.176",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "queryStringParameters": dict(pair.split("=", 1) for pair in query.split("&") if pair),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": host.partition(".")[0],
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "205.255.255.176",
                "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "10/Mar/2020:05:16:23 +0000",
            "timeEpoch": 1583817383220,
        },
        "isBase64Encoded": False,
        **changes,
    }
    return json.dumps(event, separators=(",", ":")).encode()


def function_url(path: str, query: str = "", **changes: Any) -> bytes:
    """A function URL's event for the same request."""
    return http_api(path, query, host=URL_HOST, **changes)
