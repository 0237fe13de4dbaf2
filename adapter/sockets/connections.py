"""API Gateway's management API of WebSocket connections: how a function reaches its clients.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote, urlsplit

from adapter.calls.api import refusal
from adapter.calls.endpoint import Endpoint, credentials, known_region, located, regional
from adapter.calls.pool import Pool
from adapter.calls.sigv4 import Request, sign
from adapter.errors import InvocationError, ServeError
from adapter.http1 import Response
from adapter.sockets.event import Address

# As botocore calls it: the user's own client of this API goes to the same place.
ENDPOINT = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"
GONE, TOO_MANY = 410, 429
_ANSWER_S = 10.0
_AGAIN_S = (0.1, 0.3, 0.9)  # all clients of an account share 10,000 requests a second


class Gone(ConnectionError):
    """The client is not connected any more, or not yet."""


class Connections(Protocol):
    """Sends to clients, and cuts their connections."""

    async def post(self, address: Address, text: str) -> None:
        """Send a message. Raises `Gone`, and `InvocationError` where it is refused."""
        ...

    async def delete(self, address: Address) -> None:
        """End a connection. Raises as `post` does."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class ManagementApi:
    """The management API as AWS has it; see `Connections`.

    The host is made of the API's id and our region, never of the domain that an event names: what
    is sent there is signed. A domain of the user's own therefore needs the default endpoint.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._pools: dict[Endpoint, Pool] = {}

    async def post(self, address: Address, text: str) -> None:
        """See `Connections`."""
        await self._request("POST", address, text.encode())

    async def delete(self, address: Address) -> None:
        """See `Connections`."""
        await self._request("DELETE", address)

    def close(self) -> None:
        """See `Connections`."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    async def _request(self, method: str, address: Address, body: bytes = b"") -> None:
        what = f"connection {address.connection_id}"
        where, path = self._located(address)
        for pause in (*_AGAIN_S, None):
            response = await self._once(method, where, path, body, what)
            if response.status != TOO_MANY or pause is None:
                break
            await asyncio.sleep(pause)
        if response.status == GONE:
            raise Gone(f"{what} is closed")
        if not 200 <= response.status < 300:
            raise refusal(what, response)

    async def _once(
        self,
        method: str,
        where: Endpoint,
        path: str,
        body: bytes,
        what: str,
    ) -> Response:
        unsigned = Request(method, where.authority, path, body=body)
        headers = sign(
            unsigned,
            credentials(self._environ),
            where.region,
            datetime.now(UTC),
            service="execute-api",
        )
        pool = self._pools.setdefault(where, Pool(where))
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await pool.request(method, path, headers, body)
        except OSError as error:  # TimeoutError is one
            detail = f"{error} ({where.authority})"
            raise InvocationError(what, "ConnectionFailed", detail) from error

    def _located(self, address: Address) -> tuple[Endpoint, str]:
        region = known_region(self._environ)
        url = self._environ.get(ENDPOINT) or self._environ.get("AWS_ENDPOINT_URL")
        if not url and not region:
            raise ServeError("a WebSocket's client is reached through its region: set AWS_REGION.")
        url = url or f"{regional(f'{address.api_id}.execute-api', region)}/{address.stage}"
        where = located(url, region, ENDPOINT)
        connection = quote(address.connection_id, safe="")
        return where, f"{urlsplit(url).path.rstrip('/')}/@connections/{connection}"
