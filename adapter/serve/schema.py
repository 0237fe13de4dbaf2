"""`LoggingConfig`: a module of its own, because most deployments say nothing of it."""

import importlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from adapter.errors import InvalidOption
from adapter.serve.checks import require_bool, require_text
from adapter.serve.records import Record


class EncodingType(StrEnum):
    """How log records are written."""

    TEXT = "TEXT"
    JSON = "JSON"


# https://docs.python.org/3/library/logging.html#logrecord-attributes
STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "asctime",
    "message",
    "taskName",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingConfig(Record):
    """How a deployment logs, in Ray Serve's words: `serve.deployment(logging_config=...)`.

    `encoding` is "TEXT" or "JSON", `log_level` a name or number of Python's `logging` module, for
    every logger of the function, "ray.serve" among them. `additional_log_standard_attrs` are
    attributes of log records, such as "funcName", that are written as well. `logs_dir` has no
    meaning on Lambda, whose logs go to CloudWatch, and `enable_access_log` changes nothing: Lambda
    and the gateway have logs of their own. Raises `InvalidOption` for a value outside these.
    """

    encoding: EncodingType | str = EncodingType.TEXT
    log_level: int | str = "INFO"
    logs_dir: str | None = None
    enable_access_log: bool = True
    additional_log_standard_attrs: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", _encoding(self.encoding))
        object.__setattr__(self, "log_level", _level(self.log_level))
        if self.logs_dir is not None:
            require_text("logging_config.logs_dir", self.logs_dir)
        require_bool("logging_config.enable_access_log", self.enable_access_log)
        attributes = _attributes(self.additional_log_standard_attrs)
        object.__setattr__(self, "additional_log_standard_attrs", attributes)

    @property
    def level(self) -> int:
        """The number of `log_level`."""
        return logging.getLevelNamesMapping()[str(self.log_level)]


def _encoding(written: object) -> EncodingType:
    try:
        return EncodingType(str(written))
    except ValueError:
        raise InvalidOption(
            f"Got {str(written)!r} for encoding. Encoding must be one of {list(EncodingType)}.",
        ) from None


def _level(written: object) -> str:
    """Return the name of a level; Python's own table has some under two names."""
    names = logging.getLevelNamesMapping()
    if isinstance(written, str) and written in names:
        return written
    if isinstance(written, int) and written in names.values():
        return logging.getLevelName(written)
    known = list(names) if isinstance(written, str) else sorted(set(names.values()))
    raise InvalidOption(f'Got "{written}" for log_level. log_level must be one of {known}.')


def _attributes(written: object) -> tuple[str, ...]:
    if isinstance(written, str) or not isinstance(written, Sequence):
        raise InvalidOption(f"additional_log_standard_attrs={written!r} must be a list of names.")
    for name in written:
        if name not in STANDARD_ATTRIBUTES:
            raise InvalidOption(
                f"Unknown attribute {name!r}. Additional log standard attributes must be one of "
                f"{sorted(STANDARD_ATTRIBUTES)}.",
            )
    return tuple(dict.fromkeys(written))


# What else Ray Serve has in this module.
_ELSEWHERE = {
    "statuses": (
        "ApplicationStatus",
        "ApplicationStatusOverview",
        "DeploymentStatus",
        "DeploymentStatusOverview",
        "DeploymentStatusTrigger",
        "ProxyStatus",
        "ReplicaState",
        "ServeStatus",
    ),
    "start_options": ("TracingConfig",),
}


def __getattr__(name: str) -> Any:
    for module, names in _ELSEWHERE.items():
        if name in names:
            return getattr(importlib.import_module(f"adapter.serve.{module}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
