"""Two deployments under `adapter run`: items of one reach the other, and its client, one by one."""

import contextlib
import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from adapter.calls.client import LambdaTransport
from adapter.serve import transport
from adapter.serve.handles import DeploymentHandle
from tests.running import Run, adapter_run

PROGRAM = """
import asyncio
import time
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from adapter import serve

api = FastAPI()


# Longer than the tests wait: nothing here is cancelled by its deadline.
OPTIONS = serve.LambdaOptions(timeout_s=600)


@serve.deployment(lambda_options=OPTIONS)
class Source:
    async def letters(self, gate: str):
        yield "a"
        while not Path(gate).exists():
            await asyncio.sleep(0.01)
        yield "b"

    def plain_letters(self, gate: str):
        yield "a"
        while not Path(gate).exists():
            time.sleep(0.01)
        yield "b"

    async def endless(self, mark: str):
        try:
            number = 0
            while True:
                number += 1
                yield f"{number} "
                if number == 3:
                    await asyncio.Event().wait()
        finally:
            Path(mark).touch()

    async def wait(self, begun: str, mark: str):
        Path(begun).touch()
        try:
            await asyncio.Event().wait()
        finally:
            Path(mark).touch()

    def failing(self, after: int):
        yield from range(after)
        raise LookupError("no more")

    def count(self, most: int):
        yield from range(most)


@serve.deployment(lambda_options=OPTIONS)
@serve.ingress(api)
class Gateway:
    def __init__(self, source):
        self.source = source
        self.streaming = source.options(stream=True)

    @api.get("/stream/{method}")
    async def stream(self, method: str, argument: str) -> StreamingResponse:
        response = self.streaming.options(method_name=method).remote(argument)
        return StreamingResponse(response, media_type="text/plain")

    @api.get("/first")
    async def first(self, mark: str) -> str:
        async for item in self.streaming.endless.remote(mark):
            return item

    @api.get("/sum/{most}")
    def sum(self, most: int) -> int:
        return sum(self.streaming.count.remote(most))

    @api.get("/failing/{after}")
    async def failing(self, after: int) -> list:
        items = []
        try:
            async for item in self.streaming.failing.remote(after):
                items.append(item)
        except LookupError as error:
            items.append(str(error).splitlines()[0])
        return items

    @api.get("/cancel")
    async def cancel(self, begun: str, mark: str) -> str:
        response = self.source.wait.remote(begun, mark)
        while not Path(begun).exists():
            await asyncio.sleep(0.01)
        response.cancel()
        try:
            await response
        except Exception as error:
            return f"{type(error).__name__} {response.cancelled()}"


app = Gateway.bind(Source.bind())
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("program")
    (folder / "program.py").write_text(PROGRAM)
    started = adapter_run("program:app", folder=folder)
    yield started
    started.stop()


@contextlib.contextmanager
def opened(run: Run, path: str) -> Iterator[http.client.HTTPResponse]:
    parts = urlsplit(run.http_url)
    client = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    with contextlib.closing(client):
        client.request("GET", path)
        with client.getresponse() as response:
            yield response


def get(run: Run, path: str) -> str:
    with opened(run, path) as response:
        return response.read().decode()


def appears(path: Path) -> bool:
    """Wait for a file, for longer than it should ever take."""
    end = time.monotonic() + 30
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    return path.exists()


@pytest.mark.parametrize("method", ["letters", "plain_letters"])
def test_items_reach_the_client_one_by_one(run: Run, tmp_path: Path, method: str) -> None:
    gate = tmp_path / "gate"
    with opened(run, f"/stream/{method}?argument={quote(str(gate))}") as response:
        first = response.read1()
        gate.touch()
        rest = response.read()

    assert (first, rest) == (b"a", b"b")


def test_many_small_items_arrive(run: Run) -> None:
    assert get(run, "/sum/2000") == str(sum(range(2000)))


def test_error_comes_after_the_items_and_before_them(run: Run) -> None:
    text = '"LookupError in deployment Source: no more"'

    assert get(run, "/failing/2") == f"[0,1,{text}]"
    assert get(run, "/failing/0") == f"[{text}]"


def test_caller_that_stops_early_cancels_the_callee(run: Run, tmp_path: Path) -> None:
    mark = tmp_path / "closed"

    assert get(run, f"/first?mark={quote(str(mark))}") == '"1 "'
    assert appears(mark)


def test_client_that_leaves_cancels_the_callee_behind_the_gateway(
    run: Run,
    tmp_path: Path,
) -> None:
    mark = tmp_path / "closed"
    with opened(run, f"/stream/endless?argument={quote(str(mark))}") as response:
        assert response.read1().startswith(b"1 ")
        assert not mark.exists()

    assert appears(mark)


def test_cancelled_response_cancels_the_callee(run: Run, tmp_path: Path) -> None:
    begun, mark = tmp_path / "begun", tmp_path / "cancelled"

    path = f"/cancel?begun={quote(str(begun))}&mark={quote(str(mark))}"
    assert get(run, path) == '"RequestCancelledError True"'
    assert appears(mark)


@pytest.fixture
def source(run: Run) -> Iterator[Any]:
    """A handle in a process that is no function."""
    made = LambdaTransport(environ={"AWS_ENDPOINT_URL_LAMBDA": run.lambda_url})
    transport.connect(made)
    yield DeploymentHandle("Source").options(stream=True)
    transport.connect(None)
    made.close()


def test_script_reads_the_items_of_a_function(source: Any) -> None:
    assert list(source.count.remote(3)) == [0, 1, 2]


def test_script_gets_the_errors_of_a_function(source: Any) -> None:
    with pytest.raises(LookupError, match="raise LookupError"):
        list(source.failing.remote(1))
    with pytest.raises(TypeError, match=r"returned a generator\. You must use `handle.options"):
        source.options(stream=False).count.remote(1).result()
