"""Metrics as CloudWatch reads them from the log: lines in the embedded metric format.

One line holds one set of dimensions with its metrics, at most 100, each with at most 100 values.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapter.serve.metrics import Series

MOST = 100  # metrics on a line, and values of one of them
MOST_CHARACTERS = 1024  # of a dimension's value
DEFAULT_NAMESPACE = "adapter"
# Told with the values, but no dimension: each environment would begin metrics of its own, and
# custom metrics are billed one by one.
_REPLICA = "replica"

_Record = dict[str, tuple[Series, list[float]]]


def write(recorded: Sequence[Series]) -> None:
    """Print metrics on standard output, whose lines Lambda sends to CloudWatch."""
    for line in lines(recorded, os.environ, time.time()):
        sys.stdout.write(f"{line}\n")


def lines(recorded: Sequence[Series], environ: Mapping[str, str], now: float) -> Iterator[str]:
    """Write metrics as lines, without their ends; `now` is Unix time in seconds."""
    by_tags: dict[Any, list[Series]] = {}
    for series in recorded:
        by_tags.setdefault(tuple(sorted(series.tags.items())), []).append(series)
    for same_tags in by_tags.values():
        for record in _records(same_tags):
            document = _document(same_tags[0].tags, record, environ, now)
            yield json.dumps(document, separators=(",", ":"))


def _records(same_tags: list[Series]) -> list[_Record]:
    """Spread metrics over records: a name once, and no more names and values than are allowed."""
    records: dict[tuple[int, int], _Record] = {}
    places: dict[str, int] = {}
    used: Counter[str] = Counter()
    for series in same_tags:
        place = places.setdefault(series.name, len(places))
        for start in range(0, len(series.values), MOST):
            record = records.setdefault((place // MOST, used[series.name]), {})
            record[series.name] = (series, series.values[start : start + MOST])
            used[series.name] += 1
    return list(records.values())


def _document(
    tags: Mapping[str, str],
    record: _Record,
    environ: Mapping[str, str],
    now: float,
) -> dict[str, Any]:
    dimensions = {
        key: _dimension(value)
        for key, value in sorted(tags.items())
        if key != _REPLICA and value.strip()  # CloudWatch refuses an empty one
    }
    directive = {
        "Namespace": _namespace(environ),
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name} for name in record],
    }
    return {
        "_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]},
        **_level(environ, now),
        **({_REPLICA: tags[_REPLICA]} if _REPLICA in tags else {}),
        **_described(tags, record, environ),
        **dimensions,
        **{name: _target(series, values) for name, (series, values) in record.items()},
    }


def _target(series: Series, values: list[float]) -> float | list[float]:
    return values if series.kind == "histogram" else values[0]


def _dimension(value: str) -> str:
    """Write a value in the printable ASCII that CloudWatch takes."""
    if not (value.isascii() and value.isprintable()):
        value = value.encode("unicode_escape").decode("ascii")
    return value[:MOST_CHARACTERS]


def _namespace(environ: Mapping[str, str]) -> str:
    """Return what was chosen, or the stack's name: dimensions do not tell stacks apart."""
    stack = environ.get("ADAPTER_FUNCTION_PREFIX", "").rstrip("-")
    return environ.get("ADAPTER_METRICS_NAMESPACE") or stack or DEFAULT_NAMESPACE


def _level(environ: Mapping[str, str], now: float) -> dict[str, str]:
    """Keep Lambda's filter of JSON logs, which takes a line without a level for INFO, off.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    """
    if environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() != "JSON":
        return {}
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    return {"timestamp": stamp, "level": environ.get("AWS_LAMBDA_LOG_LEVEL") or "INFO"}


def _described(
    tags: Mapping[str, str],
    record: _Record,
    environ: Mapping[str, str],
) -> dict[str, Any]:
    """Say what `adapter run` shows and CloudWatch does not: kinds, descriptions, boundaries."""
    if not environ.get("ADAPTER_DESCRIBE_METRICS"):
        return {}
    described = {
        name: {
            "kind": series.kind,
            "description": series.description,
            "boundaries": list(series.boundaries),
        }
        for name, (series, _) in record.items()
    }
    return {"_adapter": {"tags": dict(tags), "metrics": described}}
