"""API Gateway's payload format 2.0: HTTP APIs and function URLs.

The result is written here, because it is what most functions answer with: Mangum takes twice the
time. It also names a content type where the application has named none.
"""

from base64 import b64encode
from typing import Any

from adapter.http import request as read
from adapter.http.request import Request
from adapter.http.response import LAMBDA_BYTES, Response


class HttpApi:
    """An API Gateway HTTP API with payload format 2.0, which delivers paths decoded.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """

    most_bytes = LAMBDA_BYTES
    read_path = staticmethod(read.decoded_path)

    def __init__(self, event: dict[str, Any]) -> None:
        self.event = event

    @property
    def is_head(self) -> bool:
        return bool(read.at(self.event, "requestContext", "http", "method") == "HEAD")

    def request(self, base_path: str) -> Request:  # noqa: ARG002 - the path is whole already
        event = self.event
        context = read.mapping(event["requestContext"], "requestContext")
        http = read.mapping(context["http"], "http")
        # Not http.path, which loses a slash at the end.
        path, raw_path = self.read_path(event.get("rawPath") or http.get("path"))
        headers = read.single_headers(event.get("headers"))
        if event.get("cookies"):
            cookie = "; ".join(read.strings(event["cookies"], "cookies"))
            headers = [pair for pair in headers if pair[0].lower() != "cookie"]
            headers.append(("cookie", cookie))
        return Request(
            method=read.method(http.get("method")),
            path=path,
            raw_path=raw_path,
            query=read.raw_query(event.get("rawQueryString")),
            headers=read.encoded(headers),
            body=read.body(event.get("body"), is_base64=event.get("isBase64Encoded")),
            source_ip=read.text(http.get("sourceIp"), "sourceIp"),
            domain=read.text(context.get("domainName"), "domainName"),
        )

    def result(self, response: Response, *, is_text: bool) -> dict[str, Any]:
        headers: dict[str, str] = {}
        cookies = []
        for name, value in response["headers"]:
            key, text = name.decode(), value.decode("latin-1")
            if key == "set-cookie":
                cookies.append(text)
            else:
                headers[key] = f"{headers[key]}, {text}" if key in headers else text
        body, is_base64 = _body(response["body"], is_text=is_text)
        written = {"statusCode": response["status"], "body": body, "headers": headers}
        if cookies:
            written["cookies"] = cookies
        written["isBase64Encoded"] = is_base64
        return written


class FunctionUrl(HttpApi):
    """A function's own URL: payload format 2.0, the path as it was sent.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
    """

    read_path = staticmethod(read.encoded_path)


def _body(body: bytes, *, is_text: bool) -> tuple[str, bool]:
    """Write a body, and say whether it is in base64."""
    if is_text or not body:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return b64encode(body).decode(), True
