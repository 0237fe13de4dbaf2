"""Streams and clients that leave, as Ray Serve's HTTP guide has them, on this machine."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.running import adapter_run

PATIENCE_S = 30.0
PROGRAM = """
import asyncio
from pathlib import Path

from starlette.requests import Request
from starlette.responses import StreamingResponse

from adapter import serve


def say(text):
    print(text, flush=True)


async def opened(gate):
    while not Path(gate).exists():
        await asyncio.sleep(0.01)


@serve.deployment
class Sleeper:
    async def sleep(self):
        try:
            say("Sleeper sleeps")
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            say("Sleeper was cancelled")
            raise

    async def count(self):
        number = 0
        try:
            while True:
                yield number
                number += 1
                await asyncio.sleep(0.01)
        finally:
            say("Sleeper counts no more")


@serve.deployment
class Program:
    def __init__(self, sleeper):
        self.sleeper = sleeper

    async def __call__(self, request: Request):
        return await getattr(self, request.url.path.strip("/"))(request)

    async def numbers(self, request):
        return StreamingResponse(self.two(request.query_params["gate"]), media_type="text/plain")

    async def two(self, gate):
        yield "one\\n"
        await opened(gate)
        yield "two\\n"

    async def endless(self, request):
        return StreamingResponse(self.forever(), media_type="text/plain")

    async def forever(self):
        try:
            while True:
                yield "again\\n"
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            say("the stream was cancelled")
            raise

    async def basic(self, request):
        try:
            say("basic waits")
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            say("basic was cancelled")
            raise

    async def shielded(self, request):
        say("shielded waits")
        await asyncio.shield(self.snore(request.query_params["gate"]))

    async def snore(self, gate):
        await opened(gate)
        say("ZZZ")

    async def cascading(self, request):
        return await self.sleeper.sleep.remote()

    async def relayed(self, request):
        numbers = self.sleeper.options(stream=True).count.remote()
        return StreamingResponse((f"{number}\\n" async for number in numbers))


app = Program.bind(Sleeper.bind())
"""
SERVE_RUN = """
from adapter import serve
from adapter.local import in_process
import program

serve.start(http_options={"port": 0})
serve.run(program.app)
print(in_process.url(), flush=True)
in_process.wait()
"""


class Served:
    """A running program: its address and what it has said so far."""

    def __init__(self, url: str, said: Callable[[], list[str]]) -> None:
        self.url = urlsplit(url)
        self._said = said

    def get(self, path: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = self.ask(path)
        return connection, connection.getresponse()

    def ask(self, path: str) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(str(self.url.hostname), self.url.port, timeout=30)
        connection.request("GET", path)
        return connection

    def until_it_says(self, text: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not any(text in line for line in self._said()):
            if time.monotonic() > end:
                pytest.fail(f"nobody said {text!r}: {self._said()}")
            time.sleep(0.01)


@pytest.fixture(params=["adapter run", "serve.run"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "program.py").write_text(PROGRAM)
    if request.param == "adapter run":
        run = adapter_run("program:app", folder=tmp_path)
        yield Served(run.http_url, lambda: [str(line.get("text", "")) for line in run.records])
        assert run.stop() == 0
        return
    output = tmp_path / "output"
    with output.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE_RUN],
            cwd=tmp_path,
            stdout=out,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
    while "http://" not in output.read_text():
        assert process.poll() is None
        time.sleep(0.01)
    yield Served(output.read_text().split()[0], lambda: output.read_text().splitlines())
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0


def test_the_first_piece_arrives_before_the_second_is_made(served: Served, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    connection, response = served.get(f"/numbers?gate={gate}")

    assert response.readline() == b"one\n"
    gate.touch()
    assert response.read() == b"two\n"
    connection.close()


def test_a_client_that_leaves_cancels_the_generator(served: Served) -> None:
    connection, response = served.get("/endless")
    assert response.readline() == b"again\n"

    response.close()
    connection.close()

    served.until_it_says("the stream was cancelled")


def test_a_client_that_leaves_before_the_answer_cancels_the_request(served: Served) -> None:
    connection = served.ask("/basic")
    served.until_it_says("basic waits")

    connection.close()

    served.until_it_says("basic was cancelled")


def test_what_is_shielded_goes_on(served: Served, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    connection = served.ask(f"/shielded?gate={gate}")
    served.until_it_says("shielded waits")

    connection.close()
    gate.touch()

    served.until_it_says("ZZZ")


def test_a_cancelled_caller_cancels_its_callee(served: Served) -> None:
    connection = served.ask("/cascading")
    served.until_it_says("Sleeper sleeps")

    connection.close()

    served.until_it_says("Sleeper was cancelled")


def test_items_of_another_deployment_arrive_one_by_one(served: Served) -> None:
    connection, response = served.get("/relayed")
    assert [response.readline() for _ in range(3)] == [b"0\n", b"1\n", b"2\n"]

    response.close()
    connection.close()

    served.until_it_says("Sleeper counts no more")
