"""What a function logs, as CloudWatch gets it: one line a record, with the request id."""

import contextvars
import json
import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapter.runtime import logs
from adapter.runtime.logs import JsonFormatter, TextFormatter
from adapter.runtime.protocol import Failure
from adapter.serve.context import InvocationContext, invocation
from tests.runtime.hosts import OURS, emulator

HOSTILE = "a\r\n[ERROR]\tforged\x1b[2J\u2028\x9b"


def record(message: str, *args: Any, **extra: Any) -> logging.LogRecord:
    made = logging.getLogger("shop").makeRecord(
        *("shop", logging.WARNING, "shop.py", 1, message, args, extra.pop("exc_info", None)),
        extra=extra,
    )
    made.created, made.msecs = 0.5, 500
    return made


@pytest.fixture
def _in_an_invocation() -> Iterator[None]:
    logs.enter("r-1", alone=True)
    yield
    logs.enter("", alone=True)


@pytest.mark.usefixtures("_in_an_invocation")
def test_text_is_level_time_request_id_and_message() -> None:
    line = TextFormatter().format(record("%d left", 3))

    assert line == "[WARNING]\t1970-01-01T00:00:00.500Z\tr-1\t3 left"


@pytest.mark.usefixtures("_in_an_invocation")
def test_json_is_what_awss_client_writes_and_the_extra_values() -> None:
    assert json.loads(JsonFormatter().format(record("%d left", 3, item="pen"))) == {
        "timestamp": "1970-01-01T00:00:00.500Z",
        "level": "WARNING",
        "message": "3 left",
        "logger": "shop",
        "requestId": "r-1",
        "item": "pen",
    }


def asked_as(client_id: str, **extra: Any) -> dict[str, Any]:
    """Log while what is served has this id."""

    def log() -> str:
        invocation.set(InvocationContext(request_id=client_id))
        return JsonFormatter().format(record("", **extra))

    found: dict[str, Any] = json.loads(contextvars.copy_context().run(log))
    return found


@pytest.mark.usefixtures("_in_an_invocation")
def test_json_has_the_id_of_the_client_besides_lambdas() -> None:
    assert "request_id" not in asked_as("r-1")
    assert "request_id" not in asked_as("")
    assert (
        asked_as("of-the-client").items()
        >= {"requestId": "r-1", "request_id": "of-the-client"}.items()
    )
    assert asked_as("of-the-client", request_id="the user's")["request_id"] == "the user's"


def test_an_extra_value_cannot_stand_for_a_field_of_ours() -> None:
    line = JsonFormatter().format(record("true", level="INFO", requestId="forged", errorType=1))

    assert json.loads(line)["level"] == "WARNING"


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_a_hostile_message_stays_one_line_and_steers_no_terminal(  # R9
    formatter: logging.Formatter,
) -> None:
    for text in (formatter.format(record(HOSTILE)), formatter.format(record("%s", HOSTILE))):
        assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]", text)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_an_exception_stays_one_line_with_its_traceback(formatter: logging.Formatter) -> None:  # R9
    with pytest.raises(LookupError) as caught:
        raise LookupError(HOSTILE)

    line = formatter.format(record("failed", exc_info=(caught.type, caught.value, caught.tb)))

    assert "\n" not in line
    assert "raise LookupError(HOSTILE)" in line
    assert "\x1b" not in line


def test_a_failure_is_told_in_fields() -> None:
    failure = Failure(error_type="KeyError", message="'x'", stack_trace=("  File ...\n",))

    found = json.loads(JsonFormatter().format(record("KeyError", failure=failure)))

    assert (found["errorType"], found["errorMessage"]) == ("KeyError", "'x'")
    assert found["stackTrace"] == ["  File ...\n"]


def test_arguments_that_do_not_fit_are_no_error() -> None:
    assert "%d left <arguments do not fit: TypeError>" in TextFormatter().format(
        record("%d left", "three"),
    )


