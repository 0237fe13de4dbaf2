"""The FastAPI application that all contenders serve."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()
PIECE = b"0123456789abcdef" * 4096  # 64 KB


@app.get("/items/{item_id}")
async def read_item(item_id: int, q: str = "") -> dict[str, int | str]:
    return {"item_id": item_id, "q": q}


@app.get("/blocking/{item_id}")
def read_item_in_a_thread(item_id: int, q: str = "") -> dict[str, int | str]:
    return {"item_id": item_id, "q": q}


@app.get("/modules")
async def modules() -> list[str]:
    return sorted(sys.modules)


@app.get("/wait")
async def wait() -> str:
    await asyncio.sleep(0.1)
    return "waited"


@app.get("/stream")
async def stream(count: int = 3, pause_s: float = 0.1) -> StreamingResponse:
    """Each piece says when it was made, on the clock that all processes of a machine share."""

    async def pieces() -> AsyncIterator[str]:
        for number in range(count):
            if number:
                await asyncio.sleep(pause_s)
            yield f"{time.monotonic()!r}\n"

    return StreamingResponse(pieces(), media_type="text/plain")


@app.get("/bulk")
async def bulk(pieces: int) -> StreamingResponse:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield PIECE

    return StreamingResponse(body(), media_type="application/octet-stream")
