from typing import Any

import pytest

from adapter.errors import AdapterError, InvalidOption, UnknownOption
from adapter.serve.config import (
    AutoscalingConfig,
    BackpressureConfig,
    DeploymentActorConfig,
    GangPlacementStrategy,
    GangSchedulingConfig,
    RequestRouterConfig,
)
from adapter.serve.options import DEFAULT, IGNORED_OPTIONS, DeploymentOptions


def options(**written: Any) -> DeploymentOptions:
    return DeploymentOptions(name="Model").changed(**written)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"name": ""}, "name='' must be a non-empty string."),
        ({"name": 3}, "name=3 must be a non-empty string."),
        ({"name": None}, "name=None must be a non-empty string."),
        (
            {"name": "a#b"},
            "Deployment names must not contain the '#' character. Current name: a#b.",
        ),
        ({"num_replicas": 0}, "num_replicas=0 must be a whole number, at least 1."),
        ({"num_replicas": -1}, "num_replicas=-1 must be a whole number, at least 1."),
        ({"num_replicas": 1.5}, "num_replicas=1.5 must be a whole number, at least 1."),
        ({"num_replicas": True}, "num_replicas=True must be a whole number, at least 1."),
        ({"num_replicas": "two"}, "num_replicas='two' must be a whole number, at least 1."),
        (
            {"max_ongoing_requests": None},
            "`max_ongoing_requests` must be non-null, got None.",
        ),
        ({"max_ongoing_requests": 0}, "max_ongoing_requests=0 must be a whole number, at least 1."),
        (
            {"max_queued_requests": 0},
            "max_queued_requests=0 must be -1 (no limit) or a positive integer.",
        ),
        (
            {"max_queued_requests": "9"},
            "max_queued_requests='9' must be -1 (no limit) or a positive integer.",
        ),
        (
            {"health_check_period_s": 0},
            "health_check_period_s=0 must be a number of seconds above 0.",
        ),
        (
            {"health_check_timeout_s": "1"},
            "health_check_timeout_s='1' must be a number of seconds above 0.",
        ),
        (
            {"graceful_shutdown_timeout_s": -1},
            "graceful_shutdown_timeout_s=-1 must be a number of seconds, at least 0.",
        ),
        (
            {"graceful_shutdown_wait_loop_s": None},
            "graceful_shutdown_wait_loop_s=None must be a number of seconds, at least 0.",
        ),
        (
            {"max_constructor_retry_count": 0},
            "max_constructor_retry_count=0 must be a whole number, at least 1.",
        ),
        (
            {"max_surge_percent": 101},
            "max_surge_percent=101 must be a whole number from 0 to 100.",
        ),
        (
            {"rolling_update_percentage": 0},
            "rolling_update_percentage=0 must be a number above 0.",
        ),
        (
            {"rolling_update_percentage": 1.5},
            "rolling_update_percentage=1.5 is a share, at most 1.0.",
        ),
        (
            {"max_replicas_per_node": 101},
            "max_replicas_per_node=101 must be a whole number from 1 to 100.",
        ),
        (
            {"max_replicas_per_node": 1, "placement_group_bundles": [{"CPU": 1}]},
            "Setting max_replicas_per_node is not allowed when placement_group_bundles is provided",
        ),
        (
            {"placement_group_strategy": "PACK"},
            "If `placement_group_strategy` is provided, `placement_group_bundles` must also be pro",
        ),
        (
            {"placement_group_bundle_label_selector": [{"a": "b"}]},
            "If `placement_group_bundle_label_selector` is provided, `placement_group_bundles` mus",
        ),
        (
            {"gang_scheduling_config": {"gang_size": 2}, "max_replicas_per_node": 1},
            "Setting max_replicas_per_node is not allowed when gang_scheduling_config is provided.",
        ),
        (
            {"gang_scheduling_config": {"gang_size": 2}, "placement_group_strategy": "PACK"},
            "Setting placement_group_strategy is not allowed when gang_scheduling_config is provid",
        ),
        (
            {"gang_scheduling_config": {"gang_size": 0}},
            "gang_scheduling_config.gang_size=0 must be a whole number, at least 1.",
        ),
        (
            {"gang_scheduling_config": {"gang_size": 2, "gang_placement_strategy": "NEAR"}},
            "gang_scheduling_config.gang_placement_strategy='NEAR' must be one of 'PACK', 'SPREAD'",
        ),
        (
            {"request_router_config": {"initial_backoff_s": 0}},
            "request_router_config.initial_backoff_s=0 must be a number above 0.",
        ),
        ({"deployment_actors": {"name": "a"}}, "deployment_actors={'name': 'a'} must be a list."),
        (
            {"backpressure_config": {"status_code": 500}},
            "backpressure_config.status_code=500 must be one of 503, 429.",
        ),
        (
            {"backpressure_config": {"retry_after_s": float("inf")}},
            "backpressure_config.retry_after_s=inf must be a number of seconds, at least 0.",
        ),
        (
            {"backpressure_config": {"retry_after": 1}},
            "backpressure_config has no option 'retry_after'. Did you mean 'retry_after_s'?",
        ),
        (
            {"ray_actor_options": {"num_cpu": 1}},
            "ray_actor_options has no option 'num_cpu'. Did you mean 'num_cpus'?",
        ),
        ({"ray_actor_options": [1]}, "ray_actor_options=[1] must be a dict."),
        (
            {"lambda_options": {"memory_mb": 512}},
            "lambda_options={'memory_mb': 512} must be a LambdaOptions, for",
        ),
        (
            {"version": "1"},
            "`version` in `@serve.deployment` has been removed. Serve manages deployment versions",
        ),
        (
            {"num_replicas": 2, "autoscaling_config": {"max_replicas": 3}},
            "Manually setting num_replicas is not allowed when autoscaling_config is provided.",
        ),
        (
            {"autoscaling_config": 3},
            "autoscaling_config=3 must be a dict or a value of AutoscalingConfig.",
        ),
    ],
)
def test_value_outside_its_range_is_refused(written: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        options(**written)

    assert str(caught.value).startswith(message)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, AdapterError)


