"""What CloudWatch gets of metrics, read as it reads them."""

import json
from typing import Any

import pytest

from adapter.serve import embedded_metrics
from adapter.serve.metrics import Series
from tests import cloudwatch

NOW = 1_795_269_731.25
HERE = {"deployment": "Model", "application": "shop", "replica": "r-1"}


def counter(name: str, value: float = 1, **tags: str) -> Series:
    return Series("counter", name, {**HERE, **tags}, [value])


def histogram(name: str, values: list[float]) -> Series:
    return Series("histogram", name, HERE, values)


def lines(*recorded: Series, **environ: str) -> list[str]:
    return list(embedded_metrics.lines(recorded, environ, NOW))


def test_one_line_holds_the_metrics_of_one_set_of_dimensions() -> None:
    [line] = lines(
        counter("requests", 3, model="a"), Series("gauge", "memory", {**HERE, "model": "a"}, [7])
    )

    assert json.loads(line) == {
        "_aws": {
            "Timestamp": 1_795_269_731_250,
            "CloudWatchMetrics": [
                {
                    "Namespace": "adapter",
                    "Dimensions": [["application", "deployment", "model"]],
                    "Metrics": [{"Name": "requests"}, {"Name": "memory"}],
                },
            ],
        },
        "replica": "r-1",
        "application": "shop",
        "deployment": "Model",
        "model": "a",
        "requests": 3,
        "memory": 7,
    }


def test_other_dimensions_are_another_line() -> None:
    found = cloudwatch.read(
        lines(counter("requests", 1, model="a"), counter("requests", 2, model="b"))
    )

    assert [(point.dimensions["model"], point.values) for point in found] == [
        ("a", [1]),
        ("b", [2]),
    ]


def test_the_environment_is_no_dimension() -> None:
    [point] = cloudwatch.read(lines(counter("requests")))

    assert point.dimensions == {"deployment": "Model", "application": "shop"}


def test_a_histogram_of_many_values_is_spread_over_lines() -> None:
    values = [float(number) for number in range(250)]
    found = lines(histogram("load_ms", values), counter("requests"))

    points = cloudwatch.read(found)
    assert len(found) == 3
    assert [
        value for point in points if point.name == "load_ms" for value in point.values
    ] == values
    assert [point.values for point in points if point.name == "requests"] == [[1]]


def test_many_metrics_are_spread_over_lines() -> None:
    found = lines(*(counter(f"metric{number}") for number in range(250)))

    assert len(found) == 3
    assert len({point.name for point in cloudwatch.read(found)}) == 250


def test_two_kinds_of_one_name_do_not_hide_each_other() -> None:
    points = cloudwatch.read(lines(counter("load", 3), histogram("load", [1, 2])))

    assert [point.values for point in points] == [[3], [1, 2]]


def test_outside_of_a_deployment_there_are_no_dimensions() -> None:
    [point] = cloudwatch.read(lines(Series("counter", "requests", {}, [1])))

    assert point.dimensions == {}


@pytest.mark.parametrize("value", ["", " ", "\n\t"])
def test_an_empty_tag_is_no_dimension(value: str) -> None:
    [point] = cloudwatch.read(lines(counter("requests", route=value)))

    assert "route" not in point.dimensions


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a b", "a b"),
        ("a\\b", "a\\b"),
        ("grün", "gr\\xfcn"),
        ("a\nb\x7f", "a\\nb\\x7f"),
        ("\ud800", "\\ud800"),
        ("x" * 2000, "x" * 1024),
        ("ü" * 2000, ("\\xfc" * 256)),
    ],
)
def test_a_dimension_is_printable_ascii_and_not_too_long(value: str, expected: str) -> None:
    [point] = cloudwatch.read(lines(counter("requests", model=value)))

    assert point.dimensions["model"] == expected


@pytest.mark.parametrize(
    ("environ", "namespace"),
    [
        ({}, "adapter"),
        ({"ADAPTER_FUNCTION_PREFIX": "shop-prod-"}, "shop-prod"),
        ({"ADAPTER_FUNCTION_PREFIX": "shop-", "ADAPTER_METRICS_NAMESPACE": "a/b"}, "a/b"),
    ],
)
def test_the_namespace_is_what_was_chosen_or_the_stack(
    environ: dict[str, str], namespace: str
) -> None:
    [point] = cloudwatch.read(lines(counter("requests"), **environ))

    assert point.namespace == namespace


@pytest.mark.parametrize(
    ("level", "expected"), [({}, "INFO"), ({"AWS_LAMBDA_LOG_LEVEL": "ERROR"}, "ERROR")]
)
def test_no_level_of_json_logs_filters_metrics_out(level: dict[str, str], expected: str) -> None:
    [line] = lines(counter("requests"), AWS_LAMBDA_LOG_FORMAT="JSON", **level)

    found = json.loads(line)
    assert found["level"] == expected
    assert found["timestamp"] == "2026-11-21T14:02:11Z"


@pytest.mark.parametrize("name", ["level", "timestamp"])
def test_a_metric_or_a_tag_may_be_called_as_what_the_log_says(name: str) -> None:
    json_logs: dict[str, Any] = {"AWS_LAMBDA_LOG_FORMAT": "JSON"}

    [point] = cloudwatch.read(lines(counter(name, 5), **json_logs))
    tags: dict[str, Any] = {name: "high"}
    [tagged] = cloudwatch.read(lines(counter("requests", **tags), **json_logs))

    assert point.values == [5]
    assert tagged.dimensions[name] == "high"
