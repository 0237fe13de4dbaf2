"""Log records as Lambda wants them: one line each, as text or JSON, with the request id.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

import json
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from adapter.runtime.protocol import Failure
from adapter.serve import context as serve_context

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
_ESCAPED |= {10: "\\n", 13: "\\r"}
# Ends of lines, and what turns the direction of the text after it.
_ENDS_AND_TURNS = (0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_ESCAPED |= {code: f"\\u{code:04x}" for code in _ENDS_AND_TURNS}
_ESCAPED_IN_FIELDS = {**_ESCAPED, 9: "\\t"}  # a tab parts them


def configure(environ: Mapping[str, str]) -> None:
    """Send all log records to standard error as `AWS_LAMBDA_LOG_FORMAT` and `_LEVEL` say.

    Without a level, text shows warnings and JSON shows information, as AWS's runtime client does.
    Lambda has no level for text, so the plan may say one: `ADAPTER_LOG_LEVEL`. Attributes of the
    records that are shown as well are named in `ADAPTER_LOG_ATTRIBUTES`.
    """
    as_json = environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    attributes = tuple(filter(None, environ.get("ADAPTER_LOG_ATTRIBUTES", "").split(",")))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(attributes) if as_json else TextFormatter(attributes))
    root = logging.getLogger()
    root.addHandler(handler)
    said = environ.get("AWS_LAMBDA_LOG_LEVEL") or environ.get("ADAPTER_LOG_LEVEL", "")
    wanted = said.upper()
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


class _Formatter(logging.Formatter):
    """Writes some attributes of a record besides what it always writes."""

    def __init__(self, attributes: Sequence[str] = ()) -> None:
        super().__init__()
        self._attributes = attributes

    def _shown(self, record: logging.LogRecord) -> dict[str, Any]:
        known = {"asctime": _time(record), "message": _message(record)}
        return {name: known.get(name, vars(record).get(name)) for name in self._attributes}


class TextFormatter(_Formatter):
    """`[LEVEL]`, time, request id, the attributes that are wanted and message, with tabs between.

    The lines of a traceback end in a carriage return, which keeps them one record for CloudWatch.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line."""
        shown = map(_text, self._shown(record).values())
        fields = (f"[{record.levelname}]", _time(record), _current(), *shown)
        head = [field.translate(_ESCAPED_IN_FIELDS) for field in fields]
        lines = ["\t".join((*head, _message(record).translate(_ESCAPED)))]
        if (failure := failure_of(record)) is not None:
            told = [line for entry in failure.stack_trace for line in _trace_lines(entry)]
            if record.exc_info:
                told.append(f"{failure.error_type}: {failure.message}")
            lines += [line.translate(_ESCAPED) for line in told]
        return "\r".join(lines)


def _trace_lines(entry: str) -> list[str]:
    """Return the lines of a frame; the text of a cause, which is anybody's, stays one line."""
    return entry.splitlines() if entry.startswith("  ") else [entry.removesuffix("\n")]


class JsonFormatter(_Formatter):
    """One object a record, in the words of AWS's runtime client; attributes and `extra` as well.

    `requestId` is Lambda's. Where the client or the caller has an id of its own for what it asks,
    that is `request_id`, as in Ray Serve's logs.
    """

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
        asked = serve_context.served().request_id
        named = {"request_id": asked} if asked not in ("", identifier) else {}
        more = {**named, **extra, **self._shown(record)}
        try:
            return json.dumps({**more, **found}, default=str, allow_nan=False)
        except Exception:  # noqa: BLE001 - the user's values: circles, keys, NaN, a failing __str__
            return json.dumps({**{name: _text(value) for name, value in more.items()}, **found})


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - the user's arguments
        return f"{_text(record.msg)} <arguments do not fit: {type(error).__name__}>"


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - the user's own __str__
        return f"<no text: __str__ raised {type(error).__name__}>"


def _time(record: logging.LogRecord) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03d}Z"
