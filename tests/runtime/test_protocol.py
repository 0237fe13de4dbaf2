import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import fastapi
import pytest
from fastapi import Depends, FastAPI

from adapter import lambda_handler, serve
from adapter.errors import BackPressureError, InvalidOption, LifespanFailed, remote_error
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


def test_trailers_fit_whatever_the_details_are() -> None:
    busy = BackPressureError(1, 1, 429)
    busy.message = "x" * 50_000
    frames = ("frame" * 1_000,) * 3
    failure = Failure.of(BackPressureError(1, 1, 429))._replace(stack_trace=frames)

    long, short = (told.trailers()[ERROR_BODY] for told in (Failure.of(busy), failure))

    assert len(long) < GO_READS
    assert "errorDetails" not in json.loads(base64.b64decode(long))
    assert json.loads(base64.b64decode(short))["errorDetails"]["status_code"] == 429


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


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (QuotaExceeded("x"), {"errorType": "QuotaExceeded", "errorBuiltin": "ValueError"}),
        (Plain("x"), {"errorType": "Plain"}),
        (ValueError("x"), {"errorType": "ValueError"}),
        (KeyboardInterrupt("x"), {"errorType": "KeyboardInterrupt"}),
        (
            remote_error("x", error_type="KeyError"),
            {"errorType": "KeyError", "errorBuiltin": "KeyError"},
        ),
        (remote_error("x", error_type="Own"), {"errorType": "Own"}),
    ],
)
def test_failure_tells_which_builtin_exception_it_is(
    error: BaseException,
    told: dict[str, str],
) -> None:
    body = json.loads(Failure.of(error).body())

    assert {name: body[name] for name in body if name not in ("errorMessage", "stackTrace")} == told


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


def test_an_error_of_ours_alone_keeps_the_frame_that_raised_it() -> None:
    with pytest.raises(InvalidOption) as failed:
        serve.batch(max_batch_size=0)
    failed.value.__traceback__ = failed.tb.tb_next  # without this test's frame

    (frame,) = Failure.of(failed.value).stack_trace
    assert "raise InvalidOption(" in frame


def test_a_lifespan_that_fails_is_shown_from_the_users_code_on() -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        missing()
        yield

    with pytest.raises(LifespanFailed) as failed:
        lambda_handler(FastAPI(lifespan=lifespan))

    trace = Failure.of(failed.value).stack_trace
    assert "in lifespan\n" in trace[0]
    assert "in missing\n" in trace[1]
    assert trace[2] == "LookupError: no such pen\n"


def test_code_beside_a_framework_whose_name_its_own_begins_with_is_the_users() -> None:
    beside = str(Path(fastapi.__file__).parent) + "_users/routes.py"

    with pytest.raises(LookupError) as failed:
        exec(compile("missing()", beside, "exec"), {"missing": missing})
    failed.value.__traceback__ = failed.tb.tb_next  # without this test's frame

    assert f'File "{beside}"' in Failure.of(failed.value).stack_trace[0]