def test_unknown_option_is_refused_with_the_one_that_may_be_meant() -> None:
    expected = r"^serve.deployment has no option 'num_replica'\. Did you mean 'num_replicas'\?$"
    with pytest.raises(UnknownOption, match=expected):
        options(num_replica=3)


def test_unknown_option_that_resembles_none_is_refused_with_all_of_them() -> None:
    with pytest.raises(TypeError, match=r"has no option 'xyz'\. Known are ") as caught:
        options(xyz=3)

    known = str(caught.value).partition("Known are ")[2].rstrip(".").split(", ")
    assert {"num_replicas", "health_check_period_s", "route_prefix"} <= set(known)
    assert "given" not in known


CLUSTER: dict[str, Any] = {
    "placement_group_bundles": [{"CPU": 1}],
    "max_replicas_per_node": 2,
    "backpressure_config": BackpressureConfig(status_code=429),
    "graceful_shutdown_wait_loop_s": 1.5,
    "graceful_shutdown_timeout_s": 0,
    "request_router_config": RequestRouterConfig(max_backoff_s=1),
    "max_constructor_retry_count": 1,
    "gang_scheduling_config": GangSchedulingConfig(gang_size=2),
    "deployment_actors": (DeploymentActorConfig(name="a", actor_class="m:A"),),
    "rolling_update_percentage": 1,
    "max_surge_percent": 100,
}


@pytest.mark.parametrize("name", sorted(IGNORED_OPTIONS & CLUSTER.keys()))
def test_option_of_rays_cluster_is_kept_for_the_note(name: str) -> None:
    changed = options(**{name: CLUSTER[name]})

    assert (getattr(changed, name), changed.ignored) == (CLUSTER[name], {name: CLUSTER[name]})


