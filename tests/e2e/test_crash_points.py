"""Environments under `adapter run` that kill themselves at each step of an invocation.

A client sees an error or a visibly broken answer, never a cut one that looks complete. The log
names the reason in one line, and the next request is served by a fresh environment.
"""

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from tests import events
from tests.running import Run, adapter_run

PATIENCE_S = 60.0
EXIT = "Runtime exited with error: exit status 3"
KILLED = "Runtime exited with error: signal: killed"
PROGRAM = '''
import asyncio
import os
import signal
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse

from adapter import serve
from adapter.runtime import blocking, protocol

FOLDER = Path(__file__).parent
OPTIONS = serve.LambdaOptions(timeout_s=600)


def die_if(name):
    """Die once, where the test has asked for it."""
    if (FOLDER / name).exists():
        (FOLDER / name).unlink()
        os._exit(3)


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


async def opened(gate):
    while gate and not Path(gate).exists():
        await asyncio.sleep(0.01)


parse = protocol.Invocation.parse
send_all = blocking.BlockingConnection.send


def die_after_next(headers, body):
    if b"die-after-next" in body:
        os._exit(3)
    return parse(headers, body)


async def die_in_post(connection, data):
    for share, mark in ((0, b"die-before-post"), (2, b"die-in-post")):
        if data.startswith(b"POST") and mark in data:
            await send_all(connection, data[: share and len(data) // share])
            os._exit(3)
    await send_all(connection, data)


protocol.Invocation.parse = die_after_next
blocking.BlockingConnection.send = die_in_post


@serve.deployment(lambda_options=OPTIONS)
class Fragile:
    def __init__(self):
        die_if("init")

    def pid(self):
        return os.getpid()


@serve.deployment(lambda_options=OPTIONS)
class Callee:
    def pid(self):
        return os.getpid()

    def exit(self):
        os._exit(3)

    async def items(self, gate):
        yield "one"
        yield "two"
        await opened(gate)
        kill()


@serve.deployment(
    max_ongoing_requests=2,
    lambda_options=serve.LambdaOptions(timeout_s=600, capacity_provider="shared"),
)
class Shared:
    def pid(self):
        return os.getpid()

    async def hold(self, held):
        Path(held).touch()
        await asyncio.Event().wait()

    def exit(self):
        os._exit(3)


@serve.deployment(lambda_options=serve.LambdaOptions(timeout_s=600, url="stream"))
class Gateway:
    def __init__(self, callee, fragile, shared):
        die_if("gateway")
        self.callee = callee
        self.fragile = fragile

    async def __call__(self, request: Request):
        return await getattr(self, request.url.path.rpartition("/")[2])(request.query_params)

    async def pid(self, query):
        return os.getpid()

    async def exit(self, query):
        os._exit(3)

    async def kill(self, query):
        kill()

    async def mark(self, query):
        return PlainTextResponse(query["mark"])

    async def background(self, query):
        async def die():
            await opened(query["gate"])
            kill()

        return PlainTextResponse("whole", background=BackgroundTask(die))

    async def stream(self, query):
        async def pieces():
            yield "one"
            yield "two"
            await opened(query.get("gate"))
            kill()

        headers = {"content-length": query["length"]} if "length" in query else {}
        kind = query.get("type", "text/plain")
        return StreamingResponse(pieces(), media_type=kind, headers=headers)

    async def held(self, query):
        Path(query["held"]).touch()
        await opened(query["gate"])
        kill()

    async def call(self, query):
        return await self.callee.exit.remote()

    async def caught(self, query):
        method = self.fragile.pid if "init" in query else self.callee.exit
        try:
            await method.remote()
        except Exception as error:
            return f"{error.error_type}: {error.message.partition('Error: ')[2]}"

    async def relay(self, query):
        items = self.callee.options(stream=True).items.remote(query.get("gate"))
        return StreamingResponse(items, media_type="text/plain")

    async def callee_pid(self, query):
        return await self.callee.pid.remote()


app = Gateway.bind(Callee.bind(), Fragile.bind(), Shared.bind())
'''


