"""From the events of a WebSocket API to sessions of an ASGI application.

Each message of a client is an invocation of its own, and Lambda chooses the environment. One that
knows nothing of the connection joins it late: see `Session`.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from adapter.errors import AdapterError
from adapter.http.lifespan import ASGIApp, Message
from adapter.http.request import Refused
from adapter.responder import Responder
from adapter.serve import context as serve_context
from adapter.settings import HttpSettings
from adapter.sockets.connections import Connections, Gone, ManagementApi
from adapter.sockets.event import SocketEvent, socket_event
from adapter.sockets.scope import socket_path, socket_scope
from adapter.sockets.session import Session

logger = logging.getLogger("adapter.sockets")

# API Gateway waits 29 s for an answer, which says nothing to the client; the function may go on.
ANSWER_S = 25.0
LONGEST_S = 2 * 3600.0  # that API Gateway keeps a connection
LEAVE_S = 10.0  # for an application whose client has gone
_REMEMBERED = 1000
_GOING_AWAY = 1001
_OK = {"statusCode": 200}


class SocketBridge:
    """The WebSockets of this environment; each event of a connection goes to its session.

    `state` is what the lifespan has left for requests.
    """

    def __init__(self, app: ASGIApp, settings: HttpSettings, state: Mapping[str, Any]) -> None:
        self._app = app
        self._settings = settings
        self._state = state
        self._connections: Connections = settings.connections or ManagementApi()
        self._sessions: dict[str, Session] = {}
        self._leaving: list[Session] = []  # which are told that their clients have gone
        self._ended: dict[str, None] = {}  # the last connections that the application has ended

    async def __call__(self, event: dict[str, Any], context: Any, responder: Responder) -> None:
        """Serve one event until the application waits for the next.

        An event that cannot be read is answered with 400. Raises what the application raises only
        with `raise_errors`.
        """
        try:
            found = socket_event(event)
            scope = self._scope(found)
        except Refused as refused:
            logger.warning("the event is no WebSocket event that can be served: %s", refused)
            await responder.respond({"statusCode": 400})
            return
        if scope is not None:
            scope |= {"aws.event": event, "aws.context": context}
        match found.kind:
            case "CONNECT":
                await self._connect(found, scope, responder)
            case "MESSAGE":
                await self._take(found, scope, responder)
            case "DISCONNECT":
                await self._disconnect(found, scope, responder)

    async def close(self) -> None:
        """End every session."""
        sessions = [*self._sessions.values(), *self._leaving]
        self._sessions.clear()
        await asyncio.gather(*(session.cancel(cut=False) for session in sessions))
        self._connections.close()

    def _scope(self, event: SocketEvent) -> dict[str, Any] | None:
        path = socket_path(event, self._settings)
        return None if path is None else socket_scope(event, path, self._settings, self._state)

    def _begin(self, event: SocketEvent, scope: dict[str, Any], *, joined: bool) -> Session:
        self._leave_old_ones()
        self._leave_now(event.address.connection_id)
        session = Session(scope, event.address, self._connections, joined=joined)
        self._sessions[event.address.connection_id] = session
        self._enter(session)
        session.start(self._app)
        return session

    def _leave_old_ones(self) -> None:
        """End sessions whose end API Gateway has told another environment."""
        oldest = time.time() - LONGEST_S
        for name, session in list(self._sessions.items()):
            if session.began < oldest:
                self._leave_now(name)
        self._leaving = [session for session in self._leaving if not session.ended]

    def _leave_now(self, name: str) -> None:
        if (session := self._sessions.pop(name, None)) is not None:
            session.disconnect(_GOING_AWAY)
            self._leaving.append(session)

    def _enter(self, session: Session) -> None:
        route = "/" + self._settings.base_path.strip("/")
        session.enter(serve_context.served()._replace(route=route))

    async def _connect(
        self,
        event: SocketEvent,
        scope: dict[str, Any] | None,
        responder: Responder,
    ) -> None:
        if scope is None:
            logger.warning("the client names no path of a WebSocket: ?socket_path=/...")
            await responder.respond({"statusCode": 404})
            return
        session = self._begin(event, scope, joined=False)
        status = await self._watched(session, session.answered())
        if status == 200:
            await responder.respond(_accepted(session))
            # Where the answer has left, the client is there now; else with its next event.
            if responder.streams:
                session.establish(just_now=True)
        elif not self._raises(session):
            await responder.respond({"statusCode": status})
        await self._settle(event, session)

    async def _take(
        self,
        event: SocketEvent,
        scope: dict[str, Any] | None,
        responder: Responder,
    ) -> None:
        kind = "bytes" if isinstance(event.message, bytes) else "text"
        message = {"type": "websocket.receive", kind: event.message}
        session = self._session(event, scope)
        if session is None:
            await self._cut(event)
            await responder.respond(_OK)
            return
        await self._go_on(event, session, message, responder)

    async def _disconnect(
        self,
        event: SocketEvent,
        scope: dict[str, Any] | None,
        responder: Responder,
    ) -> None:
        joined = event.address.connection_id not in self._sessions
        session = self._session(event, scope)
        if session is not None:
            session.establish()
            await self._watched(session, self._leave(event, session, joined=joined))
            self._forget(event, session)
        self._ended.pop(event.address.connection_id, None)
        await responder.respond(_OK)

    async def _leave(self, event: SocketEvent, session: Session, *, joined: bool) -> None:
        try:
            async with asyncio.timeout(LEAVE_S):
                if joined:
                    await session.settled()
                session.disconnect(event.code, event.reason)
                await session.over()
        except TimeoutError:
            logger.warning("the application did not end within %s s of its client", LEAVE_S)
            await session.cancel()

    def _session(self, event: SocketEvent, scope: dict[str, Any] | None) -> Session | None:
        name = event.address.connection_id
        if (session := self._sessions.get(name)) is not None:
            self._enter(session)
            return session
        if scope is None or name in self._ended:
            return None
        return self._begin(event, scope, joined=True)

    async def _cut(self, event: SocketEvent) -> None:
        """End a connection whose path this environment cannot know; the client may open another."""
        name = event.address.connection_id
        if name in self._ended:
            return
        logger.error(
            "connection %s was opened in another environment, and its path is known only there; "
            "it is ended. Routes with parameters need one environment: see the page on WebSockets.",
            name,
        )
        try:
            await self._connections.delete(event.address)
        except (Gone, AdapterError) as error:
            logger.warning("the connection was not ended: %s", error)

    async def _go_on(
        self,
        event: SocketEvent,
        session: Session,
        message: Message,
        responder: Responder,
    ) -> None:
        session.establish()
        session.feed(message)
        settling = asyncio.ensure_future(self._settle(event, session))
        try:
            await asyncio.wait({settling}, timeout=ANSWER_S)
            if not settling.done() or not self._raises(session):
                await responder.respond(_OK)
            await settling
        finally:
            if not settling.done():
                settling.cancel()
                await asyncio.wait({settling})

    async def _settle(self, event: SocketEvent, session: Session) -> None:
        await self._watched(session, session.settled())
        if session.ended:
            self._forget(event, session)
        if self._raises(session) and session.error is not None:
            raise session.error

    def _forget(self, event: SocketEvent, session: Session) -> None:
        name = event.address.connection_id
        if self._sessions.get(name) is session:
            del self._sessions[name]
        self._ended[name] = None
        while len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def _raises(self, session: Session) -> bool:
        return self._settings.raise_errors and session.ended and session.error is not None

    async def _watched(self, session: Session, waiting: Any) -> Any:
        """Wait; where the invocation is cancelled, the session is, too."""
        try:
            return await waiting
        except asyncio.CancelledError:
            await session.cancel()
            raise


def _accepted(session: Session) -> dict[str, Any]:
    if not session.subprotocol:
        return _OK
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": session.subprotocol}}
