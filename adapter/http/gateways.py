"""AWS's HTTP front doors: how each tells a request, and how it wants the response.

Mangum's handler classes write the results, but for payload format 2.0, which is most of what
functions answer. Where they are wrong, ours say what and why. Requests are read anew: Mangum
decodes paths that are decoded, joins what came as a list, builds the server from what the client
sent, and raises on events that are merely odd.
"""

from base64 import b64encode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Protocol
from urllib.parse import urlencode

from mangum.handlers import ALB, APIGateway, LambdaAtEdge
from mangum.types import LambdaConfig

from adapter.http import request as read
from adapter.http.detect import Source
from adapter.http.request import Refused, Request
from adapter.http.response import Response

KB = 1024
MB = 1024 * KB
# What the Runtime API takes: 6 MB and 100 bytes. A load balancer takes less:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
LAMBDA_BYTES = 6 * MB + 100
ALB_BYTES = 1 * MB
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
EDGE_BYTES, VIEWER_BYTES = 1 * MB, 40 * KB

_TEXT = LambdaConfig(api_gateway_base_path="/", text_mime_types=[""], exclude_headers=[])
_BINARY = LambdaConfig(api_gateway_base_path="/", text_mime_types=[], exclude_headers=[])


class Gateway(Protocol):
    """One event of a front door."""

    @property
    def most_bytes(self) -> int:
        """How long a result may be, as JSON."""
        ...

    @property
    def is_head(self) -> bool:
        """Whether the request is for the head of a response, as far as the event can be read."""
        ...

    def request(self, base_path: str) -> Request:
        """Read the request. Raises `Refused` where the event holds none."""
        ...

    def result(self, response: Response, *, is_text: bool) -> dict[str, Any]:
        """Write a response whose headers are Latin-1; `is_text` says that its body may be text."""
        ...


def gateway_of(source: Source, event: dict[str, Any]) -> Gateway:
    """Return what reads an event and writes its result."""
    gateway: Gateway = _GATEWAYS[source](event, None, _TEXT)
    return gateway


class _Written:
    """What Mangum's classes need so that they write a result for any event."""

    most_bytes = LAMBDA_BYTES
    event: dict[str, Any]

    # Mangum reads the whole request again for every response, and fails where it is odd.
    @property
    def scope(self) -> dict[str, Any]:
        return {"aws.event": self.event}

    several = False  # whether a header may have several values
    method_at: ClassVar[tuple[str | int, ...]] = ("httpMethod",)

    @property
    def is_head(self) -> bool:
        return bool(read.at(self.event, *self.method_at) == "HEAD")

    def result(self, response: Response, *, is_text: bool) -> dict[str, Any]:
        # Mangum knows a fixed list of text types; we decide by rule and tell it all or none.
        self.config = _TEXT if is_text else _BINARY
        # Mangum reads headers as UTF-8; applications write them as Latin-1, as HTTP has it.
        headers = [(name, _utf8(value)) for name, value in response["headers"]]
        if not self.several:
            headers = _joined(headers)
        written: dict[str, Any] = self({**response, "headers": headers})  # type: ignore[operator]  # Mangum's
        return written


