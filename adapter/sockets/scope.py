"""The ASGI scope of a WebSocket.

https://asgi.readthedocs.io/en/latest/specs/www.html#websocket-connection-scope
"""

from collections.abc import Mapping
from typing import Any

from adapter.http.request import decoded_path, last_forwarded
from adapter.settings import HttpSettings
from adapter.sockets.event import SocketEvent

_ASGI = {"version": "3.0", "spec_version": "2.4"}
_PROTOCOLS = b"sec-websocket-protocol"


def socket_path(event: SocketEvent, settings: HttpSettings) -> str | None:
    """Return the path that a connection is for; None where nobody has said it, or not below ours.

    A WebSocket API has no path. The stage stands for it, or the client names it,
    `?socket_path=/chat/7`. Only the event that opens a connection has the query, so who names
    another path than the stage's would pass one route's checks and send its messages to the other.
    """
    base_path = "/" + settings.base_path.strip("/")
    path = settings.socket_paths.get(event.address.stage, event.path)
    if not path.startswith("/") or event.path not in ("", path):
        return None
    below = base_path in ("/", path) or path.startswith(f"{base_path}/")
    return path if below else None


def socket_scope(
    event: SocketEvent,
    path: str,
    settings: HttpSettings,
    state: Mapping[str, Any],
) -> dict[str, Any]:
    """Make the scope of a connection to a path. Raises `Refused` for a path that is no text.

    An event that does not open the connection has neither headers nor a query.
    """
    base_path = "/" + settings.base_path.strip("/")
    path, raw_path = decoded_path(path)
    secure = dict(event.headers).get(b"x-forwarded-proto") != b"http"
    hops = settings.trusted_hops
    client = (hops and last_forwarded(event.headers, hops)) or event.source_ip
    asked = b",".join(value for name, value in event.headers if name == _PROTOCOLS)
    return {
        "type": "websocket",
        "asgi": _ASGI.copy(),
        "http_version": "1.1",
        "scheme": "wss" if secure else "ws",
        "path": path,
        "raw_path": raw_path,
        "root_path": "" if base_path == "/" else base_path,
        "query_string": event.query,
        "headers": event.headers,
        # Not from the Host header, which is the client's to choose.
        "server": (event.domain or "localhost", 443 if secure else 80),
        "client": (client, 0) if client else None,
        "subprotocols": [
            one for part in asked.decode("latin-1").split(",") if (one := part.strip())
        ],
        "state": dict(state),
        "extensions": {},
    }
