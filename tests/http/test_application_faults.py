"""Applications that answer wrongly, not at all, or want to end; `# row` as in the others.

What applications do to a single request is tested beside `Exchange`; here it reaches the gateway.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.responses import StreamingResponse

from adapter.function import Function, lambda_handler
from tests.http.applications import Application, answering, sending
from tests.http.fronts import FRONTS, FUNCTION_URL, HTTP_API, Front, answer_of, fronts
from tests.http.streams import posted

Closing = Callable[[Function], Function]

START = {"type": "http.response.start", "status": 200, "headers": []}
LAST = {"type": "http.response.body", "body": b"done"}
BROKEN = {
    "a start without a body": sending(START),  # row 26
    "nothing": sending(),  # row 27
    "an unknown message": sending({"type": "http.response.unheard-of"}),  # row 28
    "an unknown message inside the body": sending(
        START,
        {**LAST, "more_body": True},
        {"type": "http.response.unheard-of"},  # row 28
    ),
    "a body without a start": sending(LAST),
    "a status that is none": answering(b"done", status=99),
    "a status of an unfinished response": answering(b"done", status=101),
    "a status that is no number": sending({**START, "status": "200"}, LAST),
    "a message without a type": sending({"status": 200}),
}


@fronts()
@pytest.mark.parametrize("broken", BROKEN)
def test_an_application_that_sends_no_response_is_a_500_and_a_line_in_the_log(
    closing: Closing,
    front: Front,
    broken: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    result = closing(lambda_handler(BROKEN[broken]))(front.make())
    answer = answer_of(result)

    assert (answer.status, answer.text) == (500, "Internal Server Error")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def failing(_scope: Any, _receive: Any, _send: Any) -> None:
    raise LookupError("no such shop")


async def failing_afterwards(scope: Any, receive: Any, send: Any) -> None:
    await answering(b"done")(scope, receive, send)
    raise LookupError("no such shop")


@fronts()
def test_an_unhandled_error_is_a_500_and_its_text_stays_here(
    closing: Closing,
    front: Front,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = answer_of(closing(lambda_handler(failing))(front.make()))

    assert (answer.status, answer.text) == (500, "Internal Server Error")
    assert "no such shop" in caplog.text


@fronts()
def test_an_unhandled_error_is_a_function_error_where_that_is_asked_for(  # row 17
    closing: Closing,
    front: Front,
) -> None:
    function = closing(lambda_handler(failing, raise_errors=True))

    with pytest.raises(LookupError, match="no such shop"):
        function(front.make())


@pytest.mark.parametrize("broken", [sending(START), sending()])
def test_a_response_that_is_missing_is_a_function_error_where_that_is_asked_for(  # row 17
    closing: Closing,
    broken: Application,
) -> None:
    function = closing(lambda_handler(broken, raise_errors=True))

    with pytest.raises(Exception, match="without completing its response"):
        function(HTTP_API.make())


def test_a_500_that_the_application_gives_is_no_function_error(closing: Closing) -> None:  # row 17
    function = closing(lambda_handler(answering(b"sorry", status=500), raise_errors=True))

    assert answer_of(function(HTTP_API.make())).text == "sorry"


def test_the_framework_s_own_500_is_a_function_error_where_that_is_asked_for(  # row 17
    closing: Closing,
) -> None:
    app = FastAPI()

    @app.get("/")
    def divide() -> float:
        return 1 / 0

    with pytest.raises(ZeroDivisionError):
        closing(lambda_handler(app, raise_errors=True))(HTTP_API.make())
    assert answer_of(closing(lambda_handler(app))(HTTP_API.make())).status == 500


def test_errors_are_raised_where_the_environment_says_so(  # row 17
    closing: Closing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ADAPTER_RAISE_ERRORS", "1")

    with pytest.raises(LookupError, match="no such shop"):
        closing(lambda_handler(failing))(HTTP_API.make())


async def failing_with_a_500(scope: Any, receive: Any, send: Any) -> None:
    await answering(b"sorry", status=500)(scope, receive, send)
    raise LookupError("no such shop")


@pytest.mark.parametrize("app", [failing, failing_with_a_500])
def test_an_error_that_is_raised_begins_no_stream(app: Application) -> None:  # row 17
    received = posted(app, raise_errors=True)

    assert json.loads(received)["errorType"] == "LookupError"


def test_an_error_in_mid_stream_is_told_by_trailers_whatever_is_asked_for() -> None:  # row 17
    async def failing_in_the_middle(scope: Any, receive: Any, send: Any) -> None:
        await sending(START, {**LAST, "more_body": True})(scope, receive, send)
        raise LookupError("no such shop")

    for raise_errors in (False, True):
        received = posted(failing_in_the_middle, raise_errors=raise_errors)
        assert b"lambda-runtime-function-error-type: Function.LookupError\r\n" in received


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, MemoryError])  # R17
@pytest.mark.parametrize("begun", [[], [START], [START, LAST]])
def test_what_ends_the_environment_passes(  # row 16, R17
    error: type[BaseException],
    begun: list[dict[str, Any]],
) -> None:
    async def ending(scope: Any, receive: Any, send: Any) -> None:
        await sending(*begun)(scope, receive, send)
        raise error

    function = lambda_handler(ending, lifespan="off")
    with pytest.raises(error):
        function(HTTP_API.make())
    function.close()


def test_a_background_task_that_fails_leaves_the_answer_as_it_was(
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert answer_of(closing(lambda_handler(failing_afterwards))(HTTP_API.make())).text == "done"
    assert "no such shop" in caplog.text


def test_a_lifespan_that_can_run_once_serves_every_request(closing: Closing) -> None:  # row 13
    runs: list[str] = []

    @asynccontextmanager
    async def sessions(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        """Keep a task group open, as session managers do: in one task, once."""
        assert runs == []
        runs.append("run")
        async with asyncio.TaskGroup() as group:
            yield {"group": group}

    app = FastAPI(lifespan=sessions)

    async def number() -> int:
        return 42

    @app.get("/")
    async def ask(request: Request) -> int:
        task: asyncio.Task[int] = request.state.group.create_task(number())
        return await task

    function = closing(lambda_handler(app))

    assert [answer_of(function(HTTP_API.make())).json for _ in range(3)] == [42, 42, 42]
    assert runs == ["run"]


def test_a_lifespan_starts_once_in_a_thousand_requests() -> None:  # row 12, R18
    phases: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        phases.append("startup")
        yield
        phases.append("shutdown")

    function = lambda_handler(FastAPI(lifespan=lifespan))
    statuses = {answer_of(function(HTTP_API.make())).status for _ in range(1_000)}

    assert statuses == {404}
    assert phases == ["startup"]
    function.close()
    assert phases == ["startup", "shutdown"]


async def pieces() -> AsyncIterator[str]:
    yield "one"
    yield "two"


@fronts(*(front for front in FRONTS if front is not FUNCTION_URL))
def test_who_takes_no_stream_sees_no_prelude(front: Front) -> None:
    app = FastAPI()

    @app.get("/")
    async def stream() -> StreamingResponse:
        return StreamingResponse(pieces(), media_type="text/plain")

    received = posted(app, front.make())

    assert bytes(8) not in received
    assert b'"body":"onetwo"' in received


@pytest.mark.parametrize(
    "app",
    [answering(), answering(b"", b""), answering(b"", b"", b""), answering(status=204)],
)
def test_a_stream_without_a_byte_has_a_prelude_and_an_end(app: Application) -> None:
    received = posted(app)

    assert b'{"statusCode":20' in received
    assert received.endswith(bytes(8) + b"\r\n0\r\n\r\n")
