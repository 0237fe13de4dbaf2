"""CloudWatch's side of the embedded metric format: log lines in, metrics out.

It refuses what the specification forbids, where CloudWatch would drop the line in silence.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple


class Point(NamedTuple):
    """The values of one metric."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    values: list[float]


def read(lines: Iterable[str]) -> list[Point]:
    """Take the metrics out of log lines; lines that are no such documents are nothing."""
    points: list[Point] = []
    for line in lines:
        if "_aws" in line:
            points += _points(json.loads(line, parse_constant=_no_number))
    return points


def _points(document: dict[str, Any]) -> list[Point]:
    metadata = document["_aws"]
    assert type(metadata["Timestamp"]) is int
    points = []
    for directive in metadata["CloudWatchMetrics"]:
        assert 0 < len(directive["Metrics"]) <= 100
        for keys in directive["Dimensions"]:
            dimensions = {key: _dimension(document[key]) for key in keys}
            assert len(dimensions) <= 30
            for metric in directive["Metrics"]:
                assert metric["Name"] not in keys
                values = _values(document[metric["Name"]])
                points.append(Point(directive["Namespace"], metric["Name"], dimensions, values))
    return points


def _dimension(value: Any) -> str:
    assert isinstance(value, str)
    assert value.strip()
    assert value.isascii()
    assert value.isprintable()
    assert len(value) <= 1024
    return value


def _values(found: Any) -> list[float]:
    values = found if isinstance(found, list) else [found]
    assert 0 < len(values) <= 100
    assert {type(value) for value in values} <= {int, float}
    return values


def _no_number(text: str) -> float:
    raise AssertionError(f"{text} is no JSON")
