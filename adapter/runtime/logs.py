"""Log records as Lambda wants them: one line each, as text or JSON, with the request id.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

import json
import logging
import sys
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from adapter.runtime.protocol import Failure

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_only_request_id = ""  # of the one invocation that can be in flight, for threads of the user's own


def enter(request_id: str, *, alone: bool) -> None:
    """Say which invocation the records from here on belong to.

    `alone` says that no other can be in flight: then a thread that the user started, which knows
    nothing of our context, belongs to it too.
    """
    global _only_request_id  # noqa: PLW0603 - see above
    _request_id.set(request_id)
    if alone:
        _only_request_id = request_id


def _current() -> str:
    return _request_id.get() or _only_request_id


# Lambda's names for levels that Python calls otherwise.
_LEVELS = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "failure"}
# A record must stay one line, and must not be able to look like two or to steer a terminal.
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != 9}
_ESCAPED |= {10: "\\n", 13: "\\r", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def configure(environ: Mapping[str, str]) -> None:
    """Send all log records to standard error as `AWS_LAMBDA_LOG_FORMAT` and `_LEVEL` say.

    Without a level, text shows warnings and JSON shows information, as AWS's runtime client does.
    """
    as_json = environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    wanted = environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    name = _LEVELS.get(wanted, wanted)
    default = logging.INFO if as_json else logging.WARNING
    root.setLevel(logging.getLevelNamesMapping().get(name, default))


def failure_of(record: logging.LogRecord) -> Failure | None:
    """Return what a record says of an exception: handed over as a value, or being handled."""
    found = getattr(record, "failure", None)
    if isinstance(found, Failure):
        return found
    error = record.exc_info[1] if record.exc_info else None
    return Failure.of(error) if error is not None else None


class TextFormatter(logging.Formatter):
    """`[LEVEL]`, time, request id and message, with tabs between.

    The lines of a traceback end in a carriage return, which keeps them one record for CloudWatch.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line."""
        head = (f"[{record.levelname}]", _time(record), _current(), _message(record))
        lines = ["\t".join(part.translate(_ESCAPED) for part in head)]
        if (failure := failure_of(record)) is not None:
            text = "".join(failure.stack_trace).splitlines()
            lines += [line.translate(_ESCAPED) for line in text]
            if record.exc_info:
                lines.append(f"{failure.error_type}: {failure.message}".translate(_ESCAPED))
        return "\r".join(lines)


class JsonFormatter(logging.Formatter):
    """One object a record, in the words of AWS's runtime client; `extra` values come last."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line."""
        found: dict[str, Any] = {
            "timestamp": _time(record),
            "level": record.levelname,
            "message": _message(record),
            "logger": record.name,
        }
        if identifier := _current():
            found["requestId"] = identifier
        if (failure := failure_of(record)) is not None:
            found["errorType"] = failure.error_type
            found["errorMessage"] = failure.message
            found["stackTrace"] = list(failure.stack_trace)
        extra = {
            name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD
        }
        return json.dumps({**extra, **found}, default=str)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - the user's arguments
        return f"{record.msg} <arguments do not fit: {type(error).__name__}>"


def _time(record: logging.LogRecord) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03d}Z"
