"""Functions to invoke: what they serve never fails by itself, so every fault is the adapter's."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel

from adapter import serve
from adapter.function import Function, entry_point, lambda_handler
from adapter.serve import context as serve_context

EMPTY = b"nothing"  # the echo of a request without a body: a response must not be empty
SHOWN = 40  # headers of a request that come back


class Echo:
    """An ASGI application that answers 200 with the body, the path and headers of the request."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []
        self.sockets: list[dict[str, Any]] = []
        self.body = b""  # of the last response

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            self.sockets.append(scope)
            await echo_messages(receive, send)
            return
        assert scope["type"] == "http"
        self.scopes.append(scope)
        self.body = (await receive())["body"] or EMPTY
        shown = [pair for pair in scope["headers"] if _may_be_sent(pair[1])][:SHOWN]
        headers = [(b"x-" + name[:100], value) for name, value in shown]
        headers += [pair for pair in shown if pair[0] in (b"content-type", b"content-encoding")]
        headers += [(b"set-cookie", value) for name, value in shown if name == b"cookie"]
        headers += [(b"x-path", scope["raw_path"][:500]), (b"connection", b"close, x-path")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if b"stream" in scope["query_string"]:
            half = len(self.body) // 2
            await send(_piece(self.body[:half], more=True))
            await send(_piece(self.body[half:], more=False))
        else:
            await send(_piece(self.body, more=False))


async def echo_messages(receive: Any, send: Any) -> None:
    """Send back what a WebSocket client sends."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text") or EMPTY.decode()})


def _may_be_sent(value: bytes) -> bool:
    return len(value) < 200 and not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value)


def _piece(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


class Colour(Enum):
    """A type that is rebuilt from its value."""

    BLUE = "blue"


@dataclass
class Point:
    """A type that is rebuilt from an object."""

    x: float
    y: float


@dataclass
class Tree:
    """A type that is rebuilt from objects in objects."""

    children: list["Tree"]


class Item(BaseModel):
    """A type that Pydantic rebuilds."""

    name: str
    sizes: list[int] = []


class OwnError(Exception):
    """What a method raises by itself."""


class Methods:
    """What can be called; with hints, without, with items, and one that fails."""

    def echo(self, *args: Any, **kwargs: Any) -> list[Any]:
        return [list(args), kwargs]

    async def order(self, item: Item, colour: Colour | None = None, where: Any = None) -> list[Any]:
        return [item, colour, where]

    async def place(self, where: Point, others: list[Point] | None = None) -> list[Any]:
        return [where, others]

    async def grow(self, tree: Tree, by: dict[str, Point] | None = None) -> list[Any]:
        return [tree, by]

    async def items(self, count: int = 2, value: Any = None) -> Any:
        for number in range(count if count in range(5) else 1):
            yield number, value

    async def fail(self, text: str = "") -> None:
        raise OwnError(text)


class Plain(Methods):
    """Serves HTTP through `__call__`."""

    async def __call__(self, *args: Any) -> int:
        return len(args)


@contextlib.contextmanager
def bare(application: Any, **settings: Any) -> Iterator[Function]:
    """Serve an application without a deployment around it."""
    with contextlib.closing(lambda_handler(application, **settings)) as function:
        yield function


@contextlib.contextmanager
def deployed(echo: Echo, **variables: str) -> Iterator[Function]:
    """Serve an application as the ingress of a deployment with methods."""

    @serve.deployment
    @serve.ingress(echo)
    class Ingress(Methods):
        pass

    with _environment(variables), contextlib.closing(entry_point(Ingress)) as function:
        yield function


@contextlib.contextmanager
def plain() -> Iterator[Function]:
    """Serve a deployment without an ingress."""
    with _environment({}), contextlib.closing(entry_point(serve.deployment(Plain))) as function:
        yield function


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before, process = os.environ.copy(), serve_context._process_deployment
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        serve_context._process_deployment = process


def settings() -> st.SearchStrategy[dict[str, Any]]:
    """Settings of `lambda_handler`."""
    return st.fixed_dictionaries(
        {},
        optional={
            "base_path": _BASE_PATHS,
            "trusted_hops": st.integers(0, 3),
            "max_body_bytes": _BODY_BYTES,
            "raise_errors": st.booleans(),
            "text_mime_types": st.lists(st.sampled_from(["image/", "application/octet-stream"])),
            "exclude_headers": st.lists(st.sampled_from(EXCLUDED)),
            "lifespan": st.sampled_from(["auto", "off"]),
        },
    )


def variables() -> st.SearchStrategy[dict[str, str]]:
    """Settings of a deployment, as environment variables."""
    return st.fixed_dictionaries(
        {},
        optional={
            "ADAPTER_ROUTE_PREFIX": _BASE_PATHS,
            "ADAPTER_TRUSTED_HOPS": st.integers(0, 3).map(str),
            "ADAPTER_MAX_BODY_BYTES": _BODY_BYTES.map(str),
            "ADAPTER_RAISE_ERRORS": st.sampled_from(["", "1"]),
            "ADAPTER_STREAMS": st.sampled_from(["", "url", "rest", "url,rest,http-api"]),
            "ADAPTER_REQUEST_TIMEOUT_S": st.just("600"),
        },
    )


EXCLUDED = ["Content-Type", "x-host", "set-cookie", "X-Accept"]
_BASE_PATHS = st.sampled_from(["/", "/api", "/items", "/prod", "/beta", "/a/b", "/é"])
_BODY_BYTES = st.sampled_from([1, 5, 6, 1000, 6_000_000])
