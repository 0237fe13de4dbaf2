"""One signed request to a service of AWS, over a connection of its own.

For what is rare or large, beside which to connect costs nothing, and there is no pool to close.
"""

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal

from adapter.calls.endpoint import Endpoint
from adapter.calls.sigv4 import Credentials, Request, sign
from adapter.connection import Connection
from adapter.http1 import Response


async def send(
    request: Request,
    where: Endpoint,
    service: Literal["s3", "secretsmanager", "ssm"],
    known: Credentials,
    tls: ssl.SSLContext | None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Sign, connect, send and close; return the whole response, whatever it says.

    `headers` have names in lower case; the host and those of the signature are added. `tls` is used
    where the endpoint has TLS. There is no timeout. Raises OSError and `ProtocolError`.
    """
    signed = sign(request, known, where.region, datetime.now(UTC), headers, service)
    connection = await Connection.open(where.host, where.port, tls if where.tls else None)
    try:
        return await connection.request(request.method, request.path, signed, request.body)
    finally:
        connection.close()
        await asyncio.sleep(0)  # the loop may end here
