"""`Counter`, `Gauge` and `Histogram`: numbers about a deployment, as Ray Serve counts them.

Inside a Lambda function they become CloudWatch metrics: at the end of each invocation what was
recorded is printed as lines in the embedded metric format (`adapter.serve.embedded_metrics`). The
local servers collect it instead and show it as text at `/-/metrics`.
"""

import logging
import math
import re
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Self

from adapter.serve import context

logger = logging.getLogger("adapter.serve")

Kind = Literal["counter", "gauge", "histogram"]

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_AUTOMATIC = ("deployment", "replica", "application")
_ROUTE = "route"
# What the lines of the embedded metric format say besides tags and metrics, see there.
_TAKEN = frozenset({*_AUTOMATIC, "_aws", "_adapter"})
# CloudWatch takes 30 dimensions, and two are the deployment and its application.
MAX_TAG_KEYS = 28


class Series(NamedTuple):
    """What one metric has recorded with the same tags since the last time.

    `values` is the sum of a counter, the last value of a gauge, every value of a histogram.
    """

    kind: Kind
    name: str
    tags: Mapping[str, str]
    values: list[float]
    description: str = ""
    boundaries: Sequence[float] = ()


class Metric:
    """What `Counter`, `Gauge` and `Histogram` have in common."""

    _kind: Kind

    def __init__(
        self,
        name: str,
        description: str = "",
        tag_keys: tuple[str, ...] | None = None,
    ) -> None:
        self._valid = _check_name(name)
        self._name = name
        self._description = description
        self._tag_keys = _checked_keys(name, tag_keys)
        self._default_tags: dict[str, str] = {}
        self._boundaries: tuple[float, ...] = ()
        self._unknown: set[str] = set()  # tags that were told to be left out

    def set_default_tags(self, default_tags: dict[str, str]) -> Self:
        """Set the tags that hold where a value is recorded without them; returns the metric.

        Raises ValueError for a tag that is none of the metric's, TypeError for a value that is no
        string.
        """
        for key in default_tags:
            if key in _AUTOMATIC:
                raise ValueError(f"'{key}' tag is reserved for Ray Serve metrics")
            if key not in self._tag_keys:
                raise ValueError(f"Unrecognized tag key {key}.")
        _check_values(default_tags)
        self._default_tags = dict(default_tags)
        return self

    @property
    def info(self) -> dict[str, Any]:
        """Name, description, tag keys and default tags, the automatic ones among them."""
        automatic = _automatic_tags()
        return {
            "name": self._name,
            "description": self._description,
            "tag_keys": (*automatic, *self._tag_keys),
            "default_tags": {**automatic, **self._default_tags},
        }

    def _record(self, value: float, tags: dict[str, str] | None) -> None:
        if not self._valid:
            return
        found = self._all_tags(tags or {})
        if not math.isfinite(value):
            logger.warning("metric %s: %r is no value for CloudWatch, left out", self._name, value)
            return
        _recorded.add(
            Series(
                kind=self._kind,
                name=self._name,
                tags={**_automatic_tags(), **found},
                values=[value + 0],  # True is 1
                description=self._description,
                boundaries=self._boundaries,
            ),
        )

    def _all_tags(self, tags: dict[str, str]) -> dict[str, str]:
        _check_values(tags)
        found = {**self._default_tags, **self._known(tags)}
        if _ROUTE in self._tag_keys and _ROUTE not in tags:
            found[_ROUTE] = context.served().route
        if missing := [key for key in self._tag_keys if key not in found]:
            raise ValueError(f"Missing value for tag key(s): {','.join(missing)}.")
        return found

    def _known(self, tags: dict[str, str]) -> dict[str, str]:
        """Leave out what is no tag of the metric, which Ray Serve does not refuse."""
        for key in tags.keys() - self._unknown - {*self._tag_keys}:
            self._unknown.add(key)
            logger.warning("metric %s: tag %r is none of its tag_keys, left out", self._name, key)
        return {key: value for key, value in tags.items() if key in self._tag_keys}


class Counter(Metric):
    """A number that only grows, such as requests or bytes.

    `tag_keys` are the tags that values are recorded with; CloudWatch calls them dimensions and
    counts, and bills, each combination of their values as a metric. The deployment and its
    application are added, and "route", where it is among the keys, is filled in: the prefix that
    the HTTP request came in by. `replica`, the environment, is told with the values, but is no
    dimension.

    Raises ValueError for an empty name and for keys that are taken, TypeError for keys that are
    no tuple of strings. A metric whose name holds other than letters, digits, `_` and `:` is
    discarded with a warning, as Ray Serve does.
    """

    _kind = "counter"

    def inc(self, value: float = 1.0, tags: dict[str, str] | None = None) -> None:
        """Add `value`. CloudWatch gets the sum of an invocation.

        A tag that is none of `tag_keys` is left out with a warning. Raises ValueError where the
        value is not above 0 and where a tag is missing, TypeError for another type.
        """
        _require(value, (int, float), "value must be int or float")
        if value <= 0:
            raise ValueError(f"value must be >0, got {value}")
        self._record(value, tags)


