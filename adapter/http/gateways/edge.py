"""Lambda@Edge."""

from collections.abc import Mapping
from typing import Any, ClassVar

from mangum.handlers import LambdaAtEdge

from adapter.http import request as read
from adapter.http.gateways.written_by_mangum import Written, phrase
from adapter.http.request import Refused, Request
from adapter.http.response import KB, MB, Response

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
EDGE_BYTES, VIEWER_BYTES = 1 * MB, 40 * KB


class Edge(Written, LambdaAtEdge):
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
            headers=read.encoded(_headers(request)),
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
            "statusDescription": phrase(response["status"]),
            "headers": headers,
        }
        if written["body"]:  # an empty one is refused with some statuses
            result["body"] = written["body"]
            result["bodyEncoding"] = "base64" if written["isBase64Encoded"] else "text"
        return result


def _headers(request: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for name, values in read.mapping(request.get("headers"), "headers").items():
        if not isinstance(values, list):
            raise Refused(f"{name!r:.100} must be a list, found {read.short(values)}")
        found = [read.mapping(value, name).get("value") for value in values]
        pairs += [(name, read.text(value, name)) for value in found]
    return pairs
