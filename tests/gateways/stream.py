"""A streamed result: a JSON prelude, eight NUL bytes, the body.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

import json
from dataclasses import dataclass
from typing import Any

from tests.gateways.response import BadGateway

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
KEYS = {"statusCode", "headers", "multiValueHeaders", "cookies"}
DELIMITER = bytes(8)
MOST_BYTES = 16 * 1024  # in which the delimiter has to be


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What a function has streamed; `failed` where error trailers ended it."""

    content_type: str
    data: bytes
    failed: bool = False


def prelude(stream: Any) -> tuple[dict[str, Any], bytes]:
    """Return the prelude and the body. Raises `BadGateway`."""
    if not isinstance(stream, Stream) or stream.content_type != CONTENT_TYPE:
        raise BadGateway(f"not in the streaming format: {stream!r:.200}")
    text, delimiter, body = stream.data.partition(DELIMITER)
    if not delimiter or len(text) + len(delimiter) > MOST_BYTES:
        raise BadGateway(f"no delimiter in the first 16 KB: {stream.data!r:.200}")
    try:
        head = json.loads(text)
    except ValueError as error:
        raise BadGateway(f"no prelude: {text!r:.200}") from error
    return head, body


class Interrupted(Exception):
    """The stream was broken off; the client sees a response that is not complete."""
