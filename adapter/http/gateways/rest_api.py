"""API Gateway's payload format 1.0: REST APIs, and HTTP APIs that were made to use it."""

from collections.abc import Mapping
from typing import Any

from mangum.handlers import APIGateway

from adapter.http import request as read
from adapter.http.gateways import fields
from adapter.http.gateways.written_by_mangum import Written
from adapter.http.request import Request


class RestApi(Written, APIGateway):
    """An API Gateway REST API, which delivers paths as they were sent and queries decoded.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """

    several = True
    read_path = staticmethod(read.encoded_path)

    def request(self, base_path: str) -> Request:
        event = self.event
        context = read.mapping(event["requestContext"], "requestContext")
        identity = read.mapping(context.get("identity"), "identity")
        path, raw_path = self.read_path(_below_stage(event.get("path"), context, base_path))
        return Request(
            method=read.method(event.get("httpMethod")),
            path=path,
            raw_path=raw_path,
            query=fields.encoded_query(fields.parameters(event)),
            headers=read.encoded(fields.headers(event)),
            body=read.body(event.get("body"), is_base64=event.get("isBase64Encoded")),
            source_ip=read.text(identity.get("sourceIp"), "sourceIp"),
            domain=read.text(context.get("domainName"), "domainName"),
        )


class HttpApi1(RestApi):
    """An API Gateway HTTP API with payload format 1.0: a REST API's event, the path decoded."""

    read_path = staticmethod(read.decoded_path)


def _below_stage(path: Any, context: Mapping[str, Any], base_path: str) -> Any:
    """Return a REST API's path, with its stage where the base path begins with the stage.

    The stage is part of the URL but not of the event's path.
    """
    whole = context.get("path")
    if base_path == "/" or not isinstance(path, str) or not isinstance(whole, str):
        return path
    stage = whole.removesuffix(path)
    return whole if stage and f"{base_path}/".startswith(f"{stage}/") else path
