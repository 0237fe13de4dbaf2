"""What the events of a WebSocket API say, checked.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
"""

import re
from typing import Any, Literal, NamedTuple, cast
from urllib.parse import urlencode

from adapter.http import request as read
from adapter.http.request import Headers, Refused

Kind = Literal["CONNECT", "MESSAGE", "DISCONNECT"]

PATH_PARAMETER = "socket_path"  # of the query: the path that the client asks for
NO_STATUS = 1005  # a connection that was closed without a code: RFC 6455, section 7.1.5

_KINDS = ("CONNECT", "MESSAGE", "DISCONNECT")
_CONNECTION_ID = re.compile(r"[A-Za-z0-9+/=_-]{1,256}")
# Both become parts of the address that messages are sent to, with our signature.
_API_ID = re.compile(r"[A-Za-z0-9-]{1,63}")
_STAGE = re.compile(r"[A-Za-z0-9_$-]{1,128}")


class Address(NamedTuple):
    """Where a client is reached: the API that it is connected to, the stage, its connection."""

    api_id: str
    stage: str
    connection_id: str


class SocketEvent(NamedTuple):
    """An event of one connection.

    `headers`, `query` and `path` are those of the request that opened it, so only CONNECT has them;
    `path` is empty where the client did not name one. `message` is what it sent, text or bytes.
    `code` and `reason` say why the connection ended.
    """

    kind: Kind
    address: Address
    headers: Headers
    query: bytes
    path: str
    message: str | bytes
    code: int
    reason: str
    source_ip: str
    domain: str


def socket_event(event: dict[str, Any]) -> SocketEvent:
    """Read an event. Raises `Refused` for what API Gateway does not send."""
    context = read.mapping(event.get("requestContext"), "requestContext")
    kind = context.get("eventType")
    if kind not in _KINDS:
        raise Refused(f"eventType must be one of {', '.join(_KINDS)}, found {read.short(kind)}")
    identity = read.mapping(context.get("identity"), "identity")
    headers = _headers(event)
    read.check_host(headers)
    query, path = _query(event)
    return SocketEvent(
        kind=cast("Kind", kind),
        address=Address(
            _matching(_API_ID, context.get("apiId"), "apiId"),
            _matching(_STAGE, context.get("stage"), "stage"),
            _matching(_CONNECTION_ID, context.get("connectionId"), "connectionId"),
        ),
        headers=headers,
        query=query,
        path=path,
        message=_message(event),
        code=_code(context.get("disconnectStatusCode")),
        reason=read.text(context.get("disconnectReason"), "disconnectReason"),
        source_ip=read.text(identity.get("sourceIp"), "sourceIp"),
        domain=read.text(context.get("domainName"), "domainName"),
    )


def _matching(pattern: re.Pattern[str], value: Any, what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Refused(f"not the {what} of a connection: {read.short(value)}")
    return value


def _headers(event: dict[str, Any]) -> Headers:
    several = read.several_headers(event.get("multiValueHeaders"))
    return read.encoded(several or read.single_headers(event.get("headers")))


def _query(event: dict[str, Any]) -> tuple[bytes, str]:
    """Return the query string without the parameter that names the path, and the path."""
    parameters = read.mapping(
        event.get("multiValueQueryStringParameters") or event.get("queryStringParameters"),
        "query parameters",
    )
    pairs = [(name, one) for name, found in parameters.items() for one in read.strings(found, name)]
    path = next((value for name, value in pairs if name == PATH_PARAMETER), "")
    try:
        rest = urlencode([pair for pair in pairs if pair[0] != PATH_PARAMETER])
    except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON can say
        raise Refused("not text: a query parameter") from error
    return rest.encode(), path


def _message(event: dict[str, Any]) -> str | bytes:
    """Return what the client sent; bytes where the integration makes them of base64."""
    if event.get("isBase64Encoded"):
        return read.body(event.get("body"), is_base64=True)
    return read.text(event.get("body"), "body")


def _code(value: Any) -> int:
    return value if type(value) is int and 1000 <= value < 5000 else NO_STATUS
