"""What an example of a Ray Serve guide is here: a module, and what it is asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Heard:
    """A response; a body of JSON is decoded, any other is text. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes) -> "Heard":
        """Read a response by its content type."""
        is_json = headers.get("content-type", "").startswith("application/json")
        return cls(status, headers, json.loads(body) if is_json else body.decode())


@dataclass(frozen=True)
class Asked:
    """A request such as "GET /users/3?full=yes", and what is to come of it."""

    request: str
    answer: Any
    body: Any = None
    status: int = 200
    sent: Mapping[str, str] = field(default_factory=dict)  # headers
    headers: tuple[str, ...] = ()  # some that the response must have

    @property
    def method(self) -> str:
        """The method."""
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path with its query, below the application's prefix."""
        return self.request.partition(" ")[2]

    @property
    def content(self) -> bytes | None:
        """The body as JSON, None without one."""
        return None if self.body is None else json.dumps(self.body).encode()

    @property
    def sent_headers(self) -> dict[str, str]:
        """The headers of the request."""
        content_type = {} if self.body is None else {"content-type": "application/json"}
        return {**content_type, **self.sent}

    def check(self, heard: Heard) -> None:
        """Fail unless the response is the one that is expected."""
        if callable(self.answer):
            assert self.answer(heard.body), heard
        else:
            assert heard.body == self.answer, heard
        assert heard.status == self.status, heard
        assert set(self.headers) <= heard.headers.keys(), heard


@dataclass(frozen=True)
class Called:
    """A call of the ingress, as a handle or anybody's invoke makes it."""

    method: str
    args: tuple[Any, ...]
    answer: Any


@dataclass(frozen=True)
class Said:
    """Messages of a WebSocket client at a path, and the answer to each."""

    path: str
    messages: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Sample:
    """A program, saved as a module of its own; `target` names in it what is served.

    Run as a script it serves itself, at `route_prefix`. `is_default` says that it relies on the
    name of its application, "default". `deployments` are what it is made of, in the older form
    where each is an application.
    """

    source: str
    asked: tuple[Asked, ...] = ()
    called: tuple[Called, ...] = ()
    said: tuple[Said, ...] = ()
    target: str = "app"
    route_prefix: str = "/"
    is_default: bool = False
