"""Lambda's streaming format of an HTTP response: a JSON prelude, eight NUL bytes, the body.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

from collections.abc import Iterable
from typing import Any, Final

from adapter import json_bytes
from adapter.errors import AdapterError

CONTENT_TYPE: Final = "application/vnd.awslambda.http-integration-response"
MOST_BYTES: Final = 16 * 1024  # within which API Gateway looks for the delimiter
_DELIMITER: Final = bytes(8)

Headers = Iterable[tuple[bytes, bytes]]


class HeadTooLarge(AdapterError):
    """A response's status and headers do not fit into what a streamed response may begin with."""


def prelude(status: int, headers: Headers, *, several: bool) -> bytes:
    """Write what a streamed response begins with, the delimiter included.

    `several` says that the gateway takes several values of a header; a function URL is documented
    without, so there they are joined. Raises `HeadTooLarge` above 16 KB.
    """
    values: dict[str, list[str]] = {}
    for name, value in headers:
        key = name.decode("latin-1").lower()
        values.setdefault(key, []).append(value.decode("latin-1"))
    head: dict[str, Any] = {"statusCode": status, "headers": {}}
    if cookies := values.pop("set-cookie", []):
        head["cookies"] = cookies
    for key, found in values.items():
        if several and len(found) > 1:
            head.setdefault("multiValueHeaders", {})[key] = found
        else:
            head["headers"][key] = ", ".join(found)
    written = json_bytes.dump(head) + _DELIMITER
    if len(written) > MOST_BYTES:
        raise HeadTooLarge(
            f"the response's headers take {len(written)} bytes; a streamed response has room for "
            f"{MOST_BYTES} (16 KB). Send fewer or shorter headers.",
        )
    return written
