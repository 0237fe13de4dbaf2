import asyncio
import logging
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from adapter import serve
from adapter.function import Function, entry_point
from adapter.serve import context, metrics
from adapter.serve.context import DeploymentContext
from adapter.serve.metrics import Counter, Gauge, Histogram, Series
from adapter.settings import Settings
from tests import cloudwatch, events
from tests.cloudwatch import Point

Closing = Callable[[Function], Function]


class Recorded:
    """Where metrics go in a test."""

    def __init__(self) -> None:
        self.flushes: list[list[Series]] = []

    def add(self, recorded: Sequence[Series]) -> None:
        self.flushes.append(list(recorded))

    def values(self) -> dict[str, list[float]]:
        """What was recorded since the last time, by name."""
        metrics.flush()
        found = {series.name: series.values for flush in self.flushes for series in flush}
        self.flushes.clear()
        return found

    def tags(self) -> list[dict[str, str]]:
        """The tags that were recorded since the last time."""
        metrics.flush()
        found = [dict(series.tags) for flush in self.flushes for series in flush]
        self.flushes.clear()
        return found


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    found = Recorded()
    metrics.connect(found.add)
    yield found
    metrics.flush()
    metrics.connect(None)


def be_in_a_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    here = DeploymentContext("Model", "shop", replica="r-1")
    monkeypatch.setattr(context, "_process_deployment", here)


@pytest.fixture
def _in_a_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    be_in_a_deployment(monkeypatch)


def test_a_counter_is_summed_up(recorded: Recorded) -> None:
    counter = Counter("requests")
    counter.inc()
    counter.inc(2.5)

    assert recorded.values() == {"requests": [3.5]}


def test_a_gauge_keeps_the_last_value(recorded: Recorded) -> None:
    gauge = Gauge("memory")
    for value in (3, 1, 2, None):
        gauge.set(value)

    assert recorded.values() == {"memory": [2]}


def test_a_histogram_keeps_every_value(recorded: Recorded) -> None:
    histogram = Histogram("load_ms", boundaries=[1, 2])
    for value in (3, -1, 2.5):
        histogram.observe(value)

    assert recorded.values() == {"load_ms": [3, -1, 2.5]}


def test_what_was_flushed_is_not_told_again(recorded: Recorded) -> None:
    counter = Counter("requests")
    counter.inc()
    recorded.values()
    counter.inc()

    assert recorded.values() == {"requests": [1]}


def test_nothing_recorded_is_no_flush(recorded: Recorded) -> None:
    Counter("requests")
    metrics.flush()

    assert recorded.flushes == []


def test_two_objects_of_one_name_are_one_metric(recorded: Recorded) -> None:
    Counter("requests").inc()
    Counter("requests").inc()

    assert recorded.values() == {"requests": [2]}


def test_threads_lose_nothing(recorded: Recorded) -> None:
    counter = Counter("requests")

    def count() -> None:
        for number in range(2000):
            counter.inc()
            if number % 100 == 0:
                metrics.flush()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    metrics.flush()
    assert sum(series.values[0] for flush in recorded.flushes for series in flush) == 8000


def test_each_combination_of_tags_is_counted_apart(recorded: Recorded) -> None:
    counter = Counter("requests", tag_keys=("model", "tier")).set_default_tags({"tier": "free"})
    counter.inc(tags={"model": "a"})
    counter.inc(tags={"model": "b"})
    counter.inc(tags={"model": "a", "tier": "paid"})

    assert recorded.tags() == [
        {"model": "a", "tier": "free"},
        {"model": "b", "tier": "free"},
        {"model": "a", "tier": "paid"},
    ]


@pytest.mark.usefixtures("_in_a_deployment")
def test_deployment_replica_and_application_are_tags_of_everything(recorded: Recorded) -> None:
    Counter("requests").inc()

    expected = {"deployment": "Model", "replica": "r-1", "application": "shop"}
    assert recorded.tags() == [expected]


