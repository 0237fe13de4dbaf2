"""One request through an ASGI application, its response collected.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from enum import Enum, auto
from typing import Any

from adapter.http.lifespan import ASGIApp, Message

logger = logging.getLogger("adapter.http")


class State(Enum):
    """How far the response is: REQUEST nothing, BODY its start, COMPLETE all of it."""

    REQUEST = auto()
    BODY = auto()
    COMPLETE = auto()


Response = dict[str, Any]  # "status", "headers", "body", as Mangum's handler classes take it


class Exchange:
    """Runs one request. An application that fails, or answers nothing, becomes a 500.

    `answer` is called once, with the response, when that is complete; the application may go on.
    """

    def __init__(
        self,
        scope: MutableMapping[str, Any],
        body: bytes,
        answer: Callable[[Response], Awaitable[None]],
    ) -> None:
        self._scope = scope
        self._answer = answer
        self._request: Message | None = {
            "type": "http.request",
            "body": body,
            "more_body": False,
        }
        self._complete = asyncio.Event()
        self._state = State.REQUEST
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []

    async def run(self, app: ASGIApp) -> None:
        """Run the application to its end, background tasks included.

        An error after the response is complete is logged; the response stands.
        """
        try:
            await app(self._scope, self._receive, self._send)
        except Exception:
            logger.exception("the application failed")
        else:
            if self._state is not State.COMPLETE:
                logger.error("the application returned without completing its response")
        if self._state is not State.COMPLETE:
            await self._answer(_server_error())

    def _response(self) -> Response:
        body = b"" if self._scope.get("method") == "HEAD" else b"".join(self._chunks)
        return {"status": self._status, "headers": self._headers, "body": body}

    async def _receive(self) -> Message:
        if self._request is not None:
            message, self._request = self._request, None
            return message
        await self._complete.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if self._state is State.REQUEST and kind == "http.response.start":
            self._status = message["status"]
            self._headers = [(bytes(k), bytes(v)) for k, v in message.get("headers", ())]
            self._state = State.BODY
        elif self._state is State.BODY and kind == "http.response.body":
            self._chunks.append(bytes(message.get("body", b"")))
            if not message.get("more_body", False):
                self._state = State.COMPLETE
                await self._answer(self._response())
                self._complete.set()
        else:
            raise RuntimeError(f"ASGI message {kind!r} is not allowed in state {self._state.name}.")


def _server_error() -> Response:
    return {
        "status": 500,
        "headers": [(b"content-type", b"text/plain; charset=utf-8")],
        "body": b"Internal Server Error",
    }
