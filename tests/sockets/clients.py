"""WebSocket events as API Gateway sends them, and clients that are not there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapter.function import Function
from adapter.responder import Collected
from adapter.servable import ApplicationServable
from adapter.settings import HttpSettings
from adapter.sockets.connections import Gone
from adapter.sockets.event import Address

Event = dict[str, Any]

DOMAIN = "a1b2c3.execute-api.eu-west-1.amazonaws.com"
NAME = "Jz2XteQwjoECGhA="


def event(kind: str, name: str = NAME, *, stage: str = "ws", **context: Any) -> Event:
    route = {"CONNECT": "$connect", "MESSAGE": "$default", "DISCONNECT": "$disconnect"}.get(kind)
    return {
        "requestContext": {
            "routeKey": route,
            "eventType": kind,
            "connectionId": name,
            "apiId": "a1b2c3",
            "stage": stage,
            "domainName": DOMAIN,
            "identity": {"sourceIp": "203.0.113.9", "userAgent": "curl/8.14.1"},
            "messageDirection": "IN",
            "requestId": "Jz2XtFgcDoEFpnA=",
            **context,
        },
        "isBase64Encoded": False,
    }


def connect(
    name: str = NAME,
    *,
    query: Mapping[str, list[str]] | None = None,
    headers: Mapping[str, list[str]] | None = None,
    stage: str = "ws",
) -> Event:
    sent = {"Host": [DOMAIN], "X-Forwarded-Proto": ["https"], **(headers or {})}
    opened = event("CONNECT", name, stage=stage)
    opened |= {"multiValueHeaders": sent, "headers": {key: one[-1] for key, one in sent.items()}}
    if query:
        opened["multiValueQueryStringParameters"] = query
        opened["queryStringParameters"] = {key: values[-1] for key, values in query.items()}
    return opened


def message(text: str, name: str = NAME, **more: Any) -> Event:
    return {**event("MESSAGE", name, **more), "body": text}


def disconnect(name: str = NAME, code: int = 1001, reason: str = "", **more: Any) -> Event:
    ended: dict[str, Any] = {"disconnectStatusCode": code, "disconnectReason": reason}
    return event("DISCONNECT", name, **more, **ended)


@dataclass
class Clients:
    """Takes what functions send. `gone` are connections that are not there, for so many tries.

    A message takes so many `turns` of the event loop.
    """

    sent: list[tuple[str, str | None]] = field(default_factory=list)
    gone: dict[str, int] = field(default_factory=dict)
    addresses: list[Address] = field(default_factory=list)
    closed: bool = False
    hold: asyncio.Event | None = None
    turns: int = 0

    async def post(self, address: Address, text: str) -> None:
        self._reach(address)
        if self.hold is not None:
            await self.hold.wait()
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.sent.append((address.connection_id, text))

    async def delete(self, address: Address) -> None:
        self._reach(address)
        self.sent.append((address.connection_id, None))

    def close(self) -> None:
        self.closed = True

    def texts(self, name: str = NAME) -> list[str | None]:
        """What a client got; None is the end of its connection."""
        return [text for to, text in self.sent if to == name]

    def _reach(self, address: Address) -> None:
        self.addresses.append(address)
        if self.gone.get(address.connection_id, 0):
            self.gone[address.connection_id] -= 1
            raise Gone(address.connection_id)


class Posted(Collected):
    """Takes answers as our own loop does: they leave at once."""

    streams = True


def served(app: Any, clients: Clients, **settings: Any) -> Function:
    """Make the function of an application; its one WebSocket route is /ws."""
    given = {"socket_paths": {"ws": "/ws"}, "connections": clients, **settings}
    return Function(ApplicationServable(app, HttpSettings(**given)))


def posted(function: Function, sent: Event) -> Any:
    """Invoke as under our own loop."""
    responder = Posted()
    function.complete(function.serve(sent, None, responder))
    return responder.result
