"""An Application Load Balancer, with or without multi-value headers.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

import json
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.gateways.body import as_it_is_or_base64, is_text
from tests.gateways.forwarded import forwarded
from tests.gateways.gateway import ACCOUNT, Event
from tests.gateways.request import Request, listed, lower
from tests.gateways.response import (
    BadGateway,
    Response,
    body_bytes,
    fields,
    sent,
    single_values,
    status_code,
    value_lists,
)

MOST_BYTES = 1024 * 1024  # of the result's JSON
TARGET_GROUP = f"arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:targetgroup/web/6d0ecf831eec9f09"
NEEDED = {"statusCode", "statusDescription", "isBase64Encoded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alb:
    """`multi_value` is the target group's `lambda.multi_value_headers.enabled`."""

    multi_value: bool

    domain: ClassVar[None] = None
    root_path: ClassVar[str] = ""

    @property
    def name(self) -> str:
        """See `Gateway`."""
        return "ALB multi-value" if self.multi_value else "ALB single-value"

    @staticmethod
    def scheme(request: Request) -> str:
        """See `Gateway`."""
        return request.scheme

    def event(self, request: Request) -> Event:
        """Make the event; path and query are as sent.

        Without multi-value headers the last value of each name counts.
        """
        text = is_text(request) and request.header("content-encoding") is None
        body, is_base64 = as_it_is_or_base64(request, text=text)
        headers = lower(forwarded(request, request.scheme))
        pieces = [piece.partition("=") for piece in request.query.split("&") if piece]
        parameters = [(name, value) for name, _, value in pieces]
        if self.multi_value:
            values: Event = {
                "multiValueHeaders": listed(headers),
                "multiValueQueryStringParameters": listed(parameters),
            }
        else:
            values = {"headers": dict(headers), "queryStringParameters": dict(parameters)}
        return {
            "requestContext": {"elb": {"targetGroupArn": TARGET_GROUP}},
            "httpMethod": request.method,
            "path": request.path,
            **values,
            "body": body,
            "isBase64Encoded": is_base64,
        }

    def response(self, result: Any) -> Response:
        """See `Gateway`."""
        key = "multiValueHeaders" if self.multi_value else "headers"
        known = fields(result, NEEDED | {key, "body"}, needed=NEEDED | {key})
        if len(json.dumps(result, ensure_ascii=False).encode()) > MOST_BYTES:
            raise BadGateway("the result is above 1 MB")
        status = status_code(known["statusCode"])
        if not re.fullmatch(rf"{status} \S.*", str(known["statusDescription"])):
            raise BadGateway(f"statusDescription={known['statusDescription']!r:.100}")
        headers = value_lists(known[key]) if self.multi_value else single_values(known[key])
        return sent(status, headers, body_bytes(known))
