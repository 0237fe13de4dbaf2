"""Networks that fail under `adapter run`: before it, and between its parts.

No answer is cut and looks complete, nothing is called twice or waits for ever, and the same
environments serve what comes next. What happens at every single byte is tested where a connection
belongs: in tests/local, tests/runtime and tests/calls.
"""

import contextlib
import http.client
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from tests.faults import Address, Fault, Proxy, proxied_in_a_thread
from tests.local.world import PID, function_plan, invocation, result_of, running
from tests.running import Run, adapter_run

PATIENCE_S = 60.0
PROGRAM = """
import asyncio
import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse

from adapter import serve

FOLDER = Path(__file__).parent
OPTIONS = serve.LambdaOptions(timeout_s=600)
os.environ["AWS_ENDPOINT_URL_LAMBDA"] = (FOLDER / "lambda").read_text()


def note(what):
    with (FOLDER / "notes").open("a") as notes:
        notes.write(f"{what}\\n")


@serve.deployment(lambda_options=OPTIONS)
class Callee:
    def whole(self, call):
        note(call)
        return ["one", "two"]

    def items(self, call):
        note(call)
        yield "one"
        yield "two"


@serve.deployment(lambda_options=OPTIONS)
class Gateway:
    def __init__(self, callee):
        self.callee = callee

    async def __call__(self, request: Request):
        return await getattr(self, request.url.path.strip("/"))(request)

    async def pid(self, request):
        return os.getpid()

    async def echo(self, request):
        return PlainTextResponse(await request.body())

    async def endless(self, request):
        async def pieces():
            try:
                while True:
                    yield "again "
                    await asyncio.sleep(0.01)
            finally:
                note("the stream was closed")

        return StreamingResponse(pieces(), media_type="text/event-stream")

    async def whole(self, request):
        try:
            return await self.callee.whole.remote(request.query_params["call"])
        except Exception as error:
            return [getattr(error, "reason", repr(error))]

    async def items(self, request):
        found = []
        try:
            async for item in self.callee.options(stream=True).items.remote(
                request.query_params["call"],
            ):
                found.append(item)
        except Exception as error:
            found.append(getattr(error, "reason", repr(error)))
        return found


app = Gateway.bind(Callee.bind())
"""


class Served:
    """A running `adapter run`, a proxy before its front and one before its Lambda API."""

    def __init__(self, run: Run, front: Proxy, calls: Proxy, notes: Path) -> None:
        self.run = run
        self.front = front
        self.calls = calls
        self._notes = notes

    @property
    def notes(self) -> list[str]:
        """What the program has noted."""
        return self._notes.read_text().splitlines() if self._notes.exists() else []

    @contextlib.contextmanager
    def opened(self, path: str, body: bytes | None = None) -> Iterator[http.client.HTTPResponse]:
        """Ask through the proxy, and read status and headers only."""
        client = http.client.HTTPConnection(*self.front.address, timeout=PATIENCE_S)
        with contextlib.closing(client):
            client.request("POST" if body else "GET", path, body)
            yield client.getresponse()

    def get(self, path: str, body: bytes | None = None) -> Any:
        """Ask, and read all of the answer."""
        with self.opened(path, body) as response:
            assert response.status == 200
            return response.read() if body else json.load(response)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("program")
    (folder / "program.py").write_text(PROGRAM)
    nobody = Address("127.0.0.1", 9)
    with proxied_in_a_thread(nobody) as front, proxied_in_a_thread(nobody) as calls:
        (folder / "lambda").write_text(calls.address.url)
        run = adapter_run("program:app", folder=folder)
        front.server, calls.server = address(run.http_url), address(run.lambda_url)
        try:
            yield Served(run, front, calls, folder / "notes")
        finally:
            run.stop()


@pytest.fixture(autouse=True)
def _mended(served: Served) -> Iterator[None]:
    yield
    served.front.mend()
    served.calls.mend()


def address(url: str) -> Address:
    parts = urlsplit(url)
    return Address(str(parts.hostname), parts.port or 0)


SLOW = pytest.mark.parametrize(
    "fault",
    [Fault(piece=1), Fault(piece=64, latency_s=0.002), Fault(slow_close_s=0.1)],
    ids=["byte by byte", "slow", "slow close"],
)


