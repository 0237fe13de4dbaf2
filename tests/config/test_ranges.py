"""A check that stops at the first wrong value is made to find all of them."""

from typing import Any

import pytest

from adapter.config.ranges import refusals
from adapter.errors import InvalidOption
from adapter.serve.autoscaling import AutoscalingConfig
from adapter.serve.cluster import GangSchedulingConfig
from adapter.serve.options import DeploymentOptions


def scaling(written: dict[str, Any]) -> object:
    return AutoscalingConfig.of("autoscaling_config", written)


def options(written: dict[str, Any]) -> object:
    return DeploymentOptions(name="Model").changed(**written)


def test_what_is_right_is_not_refused() -> None:
    assert list(refusals(scaling, {"min_replicas": 1, "max_replicas": 2})) == []


def test_every_wrong_value_is_found() -> None:
    written = {"upscale_delay_s": -1, "min_replicas": "x", "max_replicas": 0}

    assert [place for place, _ in refusals(scaling, written)] == [
        ("min_replicas",),
        ("max_replicas",),
        ("upscale_delay_s",),
    ]


def test_a_value_inside_of_another_is_found() -> None:
    written = {
        "num_replicas": 0,
        "lambda_options": None,
        "logging_config": {"encoding": "XML", "log_level": "LOUD"},
    }
    found = dict(refusals(options, written))

    assert found.keys() == {
        ("num_replicas",),
        ("lambda_options",),
        ("logging_config", "encoding"),
        ("logging_config", "log_level"),
    }
    assert found["num_replicas",] == "num_replicas=0 must be a whole number, at least 1."


def test_two_values_that_exclude_each_other_are_found_at_the_first() -> None:
    written = {"num_replicas": 2, "autoscaling_config": {"max_replicas": 2}}
    [(place, message)] = refusals(options, written)

    assert place == ("num_replicas",)
    assert message.startswith("Manually setting num_replicas is not allowed")


def test_what_follows_from_a_mistake_is_not_told() -> None:
    written = {"min_replicas": 5, "upscale_delay_s": -1}

    found = list(refusals(scaling, written, dropped=frozenset({"max_replicas"})))
    assert [place for place, _ in found] == [("upscale_delay_s",)]


def test_what_follows_from_a_value_that_was_refused_is_not_told() -> None:
    found = list(refusals(scaling, {"min_replicas": 5, "max_replicas": 0}))

    assert [place for place, _ in found] == [("max_replicas",)]


def test_a_required_value_is_never_taken_for_the_culprit_because_it_is_required() -> None:
    def gang(written: dict[str, Any]) -> object:
        return GangSchedulingConfig.of("gang", written)

    [(place, _)] = refusals(gang, {"gang_size": 2, "gang_placement_strategy": "NEAR"})
    assert place == ("gang_placement_strategy",)


@pytest.mark.parametrize("value", [0, "x"])
def test_a_value_that_is_no_mapping_is_refused_as_a_whole(value: Any) -> None:
    def positive(found: Any) -> None:
        if found != 1:
            raise InvalidOption("not one")

    assert list(refusals(positive, value)) == [((), "not one")]
