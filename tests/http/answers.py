"""What a function returned for an HTTP event, in whichever shape its sender wants it."""

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from adapter.function import Function


@dataclass(frozen=True)
class Answer:
    """A response; header names are lower-case and may have several values."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @classmethod
    def of(cls, result: dict[str, Any]) -> "Answer":
        """Read a result; where headers are in two places, both count."""
        headers: dict[str, list[str]] = {}
        for name, values in (result.get("multiValueHeaders") or {}).items():
            headers.setdefault(name.lower(), []).extend(values)
        for name, value in (result.get("headers") or {}).items():
            headers.setdefault(name.lower(), []).append(value)
        if cookies := result.get("cookies"):
            headers["set-cookie"] = cookies
        body = result["body"]
        return cls(
            status=result["statusCode"],
            headers=headers,
            body=b64decode(body) if result["isBase64Encoded"] else body.encode(),
        )


def ask(function: Function, event: dict[str, Any]) -> Answer:
    """Invoke a function with an HTTP event."""
    return Answer.of(function(event))
