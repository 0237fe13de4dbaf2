from typing import Any

import pytest

from adapter.errors import AdapterError, InvalidOption
from adapter.serve.autoscaling import AutoscalingConfig
from adapter.serve.options import DEFAULT, IGNORED_OPTIONS, DeploymentOptions


def options(**written: Any) -> DeploymentOptions:
    return DeploymentOptions(name="Model").changed(**written)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"name": ""}, "name='' must be a non-empty string."),
        ({"name": 3}, "name=3 must be a non-empty string."),
        ({"name": None}, "name=None must be a non-empty string."),
        ({"name": "a#b"}, "name='a#b' must not contain '#'."),
        ({"num_replicas": 0}, "num_replicas=0 must be a whole number, at least 1."),
        ({"num_replicas": -1}, "num_replicas=-1 must be a whole number, at least 1."),
        ({"num_replicas": 1.5}, "num_replicas=1.5 must be a whole number, at least 1."),
        ({"num_replicas": True}, "num_replicas=True must be a whole number, at least 1."),
        ({"num_replicas": "two"}, "num_replicas='two' must be a whole number, at least 1."),
        (
            {"max_ongoing_requests": None},
            "max_ongoing_requests=None must be a whole number, at least 1.",
        ),
        ({"max_ongoing_requests": 0}, "max_ongoing_requests=0 must be a whole number, at least 1."),
        (
            {"max_queued_requests": -2},
            "max_queued_requests=-2 must be a whole number, at least -1.",
        ),
        (
            {"health_check_period_s": 0},
            "health_check_period_s=0 must be a number of seconds, greater than 0.",
        ),
        (
            {"health_check_timeout_s": "1"},
            "health_check_timeout_s='1' must be a number of seconds, greater than 0.",
        ),
        ({"ray_actor_options": [1]}, "ray_actor_options=[1] must be a dict."),
        (
            {"lambda_options": {"memory_mb": 512}},
            "lambda_options={'memory_mb': 512} must be a LambdaOptions, for",
        ),
        (
            {"version": "1"},
            "version has been removed; CloudFormation sees changes by itself, delete it.",
        ),
        (
            {"num_replicas": 2, "autoscaling_config": {"max_replicas": 3}},
            "Manually setting num_replicas is not allowed when autoscaling_config is provided.",
        ),
        (
            {"autoscaling_config": 3},
            "autoscaling_config=3 must be a dict or an AutoscalingConfig, for",
        ),
    ],
)
def test_value_outside_its_range_is_refused(written: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        options(**written)

    assert str(caught.value).startswith(message)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, AdapterError)


def test_unknown_option_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidOption, match="has no option 'replicas'") as caught:
        options(replicas=3)

    assert "'num_replicas'" in str(caught.value)
    assert "'health_check_period_s'" in str(caught.value)
    assert "'given'" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(IGNORED_OPTIONS))
def test_option_of_rays_cluster_is_kept_for_the_note(name: str) -> None:
    assert options(**{name: 1}).ignored == {name: 1}


def test_default_leaves_an_option_as_it_is() -> None:
    before = options(num_replicas=3)

    assert before.changed(num_replicas=DEFAULT, version=DEFAULT) == before


def test_given_names_what_the_user_wrote() -> None:
    changed = options(num_replicas=3).changed(user_config={}, name=DEFAULT)

    assert changed.given == {"num_replicas", "user_config"}


def test_ignored_options_add_up() -> None:
    changed = options(max_surge_percent=1).changed(logging_config={})

    assert changed.ignored == {"logging_config": {}, "max_surge_percent": 1}


def test_ray_actor_options_none_means_none_of_them() -> None:
    assert options(ray_actor_options=None).ray_actor_options == {}


def test_autoscaling_config_is_taken_as_a_dict_or_as_an_instance() -> None:
    expected = AutoscalingConfig(min_replicas=0, max_replicas=10)

    assert options(autoscaling_config=expected).autoscaling_config is expected
    written = {"min_replicas": 0, "max_replicas": 10}
    assert options(autoscaling_config=written).autoscaling_config == expected


def test_autoscaling_config_beside_auto_scales_to_a_hundred() -> None:
    found = options(num_replicas="auto", autoscaling_config={"min_replicas": 2}).autoscaling_config

    assert found == AutoscalingConfig(min_replicas=2, max_replicas=100)


def test_autoscaling_config_may_be_taken_back() -> None:
    changed = options(autoscaling_config={"max_replicas": 3}).changed(autoscaling_config=None)

    assert changed.autoscaling_config is None


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"min_replicas": -1}, "autoscaling_config.min_replicas=-1 must be a whole number, at"),
        ({"max_replicas": 0}, "autoscaling_config.max_replicas=0 must be a whole number, at"),
        (
            {"min_replicas": 3, "max_replicas": 2},
            "autoscaling_config.max_replicas=2 is below min_replicas=3; give",
        ),
        (
            {"initial_replicas": 5},
            "autoscaling_config.initial_replicas=5 must lie between min_replicas=1 and max",
        ),
        ({"initial_replicas": "2"}, "autoscaling_config.initial_replicas='2' must be a whole"),
        ({"minimum": 1}, "autoscaling_config has no option 'minimum'; known are ['aggregation"),
    ],
)
def test_autoscaling_value_outside_its_range_is_refused(
    written: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(InvalidOption) as caught:
        options(autoscaling_config=written)

    assert str(caught.value).startswith(message)
