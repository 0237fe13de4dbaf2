from typing import Any

import pytest

from adapter.errors import UnknownOption
from adapter.serve import config
from adapter.serve.config import (
    AggregationFunction,
    AutoscalingConfig,
    AutoscalingPolicy,
    BackpressureConfig,
    ControllerOptions,
    DeploymentActorConfig,
    GangSchedulingConfig,
    HTTPOptions,
    ProxyLocation,
    RequestRouterConfig,
    gRPCOptions,
)


def fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


@pytest.mark.parametrize("name", config.__all__)
def test_every_name_of_rays_config_module_is_there(name: str) -> None:
    assert getattr(config, name).__name__ == name


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match=r"module 'adapter\.serve\.config' has no attribute"):
        _ = config.DeploymentMode  # type: ignore[attr-defined]


def test_autoscaling_config_has_rays_fields_and_defaults() -> None:
    assert fields(AutoscalingConfig()) == {
        "min_replicas": 1,
        "initial_replicas": None,
        "max_replicas": 1,
        "target_ongoing_requests": 2,
        "metrics_interval_s": 10,
        "look_back_period_s": 30,
        "smoothing_factor": 1,
        "upscale_smoothing_factor": None,
        "downscale_smoothing_factor": None,
        "upscaling_factor": None,
        "downscaling_factor": None,
        "downscale_delay_s": 600,
        "downscale_to_zero_delay_s": None,
        "upscale_delay_s": 30,
        "aggregation_function": AggregationFunction.MEAN,
        "policy": AutoscalingPolicy(),
    }


def test_autoscaling_config_takes_texts_and_dicts_for_what_they_say() -> None:
    written = AutoscalingConfig(
        aggregation_function="MAX",
        policy={"policy_function": "m:f", "policy_kwargs": {"a": 1}},
    )

    assert written.aggregation_function is AggregationFunction.MAX
    assert written.policy == AutoscalingPolicy(policy_function="m:f", policy_kwargs={"a": 1})


def test_backpressure_config_has_rays_fields_and_defaults() -> None:
    assert fields(BackpressureConfig()) == {"status_code": 503, "retry_after_s": None}


def test_request_router_config_has_rays_fields_and_defaults() -> None:
    assert fields(RequestRouterConfig()) == {
        "request_router_class": "ray.serve._private.request_router:PowerOfTwoChoicesRequestRouter",
        "request_router_kwargs": {},
        "request_routing_stats_period_s": 10,
        "request_routing_stats_timeout_s": 30,
        "initial_backoff_s": 0.025,
        "backoff_multiplier": 2,
        "max_backoff_s": 0.5,
    }


def test_grpc_options_have_rays_fields_and_defaults() -> None:
    assert fields(gRPCOptions()) == {
        "port": 9000,
        "grpc_servicer_functions": (),
        "request_timeout_s": None,
        "enable_reflection": True,
    }


def test_http_options_have_rays_fields_and_defaults() -> None:
    assert fields(HTTPOptions()) == {
        "host": "127.0.0.1",
        "port": 8000,
        "middlewares": (),
        "location": None,
        "num_cpus": 0,
        "root_url": "",
        "root_path": "",
        "request_timeout_s": None,
        "keep_alive_timeout_s": 90,
        "ssl_keyfile": None,
        "ssl_certfile": None,
        "ssl_keyfile_password": None,
        "ssl_ca_certs": None,
    }


@pytest.mark.parametrize(
    ("written", "location"),
    [
        ({"location": "HeadOnly"}, ProxyLocation.HeadOnly),
        ({"location": ProxyLocation.EveryNode}, ProxyLocation.EveryNode),
        ({"location": "NoServer"}, ProxyLocation.Disabled),
        ({"location": "FixedNumber"}, ProxyLocation.EveryNode),
        ({"host": None}, ProxyLocation.Disabled),
    ],
)
def test_location_of_the_http_server_may_have_an_older_name(
    written: dict[str, Any],
    location: ProxyLocation,
) -> None:
    assert HTTPOptions(**written).location is location


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"port": 65_536}, r"http_options\.port=65536 must be a whole number from 0 to 65535"),
        ({"location": "Nowhere"}, r"http_options\.location='Nowhere' must be one of 'Disabled', "),
        ({"location": {"port": 0}}, r"http_options\.location={'port': 0} must be one of 'Disabled"),
        ({"num_cpus": 1}, "`num_cpus` in HTTPOptions has been removed"),
        ({"request_timeout_s": 0}, r"http_options\.request_timeout_s=0 must be a number of seco"),
        ({"ssl_keyfile": "key.pem"}, "http_options needs ssl_keyfile and ssl_certfile, or none of"),
        ({"hots": "::"}, r"HTTPOptions has no option 'hots'\. Did you mean 'host'\?"),
    ],
)
def test_http_option_outside_its_range_is_refused(written: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HTTPOptions(**written)


@pytest.mark.parametrize(
    "kind",
    [AutoscalingConfig, BackpressureConfig, ControllerOptions, RequestRouterConfig, gRPCOptions],
)
def test_field_that_a_configuration_does_not_have_is_named(kind: Any) -> None:
    with pytest.raises(UnknownOption, match=f"^{kind.__name__} has no option 'nosuch'"):
        kind(nosuch=1)


def test_configurations_are_values() -> None:
    first, second = (DeploymentActorConfig(name="a", actor_class="m:A") for _ in range(2))

    assert first == second
    assert len({GangSchedulingConfig(gang_size=2), GangSchedulingConfig(gang_size=2)}) == 1
