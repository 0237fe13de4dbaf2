"""What no example may do, whatever its target: hang, or write a log that lies."""

import contextlib
import logging
import re
import signal
import sys
from collections.abc import Iterator
from types import FrameType

from adapter.runtime.logs import JsonFormatter, TextFormatter

# Hypothesis warns of them, in place of the failure that it would tell.
LONG_EXAMPLES = "ignore::hypothesis.errors.HypothesisWarning"
HANG_S = 30.0  # for one example, which takes milliseconds
# Python's limit of 1,000 frames counts from the bottom; a runtime uses some of them itself.
FRAMES = 960
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Between the lines of a traceback, which CloudWatch keeps together then, and between fields.
_BETWEEN = "\r\t"


class Hang(BaseException):
    """An example did not end. Not an Exception: what is watched catches those."""


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextlib.contextmanager
def watched() -> Iterator[list[logging.LogRecord]]:
    """Watch one example; give the log's records as they come."""
    with _logged() as records, _in_time(), _shallow():
        yield records
    for record in records:
        assert record.name != "asyncio", record.getMessage()
        assert_one_line(record)


def assert_one_line(record: logging.LogRecord) -> None:
    """Assert that a record is one line in every format, and that its message has no controls."""
    message = record.getMessage()
    assert not CONTROL.search(message), f"a control character in the log: {message!r}"
    for formatter in (TextFormatter(), JsonFormatter()):
        line = formatter.format(record)
        found = set(CONTROL.findall(line)) - set(_BETWEEN)
        assert not found, f"control characters in a line of the log: {found!r} in {line!r}"


@contextlib.contextmanager
def _logged() -> Iterator[list[logging.LogRecord]]:
    handler, root, ours = _Records(), logging.getLogger(), logging.getLogger("adapter")
    level = ours.level
    ours.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        yield handler.records
    finally:
        root.removeHandler(handler)
        ours.setLevel(level)


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    """Raise an AssertionError where what is inside does not end."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        yield
    except Hang:
        raise AssertionError(f"it did not end in {HANG_S} s") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left, interval)  # pytest-timeout's


@contextlib.contextmanager
def _shallow() -> Iterator[None]:
    """Leave as many frames as a runtime does; hypothesis raises Python's limit far above it."""
    before, depth, frame = sys.getrecursionlimit(), 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + FRAMES)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
