"""A FastAPI program that streams, served by `adapter run` and read piece by piece."""

import contextlib
import http.client
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from tests import events
from tests.running import Run, adapter_run

PROGRAM = """
import asyncio
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from adapter import serve

api = FastAPI()


async def opened(gate):
    while not Path(gate).exists():
        await asyncio.sleep(0.01)


@serve.deployment(lambda_options=serve.LambdaOptions(url="stream"))
@serve.ingress(api)
class Gateway:
    @api.get("/words")
    async def words(self, gate: str, fail: bool = False) -> StreamingResponse:
        async def words():
            yield "one "
            await opened(gate)
            if fail:
                raise KeyError("on purpose")
            yield "two"

        return StreamingResponse(words(), media_type="text/plain")

    @api.get("/json")
    async def json(self) -> dict[str, int]:
        return {"a": 1}


app = Gateway.bind()
"""


class Served:
    """A running `adapter run` and a gate that its program waits at."""

    def __init__(self, run: Run, folder: Path) -> None:
        self.run = run
        self.folder = folder
        self.gates = 0

    def gate(self) -> Path:
        """Return a new gate; it opens when the file exists."""
        self.gates += 1
        return self.folder / f"gate-{self.gates}"

    @contextlib.contextmanager
    def get(self, path: str) -> Iterator[http.client.HTTPResponse]:
        """Ask, and read status and headers only."""
        parts = urlsplit(self.run.http_url)
        client = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        with contextlib.closing(client):
            client.request("GET", path)
            yield client.getresponse()

    def told(self, path: str) -> dict[str, Any]:
        """End the run, so that all its lines are there, and return what it told of a path."""
        assert self.run.stop() == 0
        return next(one for one in self.run.records if one.get("label") == f"GET {path}")


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    (tmp_path / "program.py").write_text(PROGRAM)
    with contextlib.ExitStack() as runs:

        def serve(*options: str) -> Served:
            run = adapter_run("program:app", *options, folder=tmp_path)
            runs.callback(run.stop)
            return Served(run, tmp_path)

        yield serve


@pytest.mark.parametrize(
    ("front", "note"),
    [("", "an HTTP API buffers this"), ("/_url/Gateway", "")],
)
def test_a_piece_is_there_before_the_next_one_is_made(
    serving: Callable[..., Served],
    front: str,
    note: str,
) -> None:
    served = serving()
    gate = served.gate()
    with served.get(f"{front}/words?gate={gate}") as response:
        first = response.read1()
        gate.touch()
        rest = response.read()
    told = served.told(f"{front}/words")

    assert (response.status, response.headers["content-type"].split(";")[0]) == (200, "text/plain")
    assert (first, rest) == (b"one ", b"two")
    assert (told["streamed"], told["bytes"], told["error"]) == (True, 7, "")
    assert told["note"] == note


def test_as_deployed_the_http_api_buffers_and_the_url_streams(
    serving: Callable[..., Served],
) -> None:
    served = serving("--as-deployed")
    gate = served.gate()
    gate.touch()
    with served.get(f"/words?gate={gate}") as buffered:
        whole = buffered.read()
    gate = served.gate()
    with served.get(f"/_url/Gateway/words?gate={gate}") as response:
        first = response.read1()
        gate.touch()
        response.read()
    told = served.told("/words")

    assert (whole, buffered.headers["content-length"]) == (b"one two", "7")
    assert not told["streamed"]
    assert first == b"one "


def test_what_fails_in_mid_stream_is_cut_off_and_told(serving: Callable[..., Served]) -> None:
    served = serving()
    gate = served.gate()
    with served.get(f"/words?gate={gate}&fail=1") as response:
        response.read1()
        gate.touch()
        with pytest.raises(http.client.IncompleteRead):
            response.read()
    told = served.told("/words")

    assert (told["status"], told["streamed"], told["error"]) == ("200", True, "KeyError")


def test_what_is_not_streamed_is_the_same_through_both_fronts(
    serving: Callable[..., Served],
) -> None:
    served = serving()
    found = []
    for front in ("", "/_url/Gateway"):
        with served.get(f"{front}/json") as response:
            found.append((response.status, json.load(response)))

    assert found == [(200, {"a": 1})] * 2


@pytest.mark.parametrize(
    ("fail", "rest", "end"),
    [("0", [b"two"], None), ("1", [], "KeyError")],
)
def test_the_same_stream_comes_through_lambdas_api(
    serving: Callable[..., Served],
    fail: str,
    rest: list[bytes],
    end: str | None,
) -> None:
    served = serving()
    gate = served.gate()
    event = events.function_url(path="/words", query=f"gate={gate}&fail={fail}")
    client = boto3.client(
        "lambda",
        endpoint_url=served.run.lambda_url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    with contextlib.closing(client):
        call = client.invoke_with_response_stream(FunctionName="Gateway", Payload=json.dumps(event))
        answer = iter(call["EventStream"])
        first = next(answer)["PayloadChunk"]["Payload"]
        gate.touch()
        *chunks, complete = answer

    assert first.endswith(bytes(8) + b"one ")
    assert [chunk["PayloadChunk"]["Payload"] for chunk in chunks] == rest
    assert complete["InvokeComplete"].get("ErrorCode") == end
