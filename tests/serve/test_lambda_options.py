from typing import Any

import pytest

from adapter.errors import InvalidOption
from adapter.serve import LambdaOptions

PROVIDERS = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:capacity-provider"


@pytest.mark.parametrize(
    "written",
    [
        {"memory_mb": 128},
        {"memory_mb": 10_240},
        {"timeout_s": 1},
        {"timeout_s": 900},
        {"ephemeral_storage_mb": 512},
        {"ephemeral_storage_mb": 10_240},
        {"environment": {"MODEL_PATH": "/opt/model"}},
        {"calls": ("Model",)},
        {"url": None},
        {"url": "buffered"},
        {"url": "public-stream"},
        {"capacity_provider": "my-models_2"},
        {"capacity_provider": f"{PROVIDERS}:models"},
        {"background": "report"},
        {"request_timeout_s": 0.5},
        {"request_timeout_s": 5},
        {"shutdown_extension": True},
        {"raise_errors": True},
        {"trusted_hops": 2},
        {"max_body_bytes": 1},
        {"metrics_namespace": "shop/prod:a#1"},
        {"metrics_namespace": "a" * 255},
    ],
)
def test_value_inside_its_range_is_taken(written: dict[str, Any]) -> None:
    (name, value), found = next(iter(written.items())), LambdaOptions(**written)

    assert getattr(found, name) == value


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"memory_mb": 64}, "memory_mb=64 must be a whole number from 128 to 10240."),
        ({"memory_mb": 10_241}, "memory_mb=10241 must be a whole number from 128 to 10240."),
        ({"memory_mb": "512"}, "memory_mb='512' must be a whole number from 128 to 10240."),
        ({"timeout_s": 0}, "timeout_s=0 must be a whole number from 1 to 900."),
        ({"timeout_s": 901}, "timeout_s=901 must be a whole number from 1 to 900."),
        ({"timeout_s": True}, "timeout_s=True must be a whole number from 1 to 900."),
        (
            {"ephemeral_storage_mb": 511},
            "ephemeral_storage_mb=511 must be a whole number from 512 to 10240.",
        ),
        ({"calls": "Model"}, "calls='Model' must be a tuple of deployment names."),
        ({"calls": (1,)}, "calls=(1,) must be a tuple of deployment names."),
        ({"environment": ["A=1"]}, "environment=['A=1'] must be a dict of strings."),
        (
            {"environment": {"1A": "x"}},
            "environment variable '1A' must be two or more letters, digits and underscores, the",
        ),
        ({"environment": {"A": "x"}}, "environment variable 'A' must be two or more letters, di"),
        ({"environment": {"A_B": 1}}, "environment variable A_B=1 must be a string."),
        (
            {"url": "public"},
            "url='public' must be one of 'buffered', 'stream', 'public-buffered', 'public-stream'.",
        ),
        ({"url": True}, "url=True must be one of 'buffered', "),
        ({"background": "no"}, "background='no' must be one of 'wait', 'report', 'ignore'."),
        ({"request_timeout_s": 0}, "request_timeout_s=0 must be a number of seconds above 0."),
        (
            {"request_timeout_s": float("inf")},
            "request_timeout_s=inf must be a number of seconds above 0.",
        ),
        ({"request_timeout_s": "1"}, "request_timeout_s='1' must be a number of seconds above 0."),
        ({"shutdown_extension": 1}, "shutdown_extension=1 must be True or False."),
        ({"raise_errors": "no"}, "raise_errors='no' must be True or False."),
        ({"trusted_hops": -1}, "trusted_hops=-1 must be a whole number from 0 to 100."),
        (
            {"max_body_bytes": 7_000_000},
            "max_body_bytes=7000000 must be a whole number from 1 to 6291456.",
        ),
        ({"metrics_namespace": "AWS/Lambda"}, "metrics_namespace='AWS/Lambda' must be up to 255"),
        ({"metrics_namespace": ":a"}, "metrics_namespace=':a' must be up to 255"),
        ({"metrics_namespace": ""}, "metrics_namespace='' must be up to 255"),
        ({"metrics_namespace": "a" * 256}, "metrics_namespace='aaa"),
        ({"exec_wrapper": None}, "exec_wrapper=None must be True or False."),
        (
            {"capacity_provider": "arn:aws:lambda:us-east-1:1:function:models"},
            "capacity_provider='arn:aws:lambda:us-east-1:1:function:models' must be the name of ",
        ),
        ({"capacity_provider": ""}, "capacity_provider='' must be the name of a capacity provider"),
        (
            {"capacity_provider": "models", "memory_mb": 1024},
            "with capacity_provider (Managed Instances), memory_mb=1024 must be a whole number f",
        ),
    ],
)
def test_value_outside_its_range_is_refused(written: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        LambdaOptions(**written)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("name", ["AWS_REGION", "LAMBDA_TASK_ROOT", "ADAPTER_APPLICATION"])
def test_variable_that_lambda_or_the_adapter_sets_is_refused(name: str) -> None:
    with pytest.raises(InvalidOption, match=f"environment variable '{name}' is reserved"):
        LambdaOptions(environment={name: "x"})


def test_misspelled_option_is_named_with_the_right_one() -> None:
    written: dict[str, Any] = {"ulr": "stream"}
    with pytest.raises(InvalidOption) as caught:
        LambdaOptions(**written)

    assert str(caught.value) == "LambdaOptions has no option 'ulr'. Did you mean 'url'?"
