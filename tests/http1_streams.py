"""The server's end of HTTP/1.1 for servers of tests, on asyncio's streams."""

import asyncio
from collections.abc import Mapping

from adapter.http1 import Head, chunk_size, content_length, is_chunked, parse_head


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read start line and headers; None where the peer has hung up instead."""
    try:
        return parse_head(await reader.readuntil(b"\r\n\r\n"))
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None


async def read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    """Read the whole body that `headers` announce."""
    if not is_chunked(headers):
        return await reader.readexactly(content_length(headers))
    body = b""
    while size := chunk_size((await reader.readuntil(b"\r\n"))[:-2]):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return body
