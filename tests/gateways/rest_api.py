"""A REST API of API Gateway, with Lambda proxy integration and binaryMediaTypes `*/*`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from tests.gateways import payload_1_0
from tests.gateways.forwarded import OWN, forwarded
from tests.gateways.gateway import ACCOUNT, Event, always_https
from tests.gateways.request import Request, without
from tests.gateways.response import BadGateway, Response, checked
from tests.gateways.stream import KEYS, Interrupted, prelude

# The table of the second page, its columns for Lambda.
DROPPED_REQUEST_HEADERS = frozenset(
    {
        "connection",
        "content-md5",
        "expect",
        "max-forwards",
        "proxy-authenticate",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "www-authenticate",
    },
)
DROPPED_RESPONSE_HEADERS = frozenset(
    {
        "expect",
        "host",
        "proxy-authenticate",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    },
)
REMAPPED_RESPONSE_HEADERS = frozenset(
    {
        "authorization",
        "connection",
        "content-md5",
        "date",
        "max-forwards",
        "server",
        "user-agent",
        "www-authenticate",
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestApi:
    """`streams` is responseTransferMode STREAM. On its own domain it serves from its stage."""

    streams: bool = False
    domain: str = "id0123.execute-api.eu-west-1.amazonaws.com"
    root_path: str = "/prod"

    stage: ClassVar[str] = "prod"
    scheme = staticmethod(always_https)

    @property
    def name(self) -> str:
        """See `Gateway`."""
        stage = f" stage {self.stage}" if self.root_path else ""
        return f"REST API{stage}{' streamed' if self.streams else ''}"

    def event(self, request: Request) -> Event:
        """Make the event; the path is as sent, without the stage, which only the context has.

        Header names are as sent too, and in title case where they are the gateway's.
        """
        kept = without(request.headers, DROPPED_REQUEST_HEADERS)
        headers = forwarded(Request(headers=kept, client=request.client), "https")
        return payload_1_0.payload(
            request,
            tuple((name.title() if name in OWN else name, value) for name, value in headers),
            path=request.path,
            whole_path=self.root_path + request.path,
            stage=self.stage,
            context={"accountId": ACCOUNT, "apiId": "id0123", "domainName": self.domain},
        )

    def response(self, result: Any) -> Response:
        """See `Gateway`. Raises `Interrupted` where a stream was."""
        if not self.streams:
            return _remapped(payload_1_0.payload_response(result, "application/json"))
        head, body = prelude(result)
        if unknown := head.keys() - KEYS:
            raise BadGateway(f"a prelude has no {sorted(unknown)}")
        if result.failed:
            raise Interrupted
        cookies = [checked("set-cookie", cookie) for cookie in head.get("cookies", [])]
        return _remapped(payload_1_0.response_of(head, body, cookies, "application/json"))


def _remapped(response: Response) -> Response:
    headers = without(response.headers, DROPPED_RESPONSE_HEADERS)
    renamed = tuple(
        (f"x-amzn-remapped-{name}" if name in REMAPPED_RESPONSE_HEADERS else name, value)
        for name, value in headers
    )
    return response._replace(headers=renamed)
