"""`request_timeout_s`: how long an HTTP request may take, whatever Lambda's own timeout is."""

import asyncio
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI
from starlette.responses import StreamingResponse

from adapter.function import Function
from adapter.responder import ResponseStream
from adapter.servable import ApplicationServable
from adapter.settings import HttpSettings, Settings
from tests import events

CONTEXT = SimpleNamespace(aws_request_id="id-1")
PATIENCE_S = 20.0

cancelled: list[str] = []
done = threading.Event()
app = FastAPI()


@app.get("/quick")
async def quick() -> str:
    return "quick"


@app.get("/slow")
async def slow() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        cancelled.append("slow")
        raise


@app.get("/plain")
def plain() -> str:
    assert done.wait(PATIENCE_S)
    return "too late"


@app.get("/background")
async def background(tasks: BackgroundTasks) -> str:
    async def work() -> None:
        await asyncio.sleep(0.1)  # longer than a request may take
        cancelled.append("not cancelled")

    tasks.add_task(work)
    return "answered"


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def one() -> AsyncIterator[str]:
        yield "one"
        await slow()

    return StreamingResponse(one())


class Recorded:
    """A responder that keeps what it gets."""

    def __init__(self) -> None:
        self.answered = False
        self.streams = True
        self.got: list[Any] = []

    async def respond(self, result: Any) -> None:
        self.answered = True
        self.got.append(result)
        done.set()

    async def stream(self, content_type: str) -> ResponseStream:
        self.answered = True
        self.got.append(content_type)
        return self

    async def write(self, data: bytes) -> None:
        self.got.append(data.rpartition(b"\0")[2])

    async def end(self) -> None:
        self.got.append("end")

    async def fail(self, error: BaseException) -> None:
        self.got.append(str(error))


def answer(path: str, *streams: str, timeout_s: float = 0.05) -> list[Any]:
    cancelled.clear()
    done.clear()
    recorded = Recorded()

    async def scenario() -> None:
        servable = ApplicationServable(
            app, HttpSettings(streams=frozenset(streams), request_timeout_s=timeout_s)
        )
        function = Function(servable, asyncio.get_running_loop())
        await function.start()
        await function.serve(events.local_http_api(path=path), CONTEXT, recorded)
        await function.stop()

    asyncio.run(scenario())
    return recorded.got


def test_a_request_in_time_is_answered() -> None:
    assert answer("/quick", timeout_s=PATIENCE_S)[0]["body"] == '"quick"'


def test_a_request_that_takes_longer_is_cancelled_and_answered_with_408() -> None:
    (result,) = answer("/slow")

    assert (result["statusCode"], result["body"]) == (408, "Request id-1 timed out after 0.05s.")
    assert cancelled == ["slow"]


def test_plain_code_runs_on_and_its_answer_is_dropped() -> None:
    (result,) = answer("/plain")

    assert result["statusCode"] == 408


def test_work_after_the_response_has_all_the_time_of_the_invocation() -> None:
    (result,) = answer("/background")

    assert result["body"] == '"answered"'
    assert cancelled == ["not cancelled"]


def test_a_stream_that_takes_longer_is_broken_off() -> None:
    got = answer("/stream", "http-api")

    assert got[1:] == [b"one", "Request id-1 timed out after 0.05s."]
    assert cancelled == ["slow"]


def test_a_stream_whose_opening_takes_longer_is_answered_once() -> None:
    recorded = Recorded()
    let = asyncio.Event()

    class Slow:
        answered, streams = False, True

        async def respond(self, result: Any) -> None:
            await recorded.respond(result)

        async def stream(self, content_type: str) -> ResponseStream:
            asyncio.get_running_loop().call_later(0.1, let.set)  # longer than a request may take
            await let.wait()
            return await recorded.stream(content_type)

    async def pieces(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            body = {"type": "http.response.body", "body": b"one", "more_body": True}
            await asyncio.shield(sending := asyncio.ensure_future(send(body)))
            await sending

    async def scenario() -> None:
        settings = HttpSettings(streams=frozenset({"http-api"}), request_timeout_s=0.05)
        function = Function(ApplicationServable(pieces, settings), asyncio.get_running_loop())
        await function.serve(events.local_http_api(), CONTEXT, Slow())
        await function.stop()

    asyncio.run(scenario())

    assert recorded.got[1:] == ["Request id-1 timed out after 0.05s."]


@pytest.mark.parametrize(("value", "seconds"), [("", None), ("2.5", 2.5)])
def test_the_plan_says_how_long_by_a_variable(value: str, seconds: float | None) -> None:
    settings = Settings.from_environment({"ADAPTER_REQUEST_TIMEOUT_S": value})

    assert settings.http.request_timeout_s == seconds
