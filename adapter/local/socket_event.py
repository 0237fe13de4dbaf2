"""WebSocket connections as the events that API Gateway makes of them. No I/O.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from adapter.http.destination import LOCAL_API
from adapter.sockets.event import PATH_PARAMETER

STAGE = "local"  # of routes that no stage stands for


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketRequest:
    """The request that opens a connection, as the server received it.

    `path` is decoded, `query` as sent; names of headers are lower-case. `stage` is that of the API
    that the path is for, empty where the client has to name the path.
    """

    connection_id: str
    path: str
    stage: str = ""
    query: str = ""
    headers: Sequence[tuple[str, str]] = ()
    scheme: str = "ws"
    client: str = "127.0.0.1"
    server: tuple[str, int] = ("127.0.0.1", 8000)
    opened: datetime

    @property
    def secure(self) -> bool:
        """Whether it came over TLS."""
        return self.scheme == "wss"


def connect_event(request: SocketRequest, request_id: str, now: datetime) -> dict[str, Any]:
    """Make the event of a client that connects: the only one with headers and a query."""
    headers = _listed([*request.headers, *_forwarded(request)])
    query = _listed(_parameters(request))
    event = {
        "headers": _last(headers),
        "multiValueHeaders": headers,
        "requestContext": _context(request, "$connect", "CONNECT", request_id, now),
        "isBase64Encoded": False,
    }
    if query:
        event |= {"queryStringParameters": _last(query), "multiValueQueryStringParameters": query}
    return event


def message_event(
    request: SocketRequest,
    text: str,
    request_id: str,
    now: datetime,
) -> dict[str, Any]:
    """Make the event of a message."""
    context = _context(request, "$default", "MESSAGE", request_id, now)
    return {
        "requestContext": {**context, "messageId": request_id},
        "body": text,
        "isBase64Encoded": False,
    }


def disconnect_event(
    request: SocketRequest,
    code: int,
    reason: str,
    request_id: str,
    now: datetime,
) -> dict[str, Any]:
    """Make the event of a connection that has ended."""
    context = _context(request, "$disconnect", "DISCONNECT", request_id, now)
    ended = {"disconnectStatusCode": code, "disconnectReason": reason}
    return {"requestContext": {**context, **ended}, "isBase64Encoded": False}


def _context(
    request: SocketRequest,
    route_key: str,
    kind: str,
    request_id: str,
    now: datetime,
) -> dict[str, Any]:
    agent = next((value for name, value in request.headers if name == "user-agent"), "")
    return {
        "routeKey": route_key,
        "eventType": kind,
        "extendedRequestId": request_id,
        "requestTime": f"{now:%d/%b/%Y:%H:%M:%S} +0000",
        "messageDirection": "IN",
        "stage": request.stage or STAGE,
        "connectedAt": _milliseconds(request.opened),
        "requestTimeEpoch": _milliseconds(now),
        "identity": {"sourceIp": request.client, "userAgent": agent},
        "requestId": request_id,
        "domainName": request.server[0],
        "connectionId": request.connection_id,
        "apiId": LOCAL_API,
    }


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _forwarded(request: SocketRequest) -> list[tuple[str, str]]:
    return [
        ("x-forwarded-for", request.client),
        ("x-forwarded-port", str(request.server[1])),
        ("x-forwarded-proto", "https" if request.secure else "http"),
    ]


def _parameters(request: SocketRequest) -> list[tuple[str, str]]:
    named = [] if request.stage else [(PATH_PARAMETER, request.path)]
    return [*named, *parse_qsl(request.query, keep_blank_values=True)]


def _listed(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    listed: dict[str, list[str]] = {}
    for name, value in pairs:
        listed.setdefault(name, []).append(value)
    return listed


def _last(listed: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in listed.items()}