def test_placement_options_are_kept_with_their_bundles() -> None:
    written = {
        "placement_group_bundle_label_selector": [{"zone": "a"}],
        "placement_group_bundles": [{"CPU": 1}],
        "placement_group_strategy": "PACK",
    }

    assert options(**written).ignored == written


@pytest.mark.parametrize(
    ("name", "written", "expected"),
    [
        ("backpressure_config", {"retry_after_s": 2}, BackpressureConfig(retry_after_s=2)),
        ("request_router_config", {"max_backoff_s": 2}, RequestRouterConfig(max_backoff_s=2)),
        (
            "gang_scheduling_config",
            {"gang_size": 2, "gang_placement_strategy": "SPREAD"},
            GangSchedulingConfig(
                gang_size=2,
                gang_placement_strategy=GangPlacementStrategy.SPREAD,
            ),
        ),
        (
            "deployment_actors",
            [{"name": "a", "actor_class": "m:A"}],
            (DeploymentActorConfig(name="a", actor_class="m:A"),),
        ),
    ],
)
def test_configuration_is_taken_as_a_dict(name: str, written: Any, expected: Any) -> None:
    assert getattr(options(**{name: written}), name) == expected


def test_default_leaves_an_option_as_it_is() -> None:
    before = options(num_replicas=3)

    assert before.changed(num_replicas=DEFAULT, version=DEFAULT) == before


def test_given_names_what_the_user_wrote() -> None:
    changed = options(num_replicas=3).changed(user_config={}, name=DEFAULT)

    assert changed.given == {"num_replicas", "user_config"}


def test_ignored_options_add_up() -> None:
    changed = options(max_surge_percent=1).changed(max_constructor_retry_count=3)

    assert changed.ignored == {"max_constructor_retry_count": 3, "max_surge_percent": 1}


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


def test_autoscaling_config_beside_auto_may_be_an_instance() -> None:
    config = AutoscalingConfig(target_ongoing_requests=5)
    found = options(num_replicas="auto", autoscaling_config=config).autoscaling_config

    assert found == AutoscalingConfig(max_replicas=100, target_ongoing_requests=5)
    own = AutoscalingConfig(max_replicas=3)
    assert options(num_replicas="auto", autoscaling_config=own).autoscaling_config is own


def test_fixed_number_of_replicas_replaces_a_range() -> None:
    changed = options(autoscaling_config={"max_replicas": 3}).changed(num_replicas=2)

    assert (changed.num_replicas, changed.autoscaling_config) == (2, None)


def test_range_of_replicas_replaces_a_fixed_number() -> None:
    changed = options(num_replicas=2).changed(autoscaling_config={"max_replicas": 3})

    assert (changed.num_replicas, changed.autoscaling_config) == (
        None,
        AutoscalingConfig(max_replicas=3),
    )


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
        ({"min_replica": 1}, "autoscaling_config has no option 'min_replica'. Did you mean 'min_"),
        ({"minimum": 1}, "autoscaling_config has no option 'minimum'. Known are aggregation_fun"),
        ({"upscale_delay_s": -1}, "autoscaling_config.upscale_delay_s=-1 must be a number of sec"),
        ({"look_back_period_s": 0}, "autoscaling_config.look_back_period_s=0 must be a number of"),
        ({"upscaling_factor": 0}, "autoscaling_config.upscaling_factor=0 must be a number above 0"),
        (
            {"target_ongoing_requests": True},
            "autoscaling_config.target_ongoing_requests=True must be a number above 0.",
        ),
        (
            {"aggregation_function": "median"},
            "autoscaling_config.aggregation_function='median' must be one of 'mean', 'max', 'min'.",
        ),
        ({"policy": "f"}, "autoscaling_config.policy='f' must be a dict or a value of Autoscaling"),
    ],
)
def test_autoscaling_value_outside_its_range_is_refused(
    written: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(InvalidOption) as caught:
        options(autoscaling_config=written)

    assert str(caught.value).startswith(message)
