"""A function's own URL.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from tests.gateways import payload_2_0
from tests.gateways.gateway import Event, always_https
from tests.gateways.request import Request
from tests.gateways.response import BadGateway, Response
from tests.gateways.stream import Interrupted, prelude


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionUrl:
    """`streams` is InvokeMode RESPONSE_STREAM."""

    streams: bool = False

    domain: ClassVar[str] = "id0123.lambda-url.eu-west-1.on.aws"
    root_path: ClassVar[str] = ""
    scheme = staticmethod(always_https)

    @property
    def name(self) -> str:
        """See `Gateway`."""
        return "function URL streamed" if self.streams else "function URL"

    def event(self, request: Request) -> Event:
        """Make the event; the path is as sent, and cookies are in two places."""
        context = {"accountId": "anonymous", "apiId": "id0123", "domainName": self.domain}
        headers = payload_2_0.delivered_headers(request)
        stage = "$default"
        return payload_2_0.payload(
            request, _one_cookie_header(headers), path=request.path, stage=stage, context=context
        )

    def response(self, result: Any) -> Response:
        """See `Gateway`. Raises `Interrupted` where a stream was."""
        if not self.streams:
            return payload_2_0.payload_response(result, "application/json")
        head, body = prelude(result)
        if unknown := head.keys() - {"statusCode", "headers", "cookies"}:
            raise BadGateway(f"a function URL's prelude has no {sorted(unknown)}")
        if result.failed:
            raise Interrupted
        return payload_2_0.response_of(head, body, "application/octet-stream")


def _one_cookie_header(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    found = [value for name, value in headers if name == "cookie"]
    rest = tuple(header for header in headers if header[0] != "cookie")
    return (*rest, ("cookie", "; ".join(found))) if found else rest
