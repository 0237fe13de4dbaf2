"""One WebSocket through an ASGI application: a coroutine that lives from event to event.

https://asgi.readthedocs.io/en/latest/specs/www.html#websocket
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import MutableMapping
from enum import Enum, auto
from typing import Any, cast

from adapter.errors import AdapterError, MessageNotSent
from adapter.http.lifespan import ASGIApp, Message
from adapter.serve import context as serve_context
from adapter.serve import in_flight
from adapter.sockets.connections import Connections, Gone
from adapter.sockets.event import Address

logger = logging.getLogger("adapter.sockets")

MAX_MESSAGE = 128 * 1024  # bytes that API Gateway carries
NEVER_ACCEPTED = 403
_FAILED = 500
_GOING_AWAY = 1001
_ABNORMAL = 1006  # the connection was lost: RFC 6455, section 7.1.5
# A client that has been accepted is reached a moment later: until then messages to it are refused
# as if it were gone.
_OPENING_S = 3.0
_OPENING_PAUSE_S = 0.05
# A message may pass from task to task within the application before one of them sends.
_TURNS = 20


class State(Enum):
    """Where a WebSocket stands.

    CONNECTING: the application has not answered the client. REJOINING: another environment has
    accepted the client, and the application is run here as far as its first wait for a message.
    OPEN: messages go both ways. CLOSED: the application, or the client, has ended it.
    """

    CONNECTING = auto()
    REJOINING = auto()
    OPEN = auto()
    CLOSED = auto()


class Session:
    """A WebSocket of this environment, from `start` until the application has ended.

    Where it has `joined` late, the connection was opened in another environment: the application
    is told of it anew, and what it says before it waits for a message is dropped, because it was
    said there.
    """

    def __init__(
        self,
        scope: MutableMapping[str, Any],
        address: Address,
        connections: Connections,
        *,
        joined: bool,
    ) -> None:
        self.state = State.REJOINING if joined else State.CONNECTING
        self.subprotocol = ""
        self.error: Exception | None = None
        self.began = time.time()
        self._scope = scope
        self._address = address
        self._connections = connections
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._disconnected: Message | None = None  # what the application is told from then on
        self._lost = False  # the client has gone by itself
        self._has_accepted = False
        self._established = asyncio.Event()  # the client can be reached
        self._opening_until = 0.0
        self._sending = asyncio.Lock()
        self._waits = 0  # for a message, or for the connection to be established
        self._calls = 0  # of the management API
        self._changed = asyncio.Event()
        # What is a task of the session is not a task of the invocation that it began in.
        self._context = contextvars.Context()
        self._invocation = serve_context.LatestInvocation()
        self._handle_calls = in_flight.Calls()
        self._task: asyncio.Task[None] | None = None

    def start(self, app: ASGIApp) -> None:
        """Run the application until it waits for something."""
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run(app), context=self._context)
        self._task.add_done_callback(lambda _: self._changed.set())

    def enter(self, invocation: serve_context.InvocationContext) -> None:
        """Say which invocation the session goes on in, for handle calls and metrics."""
        self._invocation.invocation = invocation
        stands_for_it = cast("serve_context.InvocationContext", self._invocation)
        self._context.run(serve_context.invocation.set, stands_for_it)
        if (deployment := serve_context.current()) is not None:
            self._context.run(serve_context.enter, deployment, whole_process=False)

    def establish(self, *, just_now: bool = False) -> None:
        """Say that the client can be reached; `just_now`, that it may take a moment yet."""
        if just_now:
            self._opening_until = time.monotonic() + _OPENING_S
        self._established.set()

    def feed(self, message: Message) -> None:
        """Give the application a message."""
        self._to_app.put_nowait(message)

    def disconnect(self, code: int, reason: str = "") -> None:
        """Tell the application that the client has gone."""
        if self.state is not State.CLOSED:
            self._lost = True
            self._become_closed(code, reason)
        self._established.set()

    async def answered(self) -> int:
        """Wait until the application answers the client; returns the status for the client."""
        while self.state is State.CONNECTING and not self.ended:
            await self._change()
        if self.state is State.OPEN:
            return 200
        return NEVER_ACCEPTED if self.error is None else _FAILED

    async def settled(self) -> None:
        """Wait until the application has nothing to do before the next event, or has ended."""
        while True:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if self.ended:
                self._raise_fatal()
                return
            if self._waits and not self._calls and self._to_app.empty():
                await self._handle_calls.accepted()
                return
            await self._change()

    async def over(self) -> None:
        """Wait until the application has ended."""
        while not self.ended:
            await self._change()
        self._raise_fatal()

    @property
    def ended(self) -> bool:
        """Whether the application has ended."""
        return self._task is not None and self._task.done()

    async def cancel(self, *, cut: bool = True) -> None:
        """End the application, wherever it is, and, to `cut`, the connection, too."""
        if not cut:
            self.disconnect(_GOING_AWAY)
        self._established.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _raise_fatal(self) -> None:
        """Raise what is about the environment and not about one connection: MemoryError."""
        if self._task is not None and not self._task.cancelled():
            self._task.result()

    def _become_closed(self, code: int, reason: str = "") -> None:
        self.state = State.CLOSED
        message = {"type": "websocket.disconnect", "code": code, "reason": reason}
        self._disconnected = message
        self.feed(message)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _run(self, app: ASGIApp) -> None:
        try:
            async with in_flight.cancelled_together(self._handle_calls):
                await app(self._scope, self._receive, self._send)
        except MemoryError:
            raise
        except asyncio.CancelledError:
            await self._end()
            raise
        except Exception as error:  # noqa: BLE001 - whatever the application raises
            self._failed(error)
        await self._end()

    def _failed(self, error: Exception) -> None:
        """Keep and log an error; that the client has gone is none, as Starlette tells it or we."""
        gone = isinstance(error, ConnectionError) or type(error).__name__ == "WebSocketDisconnect"
        if gone and self._disconnected is not None:
            return
        self.error = error
        logger.error("the application failed", exc_info=error)

    async def _receive(self) -> Message:
        if self._to_app.empty() and self._disconnected is not None:
            return self._disconnected
        if self.state is State.REJOINING and self._has_accepted:
            self.state = State.OPEN
        self._waits += 1
        self._changed.set()
        try:
            return await self._to_app.get()
        finally:
            self._waits -= 1

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if self.state is State.CONNECTING:
            self._answer(kind, message)
        elif self.state is State.REJOINING and kind in ("websocket.accept", "websocket.send"):
            self._has_accepted = True
        elif self.state is State.CLOSED:
            self._refuse(kind)
        elif kind == "websocket.send":
            await self._deliver(_text(message))
        elif kind == "websocket.close":
            await self._close()
        else:
            raise RuntimeError(f"ASGI message {kind!r} is not allowed in state {self.state.name}.")

    def _answer(self, kind: str, message: Message) -> None:
        if kind not in ("websocket.accept", "websocket.close"):
            raise RuntimeError(f"ASGI message {kind!r} is not allowed in state CONNECTING.")
        if kind == "websocket.accept":
            self.subprotocol = message.get("subprotocol") or ""
            self.state = State.OPEN
        else:
            self._become_closed(_ABNORMAL)
        self._changed.set()

    def _refuse(self, kind: str) -> None:
        if self._lost:
            raise ConnectionError("the client is not connected any more")
        raise RuntimeError(f"ASGI message {kind!r} is not allowed in state CLOSED.")

    async def _deliver(self, text: str) -> None:
        if not await self._call_api(text):
            self.disconnect(_ABNORMAL)
            raise ConnectionError("the client is not connected any more")

    async def _close(self) -> None:
        """End the connection. API Gateway chooses the code that the client sees."""
        if await self._until_established():
            self._become_closed(_ABNORMAL)
            await self._call_api(None)

    async def _end(self) -> None:
        """End the connection, where the application has not."""
        if self.state not in (State.OPEN, State.REJOINING):
            return
        try:
            await self._close()
        except AdapterError as error:
            logger.warning("the connection was not ended: %s", error)

    async def _until_established(self) -> bool:
        """Wait until the client can be reached; returns whether it has not gone meanwhile."""
        self._waits += 1
        self._changed.set()
        try:
            await self._established.wait()
        finally:
            self._waits -= 1
        return self.state is not State.CLOSED

    async def _call_api(self, text: str | None) -> bool:
        """Send a text, or end the connection; returns whether the client was there."""
        async with self._sending:
            if text is not None and not await self._until_established():
                return False
            self._calls += 1
            try:
                return await self._reached(text)
            finally:
                self._calls -= 1
                self._changed.set()

    async def _reached(self, text: str | None) -> bool:
        while True:
            try:
                if text is None:
                    await self._connections.delete(self._address)
                else:
                    await self._connections.post(self._address, text)
            except Gone:
                if time.monotonic() >= self._opening_until:
                    return False
                await asyncio.sleep(_OPENING_PAUSE_S)
            else:
                self._opening_until = 0.0
                return True


def _text(message: Message) -> str:
    """Return the text of a message. Raises `MessageNotSent` for what API Gateway does not carry."""
    text = message.get("text")
    if not isinstance(text, str):
        raise MessageNotSent(
            "a WebSocket API carries text only; send bytes as text, for example as base64.",
        )
    if (size := len(text.encode())) > MAX_MESSAGE:
        raise MessageNotSent(
            f"the message has {size} bytes, a WebSocket API carries {MAX_MESSAGE}; send it in "
            "pieces, or a link to it.",
        )
    return text
