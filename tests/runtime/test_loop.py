"""What our loop does with handlers that are not the adapter's, and with answers that go wrong."""

from pathlib import Path
from typing import Any

import pytest

from tests import events
from tests.runtime.hosts import OURS, RUNTIMES, emulator, local_host


def invoke(source: str, tmp_path: Path, *events: Any) -> list[Any]:
    with local_host(source, OURS, tmp_path) as host:
        return [host.invoke(event) for event in events]


def test_a_plain_handler_is_served(tmp_path: Path) -> None:
    source = "def handler(event, context):\n    return {'got': event, 'ok': True}\n"

    (result,) = invoke(source, tmp_path, [1, 2])

    assert result.payload == {"got": [1, 2], "ok": True}


def test_an_async_handler_is_awaited(tmp_path: Path) -> None:
    source = "async def handler(event, context):\n    return event + 1\n"

    (result,) = invoke(source, tmp_path, 41)

    assert result.payload == 42


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_context_says_what_awss_own_says(tmp_path: Path, runtime: str) -> None:
    source = (
        "def handler(event, context):\n"
        "    return [context.function_name, context.function_version,\n"
        "            context.memory_limit_in_mb, context.log_group_name,\n"
        "            context.invoked_function_arn.split(':')[-1],\n"
        "            len(context.aws_request_id),\n"
        "            0 < context.get_remaining_time_in_millis() <= 30_000,\n"
        "            context.client_context, context.identity.cognito_identity_id]\n"
    )
    with local_host(source, RUNTIMES[runtime], tmp_path) as host:
        said = host.invoke({}).payload

    assert said == ["Probe", "$LATEST", "512", "/aws/lambda/Probe", "Probe", 36, True, None, None]


def test_a_result_that_is_no_json_is_an_error_and_the_environment_goes_on(tmp_path: Path) -> None:
    source = "def handler(event, context):\n    return {1, 2} if event else 'fine'\n"

    bad, good = invoke(source, tmp_path, 1, 0)

    assert bad.error == "TypeError"
    assert good.payload == "fine"


@pytest.mark.parametrize("start", [local_host, emulator])
def test_an_answer_above_6_mb_is_an_error_and_the_environment_goes_on(
    tmp_path: Path,
    start: Any,
    capfd: pytest.CaptureFixture[str],
) -> None:
    source = "def handler(event, context):\n    return 'x' * event\n"
    with start(source, OURS, tmp_path) as host:
        large, small = host.invoke(7_000_000), host.invoke(3)

    assert large.error == "Function.ResponseSizeTooLarge"
    assert small.payload == "xxx"
    assert "the answer has 7000002 bytes; Lambda takes 6 MB" in capfd.readouterr().out


def test_output_is_kept_in_order_and_names_the_function(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = "def handler(event, context):\n    print('seen', event)\n"

    invoke(source, tmp_path, 1, 2)

    shown = [line for line in capsys.readouterr().out.splitlines() if "seen" in line]
    assert [line.split()[-2:] for line in shown] == [["seen", "1"], ["seen", "2"]]
    assert all("Probe" in line for line in shown)


ODD_ERRORS = """
class Ошибка(Exception):
    def __str__(self):
        raise KeyError("no text either")

def handler(event, context):
    if event == "text":
        raise Ошибка
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    raise first
"""


def test_the_oddest_exception_is_an_error_and_the_environment_goes_on(tmp_path: Path) -> None:
    text, cycle = invoke(ODD_ERRORS, tmp_path, "text", "cycle")

    assert (text.error, cycle.error) == ("Ошибка", "ValueError")


FAILING_CONSTRUCTOR = """
from adapter.function import entry_point

class Model:
    def __init__(self):
        raise OSError("no weights")

handler = entry_point(Model)
"""
FAILING_LIFESPAN = """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from adapter import lambda_handler

@asynccontextmanager
async def lifespan(app):
    raise KeyError("no database")
    yield

handler = lambda_handler(FastAPI(lifespan=lifespan))
"""
SAYING_GOODBYE = """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from adapter import lambda_handler

@asynccontextmanager
async def lifespan(app):
    yield
    print("lifespan is over")

handler = lambda_handler(FastAPI(lifespan=lifespan))
"""


def test_the_lifespan_ends_when_the_environment_is_asked_to(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    invoke(SAYING_GOODBYE, tmp_path, {})

    assert "lifespan is over" in capsys.readouterr().out


EXITING = """
import sys
from fastapi import FastAPI
from adapter import lambda_handler

app = FastAPI()

@app.get("/plain")
def plain():
    sys.exit(4)

@app.get("/async")
async def asynchronous():
    sys.exit(4)

handler = lambda_handler(app)
"""


@pytest.mark.parametrize("route", ["/plain", "/async"])
def test_an_exit_in_a_route_ends_the_environment_at_once(  # row 16, R17
    tmp_path: Path,
    route: str,
) -> None:
    (result,) = invoke(EXITING, tmp_path, events.http_api(path=route))

    assert result.error == "Runtime.ExitError"
    assert "exit status 4" in result.payload["errorMessage"]


INIT_FAILURES = {
    "an error while importing": ("1 / 0\n", "ZeroDivisionError"),
    "a handler that is missing": ("other = 1\n", "TargetError"),
    "a constructor that fails": (FAILING_CONSTRUCTOR, "OSError"),
    "a lifespan that fails": (FAILING_LIFESPAN, "LifespanFailed"),
}


@pytest.mark.parametrize("failure", INIT_FAILURES)
def test_a_failed_init_is_reported_with_its_cause(tmp_path: Path, failure: str) -> None:  # R18
    source, error = INIT_FAILURES[failure]

    (result,) = invoke(source, tmp_path, {})

    assert result.error == error


def test_a_failed_init_is_reported_to_awss_emulator(tmp_path: Path) -> None:
    source, error = INIT_FAILURES["a constructor that fails"]
    with emulator(source, OURS, tmp_path) as host:
        result = host.invoke({})

    assert result.error == error
    assert result.payload["errorMessage"] == "no weights"
