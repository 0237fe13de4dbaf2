import base64
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import fastapi
import pytest
from fastapi import Depends, FastAPI

from adapter import lambda_handler, serve
from adapter.errors import (
    InvalidOption,
    LifespanFailed,
    ServeError,
    remote_error,
)
from adapter.function import Function, entry_point
from adapter.runtime.logs import TextFormatter
from adapter.runtime.protocol import ERROR_BODY, Failure
from tests import events

GO_READS = 4096  # bytes of trailers that Go's HTTP server takes, and AWS's emulator with it


@pytest.mark.parametrize("character", ["a", "é", "\u4e00", "\U0001f600", '"'])
def test_trailers_fit_whatever_the_error_is(character: str) -> None:
    failure = Failure(
        error_type=character * 5_000,
        message=character * 50_000,
        stack_trace=tuple(f"frame {number} {character * 500}" for number in range(50)),
    )

    trailers = failure.trailers()

    assert sum(len(name) + len(value) + 4 for name, value in trailers.items()) + 2 < GO_READS
    assert json.loads(base64.b64decode(trailers[ERROR_BODY]))["errorMessage"].startswith(character)


def test_trailers_name_the_classes_and_leave_out_the_state() -> None:
    error = QuotaExceeded("x", 1)
    error.limits = list(range(5000))  # type: ignore[attr-defined]
    failure = Failure.of(error)

    told = json.loads(base64.b64decode(failure.trailers()[ERROR_BODY]))
    assert "errorAttributes" in failure.told
    assert told.keys() & failure.told.keys() == {"errorClasses"}


def test_trailers_keep_the_frames_next_to_the_error() -> None:
    frames = tuple(f"frame {number}" + "." * 100 for number in range(50))

    body = Failure(error_type="E", message="short", stack_trace=frames).trailers()[ERROR_BODY]

    kept = json.loads(base64.b64decode(body))["stackTrace"]
    assert kept == list(frames[-len(kept) :])
    assert 5 < len(kept) < 50


class QuotaExceeded(ValueError):
    """An exception of the user's own that is a builtin one."""


class Plain(Exception):
    """An exception of the user's own that is no other."""


VALUE_ERROR, KEY_ERROR = ["builtins", "ValueError"], ["builtins", "KeyError"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (QuotaExceeded("x"), {"errorClasses": [[__name__, "QuotaExceeded"], VALUE_ERROR]}),
        (Plain("x"), {"errorClasses": [[__name__, "Plain"]]}),
        (ValueError("x"), {}),
        (ValueError("x", 1), {"errorClasses": [VALUE_ERROR], "errorArgs": ["x", 1]}),
        (KeyboardInterrupt("x", 1), {}),
        (remote_error("x", error_type="KeyError"), {"errorClasses": [KEY_ERROR]}),
        (remote_error("x", error_type="Own"), {}),
    ],
)
def test_failure_tells_which_exception_it_is(
    error: BaseException,
    told: dict[str, Any],
) -> None:
    body = json.loads(Failure.of(error).body())

    common = {"errorType", "errorMessage", "stackTrace"}
    found = {name: body[name] for name in body if name not in common}
    assert {"errorArgs": ["x"], **found} == {"errorArgs": ["x"], **told}


app = FastAPI()


@app.get("/async")
async def async_route() -> None:
    raise LookupError("no such pen")


@app.get("/plain")
def plain_route() -> None:
    raise LookupError("no such pen")


@app.get("/caused")
async def caused_route() -> None:
    try:
        await async_route()
    except LookupError as error:
        raise ValueError("no order") from error


def missing() -> str:
    raise LookupError("no such pen")


async def connection() -> AsyncIterator[str]:
    yield missing()


@app.get("/dependent")
def dependent_route(found: Annotated[str, Depends(connection)]) -> str:
    return found


@app.get("/number", response_model=int)
async def number_route() -> str:
    return "no number"


class Gateway:
    @app.get("/view")
    def view(self) -> None:
        raise LookupError("no such pen")


@pytest.fixture
def traceback_of(
    closing: Callable[[Function], Function],
    caplog: pytest.LogCaptureFixture,
) -> Callable[[str], list[str]]:
    """Return the lines of the traceback that a request to a path leaves in the log."""
    function = closing(entry_point(serve.ingress(app)(Gateway)))

    def log(path: str) -> list[str]:
        function(events.http_api(path=path))
        (record,) = caplog.records
        return TextFormatter().format(record).split("\r")[1:]

    return log


