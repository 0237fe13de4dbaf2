"""Our loop on AWS's own Runtime Interface Emulator: streams, and many invocations at once.

The emulator collects a stream before it answers, so what it proves is the format.
"""

import functools
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import events
from tests.runtime.hosts import OURS, Host, concurrent_emulator, emulator

SOURCE = """
import asyncio
import os

from fastapi import FastAPI
from starlette.responses import StreamingResponse

from adapter import lambda_handler

app = FastAPI()
waiting = []
everybody = asyncio.Event()

@app.get("/numbers")
async def numbers():
    async def items():
        yield "one"
        yield "two"
    return StreamingResponse(items(), media_type="text/plain")

@app.get("/empty")
async def empty():
    return StreamingResponse(iter(()), 204)

@app.get("/broken")
async def broken():
    async def items():
        yield "one"
        raise LookupError("broken on purpose " * 300)
    return StreamingResponse(items(), media_type="text/plain")

@app.get("/meet")
async def meet(size: int, fail: bool = False):
    waiting.append(1)
    if len(waiting) == size:
        everybody.set()
    await everybody.wait()
    if fail:
        raise LookupError("only this one")
    return os.getpid()

handler = lambda_handler(app)
"""
HEAD = b'{"statusCode":200,"headers":{"content-type":"text/plain; charset=utf-8"}}' + bytes(8)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("emulator")
    with emulator(SOURCE, OURS, folder, ADAPTER_STREAMS="url") as running:
        yield running


def test_a_stream_arrives_with_prelude_and_body(host: Host) -> None:
    assert host.post(events.function_url(path="/numbers")) == HEAD + b"onetwo"


def test_a_stream_without_a_body_is_the_prelude(host: Host) -> None:
    assert host.post(events.function_url(path="/empty")) == (
        b'{"statusCode":204,"headers":{}}' + bytes(8)
    )


def test_a_stream_that_broke_off_leaves_the_environment_alive(host: Host) -> None:
    assert host.post(events.function_url(path="/broken")) == HEAD + b"one"
    assert host.post(events.function_url(path="/numbers")) == HEAD + b"onetwo"


def test_a_front_that_takes_no_stream_gets_a_result(host: Host) -> None:
    assert json.loads(host.post(events.http_api(path="/numbers")))["body"] == "onetwo"


def test_many_invocations_at_once_share_one_process(tmp_path: Path) -> None:
    def meet(host: Host, number: int) -> str:
        query = f"size=8&fail={'true' if number == 3 else 'false'}"
        event = events.http_api(path="/meet", query=query)
        # It opens after the first poll and refuses more than there are polls.
        while (result := host.invoke(event)).error == "Runtime.Unavailable":
            time.sleep(0.05)
        return str(result.payload["body"])

    with (
        concurrent_emulator(SOURCE, tmp_path, concurrency=8) as many,
        ThreadPoolExecutor(8) as all_,
    ):
        bodies = list(all_.map(functools.partial(meet, many), range(8)))

    assert bodies.pop(3) == "Internal Server Error"
    assert len(set(bodies)) == 1
    assert bodies[0].isdecimal()
