"""What Lambda's API answers with: replies, and errors by the names that botocore knows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Send

from adapter.local.asgi import respond


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiReply:
    """A whole response of the API."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, send: Send, request_id: str) -> None:
        """Send it."""
        headers = {
            "content-type": "application/json",
            "content-length": str(len(self.body)),
            **self.headers,
        }
        if self.status == 204:
            del headers["content-length"]
        await respond(send, self.status, encoded(headers, request_id), self.body)


class ApiError(Exception):
    """An error of Lambda's API, by the name that botocore makes an exception class of."""

    def __init__(self, status: int, code: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.reply = ApiReply(
            status=status,
            # Half of the API's error shapes spell it "Message" and half "message".
            body=json.dumps(
                {"Type": "User", "Message": message, "message": message, **more},
            ).encode(),
            headers={"x-amzn-errortype": code},
        )


def encoded(headers: Mapping[str, str], request_id: str) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI wants them, with the request's id among them."""
    named = {"x-amzn-requestid": request_id, **headers}
    return [(name.encode(), value.encode("latin-1")) for name, value in named.items()]


def json_reply(value: Any) -> ApiReply:
    """Make a reply of JSON."""
    return ApiReply(status=200, body=json.dumps(value).encode())