class Served:
    """A running `adapter run`, and what its log says of environments that died."""

    def __init__(self, run: Run, folder: Path) -> None:
        self.run = run
        self.folder = folder
        self._gates = 0

    def gate(self) -> Path:
        """Return a new gate; it opens when the file exists."""
        self._gates += 1
        return self.folder / f"gate-{self._gates}"

    @contextlib.contextmanager
    def opened(self, path: str, *, version: str = "1.1") -> Iterator[http.client.HTTPResponse]:
        """Ask, and read status and headers only."""
        parts = urlsplit(self.run.http_url)
        client = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=PATIENCE_S)
        client._http_vsn_str = f"HTTP/{version}"  # type: ignore[attr-defined]
        with contextlib.closing(client):
            client.request("GET", path)
            yield client.getresponse()

    def get(self, path: str, **more: str) -> tuple[int, str]:
        """Ask, and read all of the answer."""
        with self.opened(path, **more) as response:
            return response.status, response.read().decode()

    def pid(self, path: str = "/pid") -> int:
        """Ask an environment which process it is."""
        status, text = self.get(path)
        assert status == 200
        return int(text)

    def told(self, kind: str, known: int = 0, **facts: str) -> dict[str, Any]:
        """Wait for one more record of a kind, and with these facts, than are known."""
        end = time.monotonic() + PATIENCE_S
        while len(found := self.of(kind, **facts)) <= known:
            if time.monotonic() > end:
                pytest.fail(f"nothing was told of {kind!r} {facts}: {self.run.records}")
            time.sleep(0.005)
        return found[known]

    def of(self, kind: str, **facts: str) -> list[dict[str, Any]]:
        """Return what was told of a kind, with these facts."""
        wanted = {"type": kind, **facts}.items()
        return [record for record in list(self.run.records) if wanted <= record.items()]

    @contextlib.contextmanager
    def dying(self, function: str, reason: str) -> Iterator[None]:
        """See one environment of a function die, told in one line, and no other."""
        known = len(self.of("crash"))
        yield
        crash = self.told("crash", known)  # one record is one line
        assert (crash["function"], crash["reason"]) == (function, reason)
        assert len(self.of("crash")) == known + 1


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[Served]:
    """Serve the program from a folder."""
    (folder / "program.py").write_text(PROGRAM)
    run = adapter_run("program:app", *options, folder=folder)
    try:
        yield Served(run, folder)
    finally:
        run.stop()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("program")) as running:
        yield running


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[Any]:
    made = boto3.client(
        "lambda",
        endpoint_url=served.run.lambda_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=PATIENCE_S),
    )
    with contextlib.closing(made):
        yield made


FRONTS = pytest.mark.parametrize(
    ("front", "failed"),
    [
        ("", (500, '{"message": "Internal Server Error"}')),
        ("/_url/Gateway", (502, "Internal Server Error")),
    ],
    ids=["http-api", "url"],
)


@FRONTS
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/mark?mark=die-after-next", EXIT),
        ("/exit", EXIT),
        ("/kill", KILLED),
        ("/stream", KILLED),
    ],
)
def test_before_the_answer_has_begun_it_is_an_error(
    served: Served,
    front: str,
    failed: tuple[int, str],
    path: str,
    reason: str,
) -> None:
    before = served.pid()
    version = "1.0" if path == "/stream" else "1.1"  # a client of 1.0 gets no pieces
    facts = {"label": f"GET {front}{path.partition('?')[0]}", "error": "Runtime.ExitError"}
    known = len(served.of("invocation", **facts))
    with served.dying("Gateway", reason):
        answer = served.get(f"{front}{path}", version=version)
    told = served.told("invocation", known, **facts)

    assert answer == failed
    assert (told["status"], told["streamed"]) == (str(failed[0]), False)
    assert served.pid() != before


@pytest.mark.parametrize("mark", ["die-before-post", "die-in-post"])
def test_an_answer_that_has_not_left_whole_is_an_error(served: Served, mark: str) -> None:
    before = served.pid()
    with served.dying("Gateway", EXIT):
        answer = served.get(f"/mark?mark={mark}")

    assert answer == (500, '{"message": "Internal Server Error"}')
    assert served.pid() != before


@FRONTS
@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("", b"onetwo"),
        ("&type=text/event-stream", b"onetwo"),
        ("&length=9", b"onetwo"),
        ("&length=6", b"one"),  # the piece that would complete it waits for the end
    ],
)
def test_a_stream_that_has_begun_is_visibly_broken(
    served: Served,
    front: str,
    failed: tuple[int, str],
    query: str,
    seen: bytes,
) -> None:
    del failed
    before, gate = served.pid(), served.gate()
    path = f"{front}/stream?gate={gate}{query}"
    facts = {"label": f"GET {front}/stream", "status": "200"}
    known = len(served.of("invocation", **facts))
    with served.dying("Gateway", KILLED), served.opened(path) as response:
        got = b""
        while got != seen:
            got += response.read1()
        gate.touch()
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
    told = served.told("invocation", known, **facts)

    assert (response.status, caught.value.partial) == (200, b"")
    assert (told["error"], told["streamed"]) == ("Runtime.ExitError", True)
    assert served.pid() != before


def test_an_answer_stands_when_what_follows_it_dies(served: Served) -> None:
    before, gate = served.pid(), served.gate()
    with served.dying("Gateway", KILLED):
        answer = served.get(f"/background?gate={gate}")
        gate.touch()

    assert answer == (200, "whole")
    assert served.pid() != before


