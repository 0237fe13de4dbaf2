"""VPC Lattice."""

from adapter.http import request as read
from adapter.http.gateways import fields
from adapter.http.gateways.load_balancer import LoadBalancer
from adapter.http.request import Request
from adapter.http.response import LAMBDA_BYTES


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
            query=read.raw_query(query) if mark else fields.raw_query(event.get(self.query_key)),
            headers=headers,
            body=read.body(event.get("body"), is_base64=event.get(self.base64_key)),
            source_ip=read.last_forwarded(headers),
        )


class Lattice1(Lattice2):
    """VPC Lattice, event structure version 1."""

    path_key, query_key, base64_key = "raw_path", "query_string_parameters", "is_base64_encoded"
