"""An HTTP API of API Gateway, in either payload format.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tests.gateways import payload_1_0, payload_2_0
from tests.gateways.gateway import ACCOUNT, Event, always_https
from tests.gateways.request import Request, without
from tests.gateways.response import Response

CUSTOM_DOMAIN = "api.example.com"
OWN_DOMAIN = "id0123.execute-api.eu-west-1.amazonaws.com"
TEXT_TYPE = "text/plain;charset=UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApi:
    """Payload format 2.0, or with `version` the older one.

    On its own domain a stage that is not `$default` is a part of every path.
    """

    version: str = "2.0"
    domain: str = CUSTOM_DOMAIN
    stage: str = "$default"

    scheme = staticmethod(always_https)

    @property
    def name(self) -> str:
        """See `Gateway`."""
        stage = "" if self.stage == "$default" else f" stage {self.stage}"
        return f"HTTP API {self.version}{stage}"

    @property
    def root_path(self) -> str:
        """See `Gateway`."""
        return "" if self.stage == "$default" else f"/{self.stage}"

    def event(self, request: Request) -> Event:
        """Make the event; the path is decoded, and cut where it then has a question mark."""
        path = self.root_path + unquote(request.path).partition("?")[0]
        context = {"accountId": ACCOUNT, "apiId": "id0123", "domainName": self.domain}
        headers = payload_2_0.delivered_headers(request)
        if self.version == "1.0":
            event = payload_1_0.payload(
                request, headers, path=path, whole_path=path, stage=self.stage, context=context
            )
            return {"version": "1.0", **event}
        kept = without(headers, {"cookie"})
        return payload_2_0.payload(request, kept, path=path, stage=self.stage, context=context)

    def response(self, result: Any) -> Response:
        """See `Gateway`."""
        if self.version == "1.0":
            return payload_1_0.payload_response(result, TEXT_TYPE)
        return payload_2_0.payload_response(result, TEXT_TYPE)
