"""API Gateway's management API of WebSocket connections, for functions on this machine.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

import re
from datetime import UTC, datetime

from starlette.types import Receive

from adapter.local.api_reply import ApiError, ApiReply, json_reply
from adapter.local.asgi import BodyTooLargeError, read_body
from adapter.local.socket_connections import Client, client_of
from adapter.sockets.connections import Gone
from adapter.sockets.session import MAX_MESSAGE

# With the stage in front where a client of AWS's has been told a whole endpoint.
_PATH = re.compile(r"(?:/[\w$-]+)?/@connections/(?P<id>[^/]+)")


def connection_of(path: str) -> str | None:
    """Return the id of the connection that a path is for, None for any other path."""
    match = _PATH.fullmatch(path)
    return match["id"] if match else None


async def manage(connection_id: str, method: str, receive: Receive) -> ApiReply:
    """Answer one request. Raises `ApiError`, and `ClientGoneError` where the caller has gone."""
    try:
        client = client_of(connection_id)
        if method == "POST":
            await client.post((await _message(receive)).decode("utf-8", "replace"))
            return ApiReply(status=200)
        if method == "DELETE":
            await client.close()
            return ApiReply(status=204)
        if method == "GET":
            return json_reply(_described(client))
    except Gone as error:
        raise ApiError(410, "GoneException", f"connection {connection_id} is closed") from error
    raise ApiError(405, "MethodNotAllowedException", f"{method} of a connection is not known.")


async def _message(receive: Receive) -> bytes:
    try:
        return await read_body(receive, MAX_MESSAGE)
    except BodyTooLargeError as error:
        text = f"a message may have {MAX_MESSAGE} bytes"
        raise ApiError(413, "PayloadTooLargeException", text) from error


def _described(client: Client) -> dict[str, object]:
    if not client.is_here:
        raise Gone(client.request.connection_id)
    agent = next((value for name, value in client.request.headers if name == "user-agent"), "")
    return {
        "connectedAt": _written(client.request.opened),
        "lastActiveAt": _written(client.last_active),
        "identity": {"sourceIp": client.request.client, "userAgent": agent},
    }


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