def test_a_metric_made_before_the_deployment_is_known_has_its_tags_too(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter("requests")
    be_in_a_deployment(monkeypatch)
    counter.inc()

    assert recorded.tags()[0]["deployment"] == "Model"


def test_the_route_is_filled_in_where_it_is_asked_for(recorded: Recorded) -> None:
    counter = Counter("requests", tag_keys=("route",))

    async def main() -> None:
        counter.inc()
        context.invocation.set(context.InvocationContext(route="/api"))
        counter.inc()
        counter.inc(tags={"route": "mine"})

    asyncio.run(main())

    assert recorded.tags() == [{"route": ""}, {"route": "/api"}, {"route": "mine"}]


def test_default_tags_are_copied(recorded: Recorded) -> None:
    tags = {"model": "a"}
    counter = Counter("requests", tag_keys=("model",)).set_default_tags(tags)
    tags["model"] = "b"
    counter.inc()

    assert recorded.tags() == [{"model": "a"}]


def test_a_missing_tag_is_named() -> None:
    counter = Counter("requests", tag_keys=("model", "tier", "colour"))

    with pytest.raises(ValueError, match=r"Missing value for tag key\(s\): model,colour\."):
        counter.inc(tags={"tier": "free"})


@pytest.mark.parametrize("key", ["tier", "deployment"])
def test_a_tag_that_is_none_of_the_metrics_is_left_out_and_said_once(
    recorded: Recorded, caplog: pytest.LogCaptureFixture, key: str
) -> None:
    counter = Counter("requests", tag_keys=("model",))
    for _ in range(2):
        counter.inc(tags={"model": "a", key: "free"})

    assert recorded.tags() == [{"model": "a"}]
    assert [entry.getMessage() for entry in caplog.records] == [
        f"metric requests: tag {key!r} is none of its tag_keys, left out",
    ]


def test_an_unknown_default_tag_is_named() -> None:
    counter = Counter("requests", tag_keys=("model",))

    with pytest.raises(ValueError, match=r"Unrecognized tag key tier\."):
        counter.set_default_tags({"tier": "free"})


@pytest.mark.parametrize("key", ["deployment", "replica", "application"])
def test_the_automatic_tags_are_nobody_elses(key: str) -> None:
    text = f"'{key}' tag is reserved for Ray Serve metrics"

    with pytest.raises(ValueError, match=text):
        Counter("requests", tag_keys=(key,))
    with pytest.raises(ValueError, match=text):
        Counter("requests").set_default_tags({key: "a"})


@pytest.mark.parametrize("value", [1, None, b"a"])
def test_the_value_of_a_tag_is_a_string(value: Any) -> None:
    counter = Counter("requests", tag_keys=("model",))

    with pytest.raises(TypeError, match="Tag values must be str, got <class"):
        counter.inc(tags={"model": value})
    with pytest.raises(TypeError, match="Tag values must be str, got <class"):
        counter.set_default_tags({"model": value})


@pytest.mark.parametrize("keys", [["model"], "model", {"model"}])
def test_tag_keys_are_a_tuple(keys: Any) -> None:
    with pytest.raises(TypeError, match="tag_keys should be a tuple type, got: <class"):
        Counter("requests", tag_keys=keys)


def test_a_tag_key_is_a_string() -> None:
    keys: Any = ("model", 3)
    with pytest.raises(TypeError, match="Tag keys must be str, got <class 'int'>"):
        Counter("requests", tag_keys=keys)


def test_more_tags_than_cloudwatch_takes_are_refused() -> None:
    Counter("requests", tag_keys=tuple(f"key{number}" for number in range(28)))
    with pytest.raises(ValueError, match="has 29 tag keys; CloudWatch takes 28"):
        Counter("requests", tag_keys=tuple(f"key{number}" for number in range(29)))


@pytest.mark.parametrize("name", ["model", "deployment", "application", "replica", "_aws"])
def test_a_metric_cannot_be_called_as_one_of_its_tags(name: str) -> None:
    with pytest.raises(ValueError, match=f"metric '{name}' has the name of a tag"):
        Counter(name, tag_keys=("model",))


@pytest.mark.parametrize("value", [0, -1, -0.5])
def test_a_counter_only_grows(value: float) -> None:
    with pytest.raises(ValueError, match=f"value must be >0, got {value}"):
        Counter("requests").inc(value)


@pytest.mark.parametrize("value", ["1", [1], 1j])
def test_a_value_is_a_number(value: Any) -> None:
    text = "value must be int or float, got <class"

    with pytest.raises(TypeError, match=text):
        Counter("requests").inc(value)
    with pytest.raises(TypeError, match=text):
        Gauge("memory").set(value)
    with pytest.raises(TypeError, match=text):
        Histogram("load_ms", boundaries=[1]).observe(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_cloudwatch_does_not_take_is_left_out_and_said(
    recorded: Recorded, caplog: pytest.LogCaptureFixture, value: float
) -> None:
    with caplog.at_level(logging.WARNING):
        Gauge("memory").set(value)

    assert recorded.values() == {}
    assert f"metric memory: {value} is no value for CloudWatch" in caplog.text


@pytest.mark.parametrize("boundaries", [None, [], ()])
def test_a_histogram_has_boundaries(boundaries: Any) -> None:
    with pytest.raises(ValueError, match="boundaries argument should be provided"):
        Histogram("load_ms", boundaries=boundaries)


def test_boundaries_are_positive() -> None:
    with pytest.raises(ValueError, match="Invalid `boundaries` argument at index 1"):
        Histogram("load_ms", boundaries=[1, 0])


def test_a_name_is_needed() -> None:
    with pytest.raises(ValueError, match="Empty name is not allowed"):
        Counter("")


@pytest.mark.parametrize("name", ["load-ms", "1st", "a b", "ü"])
def test_a_metric_with_an_odd_name_is_discarded(recorded: Recorded, name: str) -> None:
    with pytest.warns(UserWarning, match=f"Invalid metric name: {name}.") as caught:
        counter = Counter(name)
    counter.inc()

    assert caught[0].filename == __file__
    assert recorded.values() == {}


def test_info_says_what_the_metric_is() -> None:
    histogram = Histogram("load_ms", "how long", [1, 2], ("model",))

    assert histogram.info == {
        "name": "load_ms",
        "description": "how long",
        "tag_keys": ("model",),
        "default_tags": {},
        "boundaries": [1, 2],
    }


@pytest.mark.usefixtures("_in_a_deployment")
def test_info_shows_the_automatic_tags() -> None:
    info = Counter("requests", tag_keys=("model",)).set_default_tags({"model": "a"}).info

    assert info["tag_keys"] == ("deployment", "replica", "application", "model")
    assert info["default_tags"] == {
        "deployment": "Model",
        "replica": "r-1",
        "application": "shop",
        "model": "a",
    }


class Model:
    def __init__(self) -> None:
        self.requests = Counter("requests", tag_keys=("route",))
        self.load_ms = Histogram("load_ms", boundaries=[10])
        self.load_ms.observe(7)

    def __call__(self, *_request: Any) -> str:
        self.requests.inc()
        return "done"

    async def fail(self) -> None:
        self.requests.inc()
        raise LookupError

    def nothing(self) -> None: ...


def test_metrics_become_lines_at_the_end_of_each_invocation(
    closing: Closing, capsys: pytest.CaptureFixture[str]
) -> None:
    function = closing(entry_point(serve.deployment(Model)))
    assert capsys.readouterr().out == ""

    function({})
    [load] = cloudwatch.read(capsys.readouterr().out.splitlines())
    function({"method": "__call__"})
    [called] = cloudwatch.read(capsys.readouterr().out.splitlines())
    function(events.http_api())
    [routed] = cloudwatch.read(capsys.readouterr().out.splitlines())
    function({"method": "nothing"})

    here = {"application": "default", "deployment": "Model"}
    assert load == Point("adapter", "load_ms", here, [7])
    assert called == Point("adapter", "requests", here, [1])
    assert routed == Point("adapter", "requests", {**here, "route": "/"}, [1])
    assert capsys.readouterr().out == ""


def test_the_callers_route_comes_with_a_call(
    closing: Closing, capsys: pytest.CaptureFixture[str]
) -> None:
    function = closing(entry_point(Model))
    function({"method": "__call__", "context": {"route": "/api"}})

    points = cloudwatch.read(capsys.readouterr().out.splitlines())
    assert [point.dimensions.get("route") for point in points] == [None, "/api"]


def test_an_invocation_that_fails_tells_its_metrics(
    closing: Closing, capsys: pytest.CaptureFixture[str]
) -> None:
    function = closing(entry_point(Model))
    with pytest.raises(LookupError):
        function({"method": "fail"})

    points = cloudwatch.read(capsys.readouterr().out.splitlines())
    assert {point.name for point in points} == {"load_ms", "requests"}


def test_the_end_of_an_environment_tells_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    class Dying:
        def __del__(self) -> None:
            Counter("ends").inc()

    entry_point(Dying).close()

    [point] = cloudwatch.read(capsys.readouterr().out.splitlines())
    assert point.name == "ends"


def test_the_replica_is_the_end_of_the_log_streams_name() -> None:
    stream = "2026/11/21/[$LATEST]4459c970fa6d4c77aca62c95850fce54"
    settings = Settings.from_environment({"AWS_LAMBDA_LOG_STREAM_NAME": stream})

    assert settings.replica == "4459c970fa6d4c77aca62c95850fce54"


def test_a_replica_that_lambda_does_not_name_has_a_name_too(recorded: Recorded) -> None:
    for _ in range(2):
        function = entry_point(Model)
        function({"method": "__call__"})
        function.close()

    replicas = {tags["replica"] for tags in recorded.tags()}
    assert len(replicas) == 2
    assert "" not in replicas


def test_metrics_are_reached_as_in_ray_serve() -> None:
    assert serve.metrics.Counter is Counter
