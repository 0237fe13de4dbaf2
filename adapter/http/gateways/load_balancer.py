"""Application Load Balancers."""

from typing import Any

from mangum.handlers import ALB

from adapter.http import request as read
from adapter.http.gateways import fields
from adapter.http.gateways.written_by_mangum import Written, phrase
from adapter.http.request import Request
from adapter.http.response import MB, Response

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
ALB_BYTES = 1 * MB


class LoadBalancer(Written, ALB):
    """An Application Load Balancer, with or without multi-value headers.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
    """

    most_bytes = ALB_BYTES

    @property
    def several(self) -> bool:  # type: ignore[override]  # it depends on the event
        return "multiValueHeaders" in self.event

    def request(self, base_path: str) -> Request:  # noqa: ARG002 - the path is whole already
        event = self.event
        path, raw_path = read.encoded_path(event.get("path"))
        headers = read.encoded(fields.headers(event))
        return Request(
            method=read.method(event.get("httpMethod")),
            path=path,
            raw_path=raw_path,
            query=fields.raw_query(fields.parameters(event)),
            headers=headers,
            body=read.body(event.get("body"), is_base64=event.get("isBase64Encoded")),
            source_ip=read.last_forwarded(headers),
        )

    def result(self, response: Response, *, is_text: bool) -> dict[str, Any]:
        status = response["status"]
        # Mangum leaves out the description, without which a load balancer answers 502.
        return {
            **super().result(response, is_text=is_text),
            "statusDescription": f"{status} {phrase(status)}",
        }
