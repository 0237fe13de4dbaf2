"""A deployment with everything that an environment may meet, which can say how it is."""

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import BackgroundTasks, FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse

from adapter import serve
from adapter.function import entry_point

app = FastAPI()


@serve.deployment
@serve.ingress(app)
class Mixture:
    @app.post("/length")
    async def length(self, request: Request) -> int:
        return len(await request.body())

    @app.get("/plain")
    def plain(self, size: int) -> PlainTextResponse:
        """Runs in a thread."""
        return PlainTextResponse("x" * size)

    @app.get("/later")
    async def later(self, tasks: BackgroundTasks) -> str:
        tasks.add_task(asyncio.sleep, 0)
        return "answered"

    @app.get("/error")
    async def error(self) -> None:
        raise LookupError("as asked")

    @app.get("/stream")
    async def stream(self, size: int, *, broken: bool = False) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"x" * (size // 4)
            if broken:
                raise LookupError("as asked")

        return StreamingResponse(pieces())

    async def double(self, text: str) -> str:
        return text + text

    async def fail(self) -> None:
        raise LookupError("as asked")

    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number

    async def vitals(self) -> dict[str, int]:
        return {"tasks": len(asyncio.all_tasks()), **_process()}


def _process() -> dict[str, int]:
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": int(status.partition("Threads:")[2].split()[0]),
        "objects": len(gc.get_objects()),
        "resident_kb": int(status.partition("VmRSS:")[2].split()[0]),
    }


handler = entry_point(Mixture)
