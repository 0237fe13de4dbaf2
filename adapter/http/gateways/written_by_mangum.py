"""Results as Mangum's handler classes write them; where those are wrong, the gateways say why."""

from http import HTTPStatus
from typing import Any, ClassVar

from mangum.types import LambdaConfig

from adapter.http import request as read
from adapter.http.response import LAMBDA_BYTES, Response

_TEXT = LambdaConfig(api_gateway_base_path="/", text_mime_types=[""], exclude_headers=[])
_BINARY = LambdaConfig(api_gateway_base_path="/", text_mime_types=[], exclude_headers=[])


class Written:
    """What Mangum's classes need so that they write a result for any event."""

    most_bytes = LAMBDA_BYTES

    def __init__(self, event: dict[str, Any]) -> None:
        self.event = event

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


def _utf8(value: bytes) -> bytes:
    return value if value.isascii() else value.decode("latin-1").encode()


def phrase(status: int) -> str:
    """Name a status, also one that is in no standard."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