def _joined(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Join repeated headers, all but cookies, which cannot be: RFC 9110, section 5.3.

    Mangum writes them in different cases for a load balancer, where one of them is enough to most.
    """
    if len({name for name, _ in headers}) == len(headers):
        return headers
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    cookies = values.pop(b"set-cookie", [])
    pairs = [(name, b", ".join(found)) for name, found in values.items()]
    return pairs + [(b"set-cookie", cookie) for cookie in cookies]


def _body(body: bytes, *, is_text: bool) -> tuple[str, bool]:
    """Write a body, and say whether it is in base64."""
    if is_text or not body:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return b64encode(body).decode(), True


def _utf8(value: bytes) -> bytes:
    return value if value.isascii() else value.decode("latin-1").encode()


class HttpApi:
    """An API Gateway HTTP API with payload format 2.0, which delivers paths decoded.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """

    most_bytes = LAMBDA_BYTES
    read_path = staticmethod(read.decoded_path)

    def __init__(self, event: dict[str, Any], *_: Any) -> None:
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

    # Written here, because it is what most functions answer with: Mangum takes twice the time. It
    # also names a content type where the application has named none.
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


class RestApi(_Written, APIGateway):
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
            query=_encoded_query(_parameters(event)),
            headers=read.encoded(_headers(event)),
            body=read.body(event.get("body"), is_base64=event.get("isBase64Encoded")),
            source_ip=read.text(identity.get("sourceIp"), "sourceIp"),
            domain=read.text(context.get("domainName"), "domainName"),
        )


class HttpApi1(RestApi):
    """An API Gateway HTTP API with payload format 1.0: a REST API's event, the path decoded."""

    read_path = staticmethod(read.decoded_path)


class LoadBalancer(_Written, ALB):
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
        headers = read.encoded(_headers(event))
        return Request(
            method=read.method(event.get("httpMethod")),
            path=path,
            raw_path=raw_path,
            query=_raw_query(_parameters(event)),
            headers=headers,
            body=read.body(event.get("body"), is_base64=event.get("isBase64Encoded")),
            source_ip=read.last_forwarded(headers),
        )

    def result(self, response: Response, *, is_text: bool) -> dict[str, Any]:
        status = response["status"]
        # Mangum leaves out the description, without which a load balancer answers 502.
        return {
            **super().result(response, is_text=is_text),
            "statusDescription": f"{status} {_phrase(status)}",
        }


class Lattice2(LoadBalancer):
    """VPC Lattice, event structure version 2; Mangum does not know it.

    https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
    """

    most_bytes = LAMBDA_BYTES

    method_at = ("method",)
    path_key, query_key, base64_key = "path", "queryStringParameters", "isBase64Encoded"

    def request(self, base_path: str) -> Request:  # noqa: ARG002 - the path is whole already
        event = self.event
        # Lattice passes the query on as it was sent, in version 1 behind the path as well.
        target, mark, query = read.text(event.get(self.path_key), "path").partition("?")
        path, raw_path = read.encoded_path(target)
        headers = read.encoded(read.several_headers(event.get("headers")))
        return Request(
            method=read.method(event.get("method")),
            path=path,
            raw_path=raw_path,
            query=read.raw_query(query) if mark else _raw_query(event.get(self.query_key)),
            headers=headers,
            body=read.body(event.get("body"), is_base64=event.get(self.base64_key)),
            source_ip=read.last_forwarded(headers),
        )


class Lattice1(Lattice2):
    """VPC Lattice, event structure version 1."""

    path_key, query_key, base64_key = "raw_path", "query_string_parameters", "is_base64_encoded"


class Edge(_Written, LambdaAtEdge):
    """Lambda@Edge: a CloudFront distribution's viewer or origin request.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-generating-http-responses.html
    """

    several = True
    method_at = ("Records", 0, "cf", "request", "method")
    # CloudFront answers 502 to a result that holds one of these.
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-restrictions.html
    _REFUSED: ClassVar = frozenset(
        {
            "accept-encoding",
            "content-length",
            "expect",
            "host",
            "if-modified-since",
            "if-none-match",
            "if-range",
            "if-unmodified-since",
            "via",
            "x-cache",
            "x-forwarded-proto",
            "x-real-ip",
        },
    )
    _REFUSED_BEGINNINGS: ClassVar = ("proxy-", "x-accel-", "x-amz-cf-", "x-amzn-", "x-edge-")

    @property
    def most_bytes(self) -> int:  # type: ignore[override]  # it depends on the event
        config = self.event["Records"][0]["cf"]
        config = config.get("config") if isinstance(config, Mapping) else None
        kind = config.get("eventType") if isinstance(config, Mapping) else None
        return VIEWER_BYTES if kind == "viewer-request" else EDGE_BYTES

    def request(self, base_path: str) -> Request:  # noqa: ARG002 - the path is whole already
        found = read.mapping(self.event["Records"][0]["cf"], "cf")
        request = read.mapping(found.get("request"), "request")
        content = read.mapping(request.get("body"), "body")
        if content.get("inputTruncated"):
            raise Refused("CloudFront has cut the body of the request", 413)
        path, raw_path = read.encoded_path(request.get("uri"))
        return Request(
            method=read.method(request.get("method")),
            path=path,
            raw_path=raw_path,
            query=read.raw_query(request.get("querystring")),
            headers=read.encoded(_edge_headers(request)),
            body=read.body(content.get("data"), is_base64=content.get("encoding") == "base64"),
            source_ip=read.text(request.get("clientIp"), "clientIp"),
            forwarded_proto=b"cloudfront-forwarded-proto",
        )

    def result(self, response: Response, *, is_text: bool) -> dict[str, Any]:
        written = super().result(response, is_text=is_text)
        # Mangum keeps the last of several values, and says base64 in an API Gateway's words.
        headers: dict[str, list[dict[str, str]]] = {}
        for name, value in response["headers"]:
            key = name.decode()
            if key not in self._REFUSED and not key.startswith(self._REFUSED_BEGINNINGS):
                found = {"key": key, "value": value.decode("latin-1")}
                headers.setdefault(key, []).append(found)
        result: dict[str, Any] = {
            "status": str(response["status"]),
            "statusDescription": _phrase(response["status"]),
            "headers": headers,
        }
        if written["body"]:  # an empty one is refused with some statuses
            result["body"] = written["body"]
            result["bodyEncoding"] = "base64" if written["isBase64Encoded"] else "text"
        return result


_GATEWAYS: dict[Source, Any] = {
    Source.URL: FunctionUrl,
    Source.REST: RestApi,
    Source.HTTP_API: HttpApi,
    Source.HTTP_API_1_0: HttpApi1,
    Source.ALB: LoadBalancer,
    Source.LATTICE_1: Lattice1,
    Source.LATTICE_2: Lattice2,
    Source.EDGE: Edge,
}


def _below_stage(path: Any, context: Mapping[str, Any], base_path: str) -> Any:
    """Return a REST API's path, with its stage where the base path begins with the stage.

    The stage is part of the URL but not of the event's path.
    """
    whole = context.get("path")
    if base_path == "/" or not isinstance(path, str) or not isinstance(whole, str):
        return path
    stage = whole.removesuffix(path)
    return whole if stage and f"{base_path}/".startswith(f"{stage}/") else path


def _headers(event: dict[str, Any]) -> list[tuple[str, str]]:
    """Read headers that are there with one value, with several, or, in most events, both."""
    several = read.several_headers(event.get("multiValueHeaders"))
    if not several:
        return read.single_headers(event.get("headers"))
    known = {name.lower() for name, _ in several}
    single = read.mapping(event.get("headers"), "headers")
    rest = {name: value for name, value in single.items() if name.lower() not in known}
    return [*several, *read.single_headers(rest)]


def _edge_headers(request: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for name, values in read.mapping(request.get("headers"), "headers").items():
        if not isinstance(values, list):
            raise Refused(f"{name!r:.100} must be a list, found {read.short(values)}")
        found = [read.mapping(value, name).get("value") for value in values]
        pairs += [(name, read.text(value, name)) for value in found]
    return pairs


def _parameters(event: dict[str, Any]) -> Any:
    several = event.get("multiValueQueryStringParameters")
    return several or event.get("queryStringParameters")


def _pairs(parameters: Any) -> list[tuple[str, str]]:
    found = read.mapping(parameters, "query parameters")
    return [(name, value) for name, values in found.items() for value in read.strings(values, name)]


def _encoded_query(parameters: Any) -> bytes:
    """Encode parameters that the gateway has decoded."""
    try:
        return urlencode(_pairs(parameters)).encode()
    except UnicodeEncodeError as error:
        raise Refused("a query parameter is not text") from error


def _raw_query(parameters: Any) -> bytes:
    """Join parameters that the gateway passes on as they were sent."""
    return read.raw_query("&".join(f"{name}={value}" for name, value in _pairs(parameters)))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
