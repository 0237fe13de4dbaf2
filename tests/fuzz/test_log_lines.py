"""Any text in a log: one line, which neither looks like two nor steers a terminal."""

import json
import logging
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter import http1
from adapter.errors import RemoteError
from adapter.local.log import InvocationRecord, Level, Log
from adapter.local.process import STDERR
from adapter.runtime.logs import JsonFormatter, TextFormatter
from adapter.runtime.protocol import Failure
from tests.fuzz import mutations
from tests.fuzz.watch import CONTROL, LONG_EXAMPLES, watched

pytestmark = pytest.mark.filterwarnings(LONG_EXAMPLES)


@given(
    message=mutations.texts() | mutations.json_values(),
    args=st.lists(mutations.scalars(), max_size=2).map(tuple),
    extra=st.dictionaries(st.sampled_from(["item", "failure"]), mutations.json_values()),
    error=mutations.texts() | st.none(),
)
def test_record_of_a_function(
    message: Any,
    args: tuple[Any, ...],
    extra: dict[str, Any],
    error: str | None,
) -> None:
    exc_info: Any = None
    if error is not None:
        try:
            _fail(error)
        except LookupError:
            exc_info = sys.exc_info()
    record = logging.getLogger("shop").makeRecord(
        *("shop", logging.WARNING, "shop.py", 1, message, args, exc_info),
        extra=extra,
    )
    with watched():
        line = JsonFormatter().format(record)
        assert not CONTROL.search(line), line
        found = json.loads(line)
        assert found["level"] == "WARNING"
        text = TextFormatter().format(record)
        assert not set(CONTROL.findall(text)) - set("\t\r"), text
        # Only the frames of the traceback, and the error, stand after a carriage return.
        lines = "".join(found.get("stackTrace", ())).splitlines()
        assert text.count("\r") == (len(lines) + 1 if error is not None else len(lines))


def _fail(text: str) -> None:
    raise LookupError(text)


@given(
    error_type=mutations.texts(),
    message=mutations.texts(),
    times=st.sampled_from([1, 1, 10_000]),
    remote=st.booleans(),
)
def test_failure_that_is_told_to_lambda(
    error_type: str,
    message: str,
    times: int,
    remote: bool,  # noqa: FBT001 - drawn
) -> None:
    with watched():
        failure = Failure.of(_error(error_type * times, message * times, remote=remote))
        json.loads(failure.body())
        trailers = failure.trailers()
        assert sum(map(len, trailers.values())) < 4_000
        for headers in (failure.headers(), trailers):
            written = http1.message_head("POST / HTTP/1.1", headers)
            assert written.count(b"\n") == len(headers) + 2
            assert len(written) < 8_000, "a header grows with the error"


def _error(error_type: str, message: str, *, remote: bool) -> Exception:
    if remote:
        return RemoteError(message, error_type=error_type)
    name = error_type.replace("\0", "").encode("utf-8", "replace").decode()
    made: Exception = type(name, (Exception,), {})(message)
    return made


@given(text=mutations.texts(), as_json=st.booleans(), level=st.sampled_from(Level))
def test_line_of_the_local_server(text: str, as_json: bool, level: Level) -> None:  # noqa: FBT001 - drawn
    lines: list[str] = []
    log = Log(lines.append, as_json=as_json, level=level)
    record = InvocationRecord(
        function="Gateway",
        label=text,
        status="200",
        request_id="r-1",
        error=text,
        caller=text,
    )
    with watched():
        log.invocation(record)
        log.init("Gateway", 3.0, {text: 2.0})
        log.init_failed("Gateway", 3.0, text)
        log.problem("Gateway", "crashed", text)
    assert len(lines) == (2 if level is Level.QUIET else 4)
    for line in lines:
        assert not CONTROL.search(line), line
        assert not as_json or json.loads(line)


@given(line=st.binary().map(lambda data: data.replace(b"\n", b"")), as_json=st.booleans())
def test_line_that_a_function_prints(line: bytes, as_json: bool) -> None:  # noqa: FBT001 - drawn
    lines: list[str] = []
    log = Log(lines.append, as_json=as_json)
    with watched():
        log.output("Gateway", STDERR, line)
    assert len(lines) == (1 if as_json else line.count(b"\r") + 1)
    assert not any("\n" in written or "\r" in written for written in lines)
