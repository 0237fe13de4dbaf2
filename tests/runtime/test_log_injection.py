"""No message, value or exception writes a second record, or steers the terminal that shows it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from adapter.runtime import logs
from adapter.runtime.logs import JsonFormatter, TextFormatter
from tests.hostile import ANY_TEXT, TABLE, is_one_line

HOSTILE = pytest.mark.parametrize("text", TABLE.values(), ids=TABLE.keys())


def record(
    message: Any,
    *args: Any,
    error: Exception | None = None,
    **extra: Any,
) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    facts = ("shop", logging.WARNING, "shop.py", 1, message, args, exc_info)
    return logging.getLogger("shop").makeRecord(*facts, extra=extra)


def written(formatter: logging.Formatter, told: logging.LogRecord) -> str:
    """Return what arrives at standard error, which escapes half characters itself."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", newline="")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.handle(told)
    stream.seek(0)
    return stream.read().removesuffix("\n")


def raised(text: str) -> Exception:
    """Return an exception with a traceback, of a hostile type and with a hostile cause."""
    name = text.replace("\0", "").encode("utf-8", "replace").decode()  # as types may be called
    kind: type[Exception] = type(name, (Exception,), {})
    with pytest.raises(kind) as caught:
        raise kind(text) from ValueError(text)
    return caught.value


@pytest.fixture(autouse=True)
def _in_an_invocation() -> Iterator[None]:
    logs.enter("r-1", alone=True)
    yield
    logs.enter("", alone=True)


@HOSTILE
def test_a_message_is_one_line_of_text(text: str) -> None:
    for told in (record(text), record("%s", text)):
        told.threadName = text
        line = written(TextFormatter(["threadName"]), told)

        assert is_one_line(line)
        assert line.split("\t")[2] == "r-1"


def _with_a_name(text: str) -> logging.LogRecord:
    extra: dict[str, Any] = {"item": text, f"{text} name": [text]}
    return logging.getLogger("shop").makeRecord(
        *("shop", logging.WARNING, "shop.py", 1, "%s", (text,), None),
        extra=extra,
    )


@HOSTILE
def test_a_message_is_one_object(text: str) -> None:
    line = written(JsonFormatter(), _with_a_name(text))
    found = json.loads(line)

    assert is_one_line(line)
    assert (found["message"], found["item"], found[f"{text} name"]) == (text, text, [text])


@HOSTILE
def test_a_traceback_has_no_line_that_an_exception_wrote(text: str) -> None:
    told = record("failed", error=raised(text))
    lines = written(TextFormatter(), told).split("\r")  # CloudWatch keeps these in one record
    found = json.loads(written(JsonFormatter(), told))

    assert all(map(is_one_line, lines))
    assert not any(line.startswith(("b", "14:02", "2J", "gnp")) for line in lines)
    assert found["errorMessage"] == text


@HOSTILE
def test_a_level_and_a_request_id_shift_no_field(text: str) -> None:
    logs.enter(f"{text}\tforged", alone=True)
    told = record("fine")
    told.levelname = f"{text}\tforged"
    line = written(TextFormatter(), told)

    assert is_one_line(line)
    assert line.count("\t") == 3


@given(ANY_TEXT)
@settings(deadline=None, max_examples=300)
def test_no_text_is_more_than_one_record(text: str) -> None:
    told = record(text, error=raised(text), item=text)

    assert is_one_line(written(JsonFormatter(), told))
    assert all(map(is_one_line, written(TextFormatter(), told).split("\r")))
    assert json.loads(written(JsonFormatter(), told))["message"] == text


class Untold:
    def __str__(self) -> str:
        raise LookupError

    __repr__ = __str__


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (CIRCLE, "[[...]]"),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        (float("nan"), "nan"),
        (Untold(), "<no text: __str__ raised LookupError>"),
    ],
)
def test_a_value_that_json_cannot_say_loses_no_record(value: Any, told: str) -> None:
    line = written(JsonFormatter(), record("fine", item=value, other=1))
    found = json.loads(line, parse_constant=pytest.fail)

    assert (found["message"], found["item"]) == ("fine", told)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
@pytest.mark.parametrize("message", [Untold(), "%d"])
def test_a_message_that_has_no_text_loses_no_record(
    formatter: logging.Formatter,
    message: Any,
) -> None:
    assert "arguments do not fit" in written(formatter, record(message, Untold()))