@pytest.mark.parametrize(
    ("path", "frame"),
    [
        ("/async", "in async_route"),
        ("/plain", "in plain_route"),
        ("/dependent", "in connection"),
        ("/view", "in view"),
    ],
)
def test_the_traceback_of_a_web_application_begins_in_the_users_code(
    traceback_of: Callable[[str], list[str]],
    path: str,
    frame: str,
) -> None:
    lines = traceback_of(path)

    assert lines[0].startswith(f'  File "{__file__}", line ')
    assert lines[0].endswith(frame)
    assert lines[-1] == "LookupError: no such pen"


def test_the_tracebacks_of_causes_begin_in_the_users_code_too(
    traceback_of: Callable[[str], list[str]],
) -> None:
    lines = traceback_of("/caused")

    assert {line.split('"')[1] for line in lines if line.startswith("  File ")} == {__file__}
    assert [line for line in lines if not line.startswith(" ")] == [
        "LookupError: no such pen",
        "The above exception was the direct cause of:",
        "ValueError: no order",
    ]


def test_an_error_of_the_framework_alone_keeps_its_frames(
    traceback_of: Callable[[str], list[str]],
) -> None:
    files = [line for line in traceback_of("/number") if line.startswith("  File ")]

    assert len(files) > 5
    assert "applications.py" in files[0]
    assert "serialize_response" in files[-1]


def test_an_error_of_ours_alone_says_what_is_wrong_without_our_frames() -> None:
    with pytest.raises(InvalidOption) as failed:
        serve.batch(max_batch_size=0)
    failed.value.__traceback__ = failed.tb.tb_next  # without this test's frame

    failure = Failure.of(failed.value)
    assert not failure.stack_trace
    assert "max_batch_size" in failure.message


def test_a_lifespan_that_fails_is_shown_from_the_users_code_on(
    closing: Callable[[Function], Function],
) -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        missing()
        yield

    handler = closing(lambda_handler(FastAPI(lifespan=lifespan)))
    with pytest.raises(LifespanFailed) as raised:
        handler(events.http_api())

    failure = Failure.of(raised.value)
    trace = failure.stack_trace
    assert failure.message == "LookupError: no such pen"
    assert "in lifespan\n" in trace[0]
    assert "in missing\n" in trace[1]
    assert trace[2] == "LookupError: no such pen\n"


def test_code_beside_a_framework_whose_name_its_own_begins_with_is_the_users() -> None:
    beside = str(Path(fastapi.__file__).parent) + "_users/routes.py"

    with pytest.raises(LookupError) as failed:
        exec(compile("missing()", beside, "exec"), {"missing": missing})
    failed.value.__traceback__ = failed.tb.tb_next  # without this test's frame

    assert f'File "{beside}"' in Failure.of(failed.value).stack_trace[0]


TRACE = ['  File "model.py", line 3, in predict\n    raise KeyError("x")\n']


def failed_remotely() -> Failure:
    error = remote_error(
        "'x'",
        error_type="KeyError",
        remote_traceback=TRACE,
        deployment="Model",
    )
    with pytest.raises(KeyError) as failed:
        raise error
    return Failure.of(failed.value)


def test_an_error_of_a_callee_is_told_in_one_line() -> None:
    assert failed_remotely().message == "KeyError in deployment Model: 'x'"


def test_the_traceback_of_a_callee_stands_before_that_of_the_caller() -> None:
    trace = "".join(failed_remotely().stack_trace)

    assert trace.startswith(
        "".join(TRACE)
        + "KeyError in deployment Model: 'x'\n"
        + "The above exception was the direct cause of:\n"
        + f'  File "{__file__}"',
    )


def test_a_log_shows_the_traceback_of_a_callee_line_by_line() -> None:
    record = logging.LogRecord("a", logging.ERROR, "", 1, "it failed", None, None)
    record.failure = failed_remotely()

    written = TextFormatter().format(record)

    assert "\\n" not in written
    assert '\r    raise KeyError("x")\r' in written


def test_an_error_of_ours_ends_with_the_users_frames() -> None:
    model = serve.deployment(missing).bind()
    with pytest.raises(ServeError) as failed:
        serve.run(model, name="")

    assert [line.partition(", line")[0] for line in Failure.of(failed.value).stack_trace] == [
        f'  File "{__file__}"',
    ]
