"""Many invocations at once in one process, as on Lambda Managed Instances."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from adapter.local.exchange import Exchange
from adapter.local.invocation import Answer, Invocation, function_arn
from adapter.local.runtime_api import RuntimeApi
from tests import events
from tests.local.ended import ended
from tests.runtime.hosts import OURS

SOURCE = '''
import asyncio
import os
from contextvars import ContextVar

from fastapi import BackgroundTasks, FastAPI

from adapter import serve
from adapter.function import entry_point
from adapter.serve import context

app = FastAPI()
seen = ContextVar("seen", default=None)

@serve.deployment
@serve.ingress(app)
class Meeting:
    def __init__(self):
        self.waiting = []
        self.opened = asyncio.Event()

    async def meet(self, size, name):
        """Answer when `size` callers are here at once."""
        seen.set(name)
        self.waiting.append(name)
        if len(self.waiting) == size:
            self.opened.set()
        await self.opened.wait()
        return [os.getpid(), seen.get(), context.invocation.get().request_id]

    async def fail(self):
        raise LookupError("only this one")

    async def wait(self):
        await asyncio.Event().wait()

    @app.get("/background")
    async def background(self, tasks: BackgroundTasks):
        tasks.add_task(self.opened.wait)
        return "answered"


handler = entry_point(Meeting)
'''


class Lambda:
    """Our Runtime API without limits: it hands out all it is given. `timeout_s` is a function's."""

    def __init__(self) -> None:
        self.api = RuntimeApi(self)
        self.timeout_s = 60.0

    def polled(self, init: Mapping[str, float]) -> None:
        """Nobody counts."""

    def waiting(self) -> None:
        """Nobody asks."""

    def begin(self, exchange: Exchange) -> int:
        loop = asyncio.get_running_loop()
        exchange.begin(loop.call_later(60, exchange.fail, "Sandbox.Timedout", "too late"))
        return int((time.time() + self.timeout_s) * 1000)

    def lost(self, exchange: Exchange) -> None:
        """The process has ended."""

    def init_failed(self, payload: bytes) -> None:
        raise AssertionError(payload)

    def send(self, event: Any) -> "asyncio.Future[Answer]":
        payload = json.dumps(event).encode()
        exchange = Exchange(Invocation(payload=payload, function_arn=function_arn("Meeting")))
        self.api.deliver(exchange)
        return asyncio.ensure_future(_answer(exchange))


async def _answer(exchange: Exchange) -> Answer:
    await ended(exchange)
    return exchange.answer


@contextlib.asynccontextmanager
async def running(folder: Path, concurrency: int) -> AsyncIterator[Lambda]:
    """Start one environment that serves `concurrency` invocations at once."""
    (folder / "app.py").write_text(SOURCE)
    service = Lambda()
    address = await service.api.start()
    process = await asyncio.create_subprocess_exec(
        *OURS,
        cwd=folder,
        env={
            **os.environ,
            "AWS_LAMBDA_MAX_CONCURRENCY": str(concurrency),
            "AWS_LAMBDA_RUNTIME_API": address,
            "LAMBDA_TASK_ROOT": str(folder),
            "_HANDLER": "app.handler",
        },
    )
    try:
        yield service
    finally:
        process.terminate()
        await process.wait()
        await service.api.close()


def call(method: str, *args: Any) -> dict[str, Any]:
    return {"method": method, "args": list(args)}


async def meet(service: Lambda, size: int) -> list[Any]:
    answers = [service.send(call("meet", size, f"caller {n}")) for n in range(size)]
    return [json.loads((await answer).payload) for answer in answers]


def test_they_share_one_process_and_keep_their_contexts(tmp_path: Path) -> None:  # row 20
    async def scenario() -> list[Any]:
        async with running(tmp_path, 16) as service:
            return await meet(service, 16)

    met = asyncio.run(scenario())

    assert len({pid for pid, _, _ in met}) == 1
    assert [name for _, name, _ in met] == [f"caller {n}" for n in range(16)]
    assert len({request_id for _, _, request_id in met}) == 16


def test_one_that_fails_or_is_late_leaves_the_others_alone(tmp_path: Path) -> None:
    async def scenario() -> tuple[list[str | None], list[Any]]:
        async with running(tmp_path, 4) as service:
            service.timeout_s = 0.2
            late, failed = service.send(call("wait")), service.send(call("fail"))
            errors = [(await answer).error_type for answer in (late, failed)]
            service.timeout_s = 60.0
            return errors, await meet(service, 4)

    errors, met = asyncio.run(scenario())

    assert errors == ["TimeoutError", "LookupError"]
    assert len(met) == 4


def test_work_after_the_response_keeps_only_its_own_place(tmp_path: Path) -> None:  # row 14
    async def scenario() -> tuple[Any, list[Any]]:
        async with running(tmp_path, 2) as service:
            background = await service.send(events.http_api(path="/background"))
            met = await meet(service, 1)  # opens what the background work waits for
            return json.loads(background.payload)["body"], met

    body, met = asyncio.run(scenario())

    assert (body, len(met)) == ('"answered"', 1)
