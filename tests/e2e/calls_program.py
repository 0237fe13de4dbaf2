"""An application whose calls wait, run in the background, and are large."""

import asyncio
import os
import time
from pathlib import Path

from fastapi import FastAPI

from adapter import serve
from adapter.serve import LambdaOptions
from adapter.serve.exceptions import BackPressureError

api = FastAPI()


def note(path: str, word: str) -> None:
    """Add a line to a file, whole, whoever else does."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{word}\n".encode())
    os.close(file)


@serve.deployment(num_replicas=1)
class One:
    """Has one environment, which takes one call at a time."""

    def __call__(self, path: str, number: int) -> int:
        note(path, f"{number}")
        return number


@serve.deployment(num_replicas=1, max_queued_requests=1)
class Short:
    """Lets one call wait."""

    def __call__(self, path: str) -> str:
        note(path, "begun")
        while not Path(f"{path}.go").exists():
            time.sleep(0.02)
        return "done"


@serve.deployment(lambda_options=LambdaOptions(large_payloads=True, maximum_retry_attempts=1))
class Worker:
    """Works in the background, and on much."""

    def train(self, path: str, word: str = "") -> None:
        note(path, word or "trained")
        if not word:
            raise ValueError("it does not work")

    def doubled(self, text: str) -> str:
        return text * 2


@serve.deployment(lambda_options=LambdaOptions(timeout_s=60))
@serve.ingress(api)
class Gateway:
    """Calls the others."""

    def __init__(
        self,
        one: serve.DeploymentHandle[One],
        short: serve.DeploymentHandle[Short],
        worker: serve.DeploymentHandle[Worker],
    ) -> None:
        self._one = one
        self._short = short
        self._worker = worker

    @api.get("/many")
    async def many(self, path: str, count: int) -> list[int]:
        """Make many calls at once."""
        return await asyncio.gather(*(self._one.remote(path, at) for at in range(count)))

    @api.get("/short")
    async def short(self, path: str) -> list[str]:
        """Make three calls, of which one may run and one may wait; return what became of them."""
        calls = [asyncio.ensure_future(self._called(path)) for _ in range(3)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        note(f"{path}.go", "go")
        return sorted(await asyncio.gather(*calls))

    async def _called(self, path: str) -> str:
        try:
            return await self._short.remote(path)
        except BackPressureError as error:
            return str(error)

    @api.get("/train")
    async def train(self, path: str, word: str = "") -> str:
        """Leave work behind; nobody awaits it."""
        self._worker.options(invocation_type="Event").train.remote(path, word)
        return "accepted"

    @api.get("/large")
    async def large(self, size: int) -> int:
        """Send and receive much."""
        return len(await self._worker.doubled.remote("é" * size))


app = Gateway.bind(One.bind(), Short.bind(), Worker.bind())
