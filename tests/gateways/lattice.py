"""VPC Lattice, event structure V1 and V2.

https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
The page says nothing of how the query is encoded. V1 is the event of Envoy's filter for Lambda,
key by key, which passes the query on as it was sent, and behind the path as well:
https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/aws_lambda_filter
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from tests.gateways.body import as_it_is_or_base64, is_text
from tests.gateways.forwarded import forwarded_for
from tests.gateways.gateway import ACCOUNT, Event
from tests.gateways.request import Headers, Request, joined, listed, lower, without
from tests.gateways.response import (
    Response,
    body_bytes,
    fields,
    sent,
    single_values,
    status_code,
)

ARN = f"arn:aws:vpc-lattice:eu-west-1:{ACCOUNT}:"
NEEDED = {"statusCode", "isBase64Encoded", "headers"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """`version` is 1 or 2; with `query_in_path` V1 is as Envoy has it."""

    version: int
    query_in_path: bool = False

    domain: ClassVar[None] = None
    root_path: ClassVar[str] = ""

    @property
    def name(self) -> str:
        """See `Gateway`."""
        return f"VPC Lattice V{self.version}{' of Envoy' if self.query_in_path else ''}"

    @staticmethod
    def scheme(_request: Request) -> None:
        """See `Gateway`."""

    def event(self, request: Request) -> Event:
        """Make the event."""
        headers = without(lower(request.headers), {"x-forwarded-for"})
        headers = (*headers, ("x-forwarded-for", forwarded_for(request)))
        return self._v1(request, headers) if self.version == 1 else self._v2(request, headers)

    def _v1(self, request: Request, headers: Headers) -> Event:
        body, is_base64 = as_it_is_or_base64(request, text=is_text(request))
        query = f"?{request.query}" if request.query and self.query_in_path else ""
        return {
            "raw_path": request.path + query,
            "method": request.method,
            "headers": joined(headers, ", "),
            "query_string_parameters": dict(_parameters(request)),
            "body": body,
            "is_base64_encoded": is_base64,
        }

    def _v2(self, request: Request, headers: Headers) -> Event:
        body, is_base64 = as_it_is_or_base64(request, text=is_text(request))
        return {
            "version": "2.0",
            "path": request.path,
            "method": request.method,
            "headers": listed(headers),
            "queryStringParameters": listed(_parameters(request)),
            "body": body,
            "isBase64Encoded": is_base64,
            "requestContext": {
                "serviceNetworkArn": f"{ARN}servicenetwork/sn-0bf3f2882e9cc805a",
                "serviceArn": f"{ARN}service/svc-0a40eebed65f8d69c",
                "targetGroupArn": f"{ARN}targetgroup/tg-6d0ecf831eec9f09",
                "identity": {
                    "sourceVpcArn": f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc/vpc-0b8276c84697e7339",
                },
                "region": "eu-west-1",
                "timeEpoch": "1690497599177430",
            },
        }

    def response(self, result: Any) -> Response:
        """See `Gateway`. A description of the status is not documented and does no harm."""
        known = fields(result, NEEDED | {"body", "statusDescription"}, needed=NEEDED)
        status = status_code(known["statusCode"])
        return sent(status, single_values(known["headers"]), body_bytes(known))


def _parameters(request: Request) -> list[tuple[str, str]]:
    pieces = [piece.partition("=") for piece in request.query.split("&") if piece]
    return [(name, value) for name, _, value in pieces]