def test_text_shows_the_attributes_that_are_wanted_before_the_message() -> None:
    line = TextFormatter(["name", "lineno", "asctime"]).format(record("%d left", 3))

    assert line.split("\t")[3:] == ["shop", "1", "1970-01-01T00:00:00.500Z", "3 left"]


def test_json_has_the_attributes_that_are_wanted_as_fields() -> None:
    found = json.loads(JsonFormatter(["name", "lineno", "taskName"]).format(record("3 left")))

    assert (found["name"], found["lineno"], found["taskName"]) == ("shop", 1, None)
    assert found["message"] == "3 left"


def test_an_attribute_that_is_hostile_stays_one_line() -> None:
    made = record("fine")
    made.threadName = HOSTILE

    assert "\n" not in TextFormatter(["threadName"]).format(made)


@pytest.mark.usefixtures("_root")
@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_attributes_are_named_by_a_variable(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = {"AWS_LAMBDA_LOG_FORMAT": log_format, "ADAPTER_LOG_ATTRIBUTES": "name,lineno"}
    logs.configure(variables)
    logging.getLogger("ray.serve").warning("hello")

    assert "ray.serve" in capsys.readouterr().err


@pytest.fixture
def _root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("_root")
@pytest.mark.parametrize(
    ("variables", "level"),
    [
        ({}, logging.WARNING),
        ({"AWS_LAMBDA_LOG_FORMAT": "JSON"}, logging.INFO),
        ({"AWS_LAMBDA_LOG_FORMAT": "Text", "AWS_LAMBDA_LOG_LEVEL": "DEBUG"}, logging.DEBUG),
        ({"AWS_LAMBDA_LOG_LEVEL": "TRACE"}, logging.DEBUG),
        ({"AWS_LAMBDA_LOG_LEVEL": "warn"}, logging.WARNING),
        ({"AWS_LAMBDA_LOG_LEVEL": "FATAL"}, logging.CRITICAL),
        ({"AWS_LAMBDA_LOG_LEVEL": "loud"}, logging.WARNING),
        ({"ADAPTER_LOG_LEVEL": "DEBUG"}, logging.DEBUG),
        ({"ADAPTER_LOG_LEVEL": "DEBUG", "AWS_LAMBDA_LOG_LEVEL": "ERROR"}, logging.ERROR),
    ],
)
def test_the_level_is_what_lambda_says(variables: dict[str, str], level: int) -> None:
    logs.configure(variables)

    assert logging.getLogger().level == level


SOURCE = """
import logging
import threading

from adapter.function import entry_point

class Model:
    def predict(self):
        logging.getLogger("shop").info("in a thread: %s", threading.current_thread().name)

    async def fail(self):
        raise LookupError("two\\nlines")

handler = entry_point(Model)
"""


def test_every_record_of_an_invocation_has_its_request_id(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with emulator(SOURCE, OURS, tmp_path, AWS_LAMBDA_LOG_FORMAT="JSON") as host:
        host.invoke({"method": "predict"})
        host.invoke({"method": "fail"})

    said = capfd.readouterr().out.splitlines()
    started = [line.split()[2] for line in said if line.startswith("START RequestId: ")]
    records = [json.loads(line) for line in said if line.startswith("{")]
    assert records.pop(0)["message"].startswith("init: imports ")
    assert [found["requestId"] for found in records] == started
    assert [found["message"] for found in records][1] == "LookupError: two\nlines"
    assert records[1]["errorType"] == "LookupError"


@pytest.mark.parametrize(("alone", "shown"), [(True, "r-1"), (False, "")])
def test_a_thread_of_the_users_own_belongs_to_an_invocation_that_is_alone(
    alone: bool,  # noqa: FBT001 - a case
    shown: str,
) -> None:
    lines: list[str] = []

    def log() -> None:
        lines.append(TextFormatter().format(record("hello")))

    logs.enter("", alone=True)

    def invocation() -> None:
        logs.enter("r-1", alone=alone)
        thread = threading.Thread(target=log)
        thread.start()
        thread.join()

    contextvars.copy_context().run(invocation)
    logs.enter("", alone=True)

    assert [line.split("\t")[2] for line in lines] == [shown]
