"""The metrics of all functions on this machine, as the text that Prometheus reads.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

import bisect
import itertools
import json
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from adapter.serve.metrics import Series

# Functions say with this variable what their metrics are; see `adapter.serve.embedded_metrics`.
VARIABLES = {"ADAPTER_DESCRIBE_METRICS": "1"}
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Adds up what functions record: counters grow, gauges keep the last value.

    What an environment recorded stays after its end. Called from the event loops of many functions.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._families: dict[tuple[str, str], _Family] = {}

    def add(self, recorded: Iterable[Series]) -> None:
        """Count what was recorded since the last time."""
        with self._lock:
            for series in recorded:
                name = _family_name(series)
                family = self._families.setdefault((name, series.kind), _Family(name, series))
                family.add(series)

    def take(self, line: bytes) -> bool:
        """Count what a line of a function's standard output says; False for one of the user's."""
        if not line.startswith(b'{"_aws":'):
            return False
        try:
            recorded = list(_read(json.loads(line)))
        except (ValueError, LookupError, TypeError, AttributeError):
            return False  # somebody else's metrics, or half a line
        self.add(recorded)
        return True

    def text(self) -> str:
        """Write everything down."""
        with self._lock:
            families = sorted(self._families.items())
            return "".join(f"{line}\n" for _, family in families for line in family.lines())


def _read(document: dict[str, Any]) -> Iterator[Series]:
    described = document["_adapter"]
    for name, metric in described["metrics"].items():
        values = document[name]
        yield Series(
            kind=metric["kind"],
            name=name,
            tags=described["tags"],
            values=values if isinstance(values, list) else [values],
            description=metric["description"],
            boundaries=metric["boundaries"],
        )


def _family_name(series: Series) -> str:
    """Return the name that is shown: Prometheus has counters end in `_total`, as Ray Serve does."""
    counts = series.kind == "counter" and not series.name.endswith("_total")
    return f"{series.name}_total" if counts else series.name


class _Family:
    """A metric with all its labels."""

    def __init__(self, name: str, first: Series) -> None:
        self._name = name
        self._kind = first.kind
        self._description = first.description
        self._boundaries = sorted(first.boundaries)
        self._numbers: dict[_Labels, float] = {}
        self._distributions: dict[_Labels, _Distribution] = {}

    def add(self, series: Series) -> None:
        labels = tuple(sorted((_label_name(key), value) for key, value in series.tags.items()))
        if self._kind == "histogram":
            distribution = self._distributions.setdefault(labels, _Distribution(self._boundaries))
            distribution.add(series.values)
        elif self._kind == "counter":
            self._numbers[labels] = self._numbers.get(labels, 0) + sum(series.values)
        else:
            self._numbers[labels] = series.values[-1]

    def lines(self) -> Iterator[str]:
        if self._description:
            help_text = self._description.replace("\\", "\\\\").replace("\n", "\\n")
            yield f"# HELP {self._name} {help_text}"
        yield f"# TYPE {self._name} {self._kind}"
        for labels, number in sorted(self._numbers.items()):
            yield _sample(self._name, labels, number)
        for labels, distribution in sorted(self._distributions.items()):
            yield from distribution.lines(self._name, labels)


class _Distribution:
    """The values of a histogram with the same labels."""

    def __init__(self, boundaries: Sequence[float]) -> None:
        self._boundaries = boundaries
        self._buckets = [0] * (len(boundaries) + 1)  # the last is for what is above all
        self._sum = 0.0

    def add(self, values: Iterable[float]) -> None:
        for value in values:
            self._buckets[bisect.bisect_left(self._boundaries, value)] += 1
            self._sum += value

    def lines(self, name: str, labels: _Labels) -> Iterator[str]:
        ends = [*(repr(float(boundary)) for boundary in self._boundaries), "+Inf"]
        counts = list(itertools.accumulate(self._buckets))
        for end, count in zip(ends, counts, strict=True):
            yield _sample(f"{name}_bucket", (*labels, ("le", end)), count)
        yield _sample(f"{name}_sum", labels, self._sum)
        yield _sample(f"{name}_count", labels, counts[-1])


def _sample(name: str, labels: _Labels, value: float) -> str:
    shown = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels)
    return f"{name}{{{shown}}} {value}" if shown else f"{name} {value}"


def _label_name(key: str) -> str:
    name = re.sub(r"[^a-zA-Z0-9_]", "_", key)
    return f"_{name}" if name[:1].isdigit() else name


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