def test_a_callee_that_dies_is_an_error_of_its_caller(served: Served) -> None:
    before, caller = served.get("/callee_pid"), served.pid()
    with served.dying("Callee", EXIT):
        caught = served.get("/caught")
    with served.dying("Callee", EXIT):
        uncaught = served.get("/call")

    assert caught == (200, f"Runtime.ExitError: {EXIT}")
    assert uncaught == (500, "Internal Server Error")
    assert served.get("/callee_pid") != before
    assert served.pid() == caller


@FRONTS
def test_a_callee_that_dies_in_mid_stream_breaks_its_callers_stream(
    served: Served,
    front: str,
    failed: tuple[int, str],
) -> None:
    del failed
    before, caller, gate = served.get("/callee_pid"), served.pid(), served.gate()
    path = f"{front}/relay?gate={gate}"
    with served.dying("Callee", KILLED), served.opened(path) as response:
        got = b""
        while got != b"onetwo":
            got += response.read1()
        gate.touch()
        with pytest.raises(http.client.IncompleteRead):
            response.read()

    assert served.get("/callee_pid") != before
    assert served.pid() == caller


def test_in_init_it_is_an_error_and_the_next_call_starts_again(
    served: Served,
    client: Any,
) -> None:
    (served.folder / "init").touch()
    with served.dying("Fragile", EXIT):
        assert served.get("/caught?init=1") == (200, f"Runtime.ExitError: {EXIT}")
    for _ in range(2):
        (served.folder / "init").touch()
        with served.dying("Fragile", EXIT):
            assert function_error(client, "Fragile", "pid") == f"Runtime.ExitError: {EXIT}"
    answer = client.invoke(FunctionName="Fragile", Payload=b'{"method": "pid"}')

    assert "FunctionError" not in answer
    assert json.load(answer["Payload"]) > 0


@FRONTS
def test_in_init_it_is_an_error_and_the_next_request_starts_again(
    served: Served,
    front: str,
    failed: tuple[int, str],
) -> None:
    with served.dying("Gateway", EXIT):  # or a warm environment would answer
        served.get("/exit")
    (served.folder / "gateway").touch()
    with served.dying("Gateway", EXIT):
        answer = served.get(f"{front}/pid")

    assert answer == failed
    assert served.pid() > 0


def function_error(client: Any, function: str, method: str, *args: Any) -> str:
    """Invoke and return the error, without the request's id."""
    call = json.dumps({"method": method, "args": args})
    answer = client.invoke(FunctionName=function, Payload=call)
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    error = json.load(answer["Payload"])
    return f"{error['errorType']}: {error['errorMessage'].partition('Error: ')[2]}"


def test_an_invoke_is_told_what_ended_the_function(served: Served, client: Any) -> None:
    with served.dying("Callee", EXIT):
        assert function_error(client, "Callee", "exit") == f"Runtime.ExitError: {EXIT}"

    answer = client.invoke(FunctionName="Callee", Payload=b'{"method": "pid"}')
    assert json.load(answer["Payload"]) > 0


def test_an_invoke_that_streams_is_told_what_ended_the_function(
    served: Served,
    client: Any,
) -> None:
    event = events.function_url(path="/stream", query="type=text/event-stream")
    with served.dying("Gateway", KILLED):
        call = client.invoke_with_response_stream(FunctionName="Gateway", Payload=json.dumps(event))
        *chunks, complete = call["EventStream"]
    payload = b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks)

    assert payload.endswith(bytes(8) + b"onetwo")
    assert complete["InvokeComplete"]["ErrorCode"] == "Runtime.ExitError"
    assert KILLED in complete["InvokeComplete"]["ErrorDetails"]


def test_all_that_share_an_environment_end_with_it(served: Served, client: Any) -> None:
    held = served.gate()
    with ThreadPoolExecutor(1) as threads, served.dying("Shared", EXIT):
        holding = threads.submit(function_error, client, "Shared", "hold", str(held))
        appears(held)
        ended = function_error(client, "Shared", "exit")
        also_ended = holding.result()
    answer = client.invoke(FunctionName="Shared", Payload=b'{"method": "pid"}')

    assert ended == also_ended == f"Runtime.ExitError: {EXIT}"
    assert json.load(answer["Payload"]) > 0


def test_who_waits_for_the_environment_gets_a_fresh_one(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-environments", "1") as served, ThreadPoolExecutor(3) as threads:
        before, gate, held = served.pid(), served.gate(), served.gate()
        with served.dying("Gateway", KILLED):
            first = threads.submit(served.get, f"/held?held={held}&gate={gate}")
            appears(held)
            others = [threads.submit(served.pid) for _ in range(2)]
            time.sleep(0.3)  # they wait: one environment is all there may be
            gate.touch()
            answers = {other.result() for other in others}

        assert first.result()[0] == 500
        assert len(answers) == 1
        assert before not in answers


def appears(path: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.005)