class Gauge(Metric):
    """A number that goes up and down, such as the memory in use. See `Counter` for the rest."""

    _kind = "gauge"

    def set(self, value: float | None, tags: dict[str, str] | None = None) -> None:
        """Set it; None does nothing. CloudWatch gets the last value of an invocation.

        Raises ValueError where a tag is missing, TypeError for another type.
        """
        if value is None:
            return
        _require(value, (int, float), "value must be int or float")
        self._record(value, tags)


class Histogram(Metric):
    """How values are distributed, such as latencies. See `Counter` for the rest.

    `boundaries` are the upper ends of the buckets that the local text endpoint counts in.
    CloudWatch gets the values themselves and makes any percentile of them.
    """

    _kind = "histogram"

    def __init__(
        self,
        name: str,
        description: str = "",
        boundaries: Sequence[float] | None = None,
        tag_keys: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__(name, description, tag_keys)
        if not boundaries:
            raise ValueError(
                "boundaries argument should be provided when using the Histogram class. e.g., "
                'Histogram("name", boundaries=[1.0, 2.0])',
            )
        for index, boundary in enumerate(boundaries):
            if boundary <= 0:
                raise ValueError(
                    f"Invalid `boundaries` argument at index {index}, {boundaries}. Use positive "
                    "values for the arguments.",
                )
        self.boundaries = boundaries
        self._boundaries = tuple(boundaries)

    @property
    def info(self) -> dict[str, Any]:
        """Name, description, tag keys, default tags and boundaries."""
        return {**super().info, "boundaries": self.boundaries}

    def observe(self, value: float, tags: dict[str, str] | None = None) -> None:
        """Add a value.

        Raises ValueError where a tag is missing, TypeError for another type.
        """
        _require(value, (int, float), "value must be int or float")
        self._record(value, tags)


def _check_values(tags: dict[str, str]) -> None:
    for value in tags.values():
        _require(value, str, "Tag values must be str")


def _check_name(name: str) -> bool:
    if not name:
        raise ValueError("Empty name is not allowed. Please provide a metric name.")
    if _NAME.fullmatch(name):
        return True
    warnings.warn(
        f"Invalid metric name: {name}. Metric will be discarded and data will not be collected or "
        "published. Metric names can only contain letters, numbers, _, and :. Metric names cannot "
        "start with numbers.",
        UserWarning,
        stacklevel=3,
    )
    return False


def _checked_keys(name: str, tag_keys: tuple[str, ...] | None) -> tuple[str, ...]:
    keys = () if tag_keys is None else tag_keys
    _require(keys, tuple, "tag_keys should be a tuple type", "got:")
    for key in keys:
        _require(key, str, "Tag keys must be str")
        if key in _TAKEN:
            raise ValueError(f"'{key}' tag is reserved for Ray Serve metrics")
    if len(keys) > MAX_TAG_KEYS:
        raise ValueError(
            f"metric {name!r} has {len(keys)} tag keys; CloudWatch takes {MAX_TAG_KEYS}.",
        )
    if name in _TAKEN.union(keys):
        raise ValueError(
            f"metric {name!r} has the name of a tag; in CloudWatch's embedded metric format they "
            "would be one. Choose another name.",
        )
    return keys


def _require(value: object, kind: Any, rule: str, got: str = "got") -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{rule}, {got} {type(value)}.")


def _automatic_tags() -> dict[str, str]:
    here = context.current()
    if here is None:
        return {}
    values = (here.deployment, here.replica, here.application)
    return dict(zip(_AUTOMATIC, values, strict=True))


class _Recorded:
    """What was recorded since the last flush; plain code records from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[Any, Series] = {}

    def add(self, new: Series) -> None:
        key = (new.kind, new.name, *new.tags.items())
        with self._lock:
            found = self._series.setdefault(key, new)
            if found is new:
                return
            if new.kind == "histogram":
                found.values.extend(new.values)
            elif new.kind == "counter":
                found.values[0] += new.values[0]
            else:
                found.values[0] = new.values[0]

    def take(self) -> list[Series]:
        with self._lock:
            taken, self._series = list(self._series.values()), {}
        return taken


Sink = Callable[[Sequence[Series]], None]

_recorded = _Recorded()
_sink: Sink | None = None


def connect(sink: Sink | None) -> None:
    """Send what this process records to `sink`; None goes back to lines on standard output."""
    global _sink  # noqa: PLW0603 - a process records as a whole
    _sink = sink


def flush() -> None:
    """Send what was recorded since the last time; nothing happens where there is nothing."""
    recorded = _recorded.take()
    if not recorded:
        return
    if _sink is not None:
        _sink(recorded)
        return
    from adapter.serve import embedded_metrics  # noqa: PLC0415 - not for what others collect

    embedded_metrics.write(recorded)