@SLOW
def test_slow_clients_are_served(served: Served, fault: Fault) -> None:
    served.front.to_server = served.front.to_client = fault
    body = b"x" * 2_000

    assert [served.get("/echo", body) for _ in range(3)] == [body] * 3


@SLOW
def test_slow_calls_between_deployments_arrive(served: Served, fault: Fault) -> None:
    served.calls.to_server = served.calls.to_client = fault

    assert served.get("/whole?call=slow") == ["one", "two"]
    assert served.get("/items?call=slow") == ["one", "two"]


@SLOW
def test_slow_invokes_arrive(served: Served, fault: Fault) -> None:
    served.calls.to_server = served.calls.to_client = fault
    client = boto3.client(
        "lambda",
        endpoint_url=served.calls.address.url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=PATIENCE_S),
    )
    with contextlib.closing(client):
        call = b'{"method": "whole", "args": ["boto3"]}'
        answer = client.invoke(FunctionName="Callee", Payload=call)
        assert json.load(answer["Payload"]) == ["one", "two"]


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_is_cut_off_ends_its_stream(
    served: Served,
    reset: bool,  # noqa: FBT001 - a case
) -> None:
    before, known = served.get("/pid"), len(served.notes)
    served.front.next(to_client=Fault(limit=2_000, reset=reset))
    broken = pytest.raises((http.client.IncompleteRead, ConnectionError))
    with served.opened("/endless") as response, broken:
        response.read()
    until(lambda: len(served.notes) > known)

    assert served.notes[known:] == ["the stream was closed"]
    assert served.get("/pid") == before


def test_half_of_a_request_is_no_request(served: Served) -> None:
    before = served.get("/pid")
    known = len(served.run.records)
    served.front.next(to_server=Fault(limit=1_000))
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        served.get("/echo", b"x" * 2_000)
    after = served.get("/pid")
    labels = [record.get("label") for record in served.run.records[known:]]

    assert after == before
    assert "POST /echo" not in labels


@pytest.mark.parametrize(
    ("path", "way", "size"),
    [
        ("/whole", "to_server", 350),
        ("/whole", "to_client", 200),
        ("/items", "to_server", 350),
        ("/items", "to_client", 600),
    ],
)
def test_a_call_that_is_cut_off_is_an_error_and_made_once(
    served: Served,
    path: str,
    way: str,
    size: int,
) -> None:
    before = served.get("/pid")
    for limit in range(0, size, 37):
        call = f"{path.strip('/')}-{way}-{limit}"
        served.calls.next(**{way: Fault(limit=limit, reset=limit % 2 == 1)})
        served.calls.cut_from_outside()  # no connection of before is used
        *items, end = served.get(f"{path}?call={call}")
        again = served.get(f"{path}?call=again")

        assert (items, end) in [(["one", "two"][:count], "ConnectionFailed") for count in range(3)]
        made = served.notes.count(call)
        assert made == (way == "to_client") or (made, limit) == (0, 0)
        assert again == ["one", "two"]
    assert served.get("/pid") == before


def until(condition: Any) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


RUNTIME = (sys.executable, "-m", "tests.e2e.proxied_runtime")


@pytest.mark.parametrize(
    ("way", "limit"),
    [("server", 100), ("server", 300), ("client", 0), ("client", 300), ("client", 480)],
)
async def test_an_environment_outlives_a_connection_to_its_runtime_api(
    way: str,
    limit: int,
    tmp_path: Path,
) -> None:
    plan, command = function_plan(PID), (*RUNTIME, way, str(limit))
    async with running(plan, tmp_path, command=command, timeout_s=600) as (function, records):
        answers = [await function.invoke(invocation()) for _ in range(3)]
        (environment,) = function.environments

    assert {answer.error_type for answer in answers} <= {None, "Runtime.ConnectionLost"}
    assert [answer.error_type for answer in answers].count(None) >= 2
    assert {result_of(one) for one in answers if one.error_type is None} == {environment.pid}
    assert len(records.of("init")) == 1
    assert not records.of("crash")
