from typing import Any

import pytest

from adapter.errors import InvalidOption
from adapter.serve import CapacityProvider, LambdaOptions, VpcConfig

LAYER = "arn:aws:lambda:eu-central-1:123456789012:layer:fonts:7"
NETWORK: Any = {"subnet_ids": ["subnet-0a1b2c3d"], "security_group_ids": ["sg-0a1b2c3d"]}
VPC = VpcConfig(**NETWORK)
PROVIDER = CapacityProvider(**NETWORK)
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
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
        {"url": "none"},
        {"api": "http"},
        {"api": "public-rest"},
        {"api": "none"},
        {"capacity_provider": "my-models_2"},
        {"capacity_provider": f"{PROVIDERS}:models"},
        {"background": "report"},
        {"request_timeout_s": 0.5},
        {"request_timeout_s": 5},
        {"shutdown_extension": True},
        {"raise_errors": True},
        {"large_payloads": True},
        {"trusted_hops": 2},
        {"max_body_bytes": 1},
        {"metrics_namespace": "shop/prod:a#1"},
        {"metrics_namespace": "a" * 255},
        {"architecture": "arm64"},
        {"runtime": "python3.14"},
        {"package": "image"},
        {"layers": (LAYER, "${OwnLayer}")},
        {"vpc": VPC},
        {"policies": ("AmazonS3ReadOnlyAccess", "service-role/AWSLambdaRole")},
        {"policies": ("arn:aws-cn:iam::123456789012:policy/team", "${TeamPolicy}")},
        {"policies": ({"Effect": "Deny", "NotAction": "s3:*", "NotResource": "*"},)},
        {"tracing": True},
        {"log_retention_days": 3653},
        {"snap_start": True},
        {"maximum_retry_attempts": 0},
        {"maximum_event_age_s": 21_600},
        {"on_failure": "queue"},
        {"on_failure": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:failed"},
        {"on_failure": "arn:aws:s3:::failed"},
        {"capacity_provider": PROVIDER},
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
            "url='public' must be one of 'buffered', 'stream', 'public-buffered', 'public-stream',",
        ),
        ({"url": True}, "url=True must be one of 'buffered', "),
        ({"api": "public"}, "api='public' must be one of 'http', 'public-http', 'rest', 'public-r"),
        ({"cors": "*"}, "cors='*' must be a dict or a value of Cors."),
        (
            {"cors": {"allow_origins": []}},
            "allow_origins=() must name at least one origin, or '*'.",
        ),
        ({"background": "no"}, "background='no' must be one of 'wait', 'report', 'ignore'."),
        ({"request_timeout_s": 0}, "request_timeout_s=0 must be a number of seconds above 0."),
        (
            {"request_timeout_s": float("inf")},
            "request_timeout_s=inf must be a number of seconds above 0.",
        ),
        ({"request_timeout_s": "1"}, "request_timeout_s='1' must be a number of seconds above 0."),
        ({"shutdown_extension": 1}, "shutdown_extension=1 must be True or False."),
        ({"raise_errors": "no"}, "raise_errors='no' must be True or False."),
        ({"large_payloads": 6}, "large_payloads=6 must be True or False."),
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
        ({"architecture": "arm"}, "architecture='arm' must be one of 'x86_64', 'arm64'."),
        ({"runtime": "python3.9"}, "runtime='python3.9' must be one of 'python3.11', "),
        ({"package": "docker"}, "package='docker' must be one of 'zip', 'image'."),
        ({"layers": "fonts"}, "layers='fonts' must be a tuple."),
        ({"layers": ("fonts",)}, "layers: 'fonts' must be the ARN of a version of a layer, "),
        ({"layers": (LAYER[:-2],)}, "layers: 'arn:aws:lambda:eu-central-1:123456789012:layer:fo"),
        (
            {"layers": (LAYER,) * 3},
            "layers has 3: Lambda allows 5 and the adapter needs 3 of them, which leaves 2.",
        ),
        (
            {"layers": (LAYER,) * 2, "shutdown_extension": True},
            "layers has 2: Lambda allows 5 and the adapter needs 4 of them, which leaves 1.",
        ),
        (
            {"layers": (LAYER,), "package": "image"},
            'layers with package="image": an image has no layers of Lambda.',
        ),
        ({"vpc": "subnet-1"}, "vpc='subnet-1' must be a VpcConfig(subnet_ids=[...], security_g"),
        ({"vpc": {**NETWORK, "subnet": 1}}, "vpc has no option 'subnet'. Did you mean 'subnet_id"),
        ({"vpc": {**NETWORK, "subnet_ids": []}}, "subnet_ids=[] must be a list of 1 to 16 ids"),
        (
            {"vpc": {**NETWORK, "security_group_ids": ["subnet-1"]}},
            "security_group_ids=['subnet-1'] must be a list of 1 to 5 ids such as 'sg-0a1b2c3d',",
        ),
        ({"policies": ("arn:aws:s3:::bucket",)}, "policies: 'arn:aws:s3:::bucket' must be the na"),
        ({"policies": (1,)}, "policies: 1 must be the name of a managed policy of AWS such as "),
        (
            {"policies": ({**ALLOW, "Principal": "*"},)},
            f"policies: the statement { {**ALLOW, 'Principal': '*'} } has no member 'Principal'.",
        ),
        ({"policies": ({**ALLOW, "Effect": "allow"},)}, "policies: the statement {'Effect': 'al"),
        ({"policies": ({**ALLOW, "NotAction": "a"},)}, "policies: the statement {'Effect': 'All"),
        (
            {"policies": ({"Effect": "Allow", "Action": "s3:GetObject"},)},
            "policies: the statement {'Effect': 'Allow', 'Action': 's3:GetObject'} needs either Re",
        ),
        ({"tracing": "Active"}, "tracing='Active' must be True or False."),
        ({"log_retention_days": 31}, "log_retention_days=31 must be one of 1, 3, 5, 7, 14, 30,"),
        ({"snap_start": 1}, "snap_start=1 must be True or False."),
        (
            {"snap_start": True, "ephemeral_storage_mb": 1024},
            "snap_start with ephemeral_storage_mb=1024: Lambda takes snapshots of functions with 5",
        ),
        (
            {"snap_start": True, "capacity_provider": "models"},
            "snap_start with capacity_provider: environments on Managed Instances are not started",
        ),
        (
            {"vpc": VPC, "capacity_provider": "models"},
            "vpc with capacity_provider: a function on Managed Instances is in the VPC of its cap",
        ),
        (
            {"maximum_retry_attempts": 3},
            "maximum_retry_attempts=3 must be a whole number from 0 to 2.",
        ),
        (
            {"maximum_event_age_s": 59},
            "maximum_event_age_s=59 must be a whole number from 60 to 21600.",
        ),
        ({"on_failure": "topic"}, "on_failure='topic' must be 'queue' or the ARN of a standard "),
        (
            {"on_failure": "arn:aws:sqs:eu-west-1:123456789012:failed.fifo"},
            "on_failure='arn:aws:sqs:eu-west-1:123456789012:failed.fifo' must be 'queue' or the A",
        ),
        ({"capacity_provider": {**NETWORK, "max_vcpus": 1}}, "max_vcpus=1 must be a whole number"),
        (
            {"capacity_provider": {**NETWORK, "name": "a b"}},
            "name='a b' of a CapacityProvider must start with a letter and hold at most 40 ",
        ),
        (
            {"capacity_provider": {**NETWORK, "allowed_types": ["large"]}},
            "allowed_types=['large'] must be a list of instance types, such as 'm7g.large'.",
        ),
        (
            {
                "capacity_provider": {
                    **NETWORK,
                    "allowed_types": ["m7g.large"],
                    "excluded_types": ["m7g.xlarge"],
                },
            },
            "a CapacityProvider takes allowed_types or excluded_types.",
        ),
        (
            {"capacity_provider": {**NETWORK, "target_cpu_percent": 0}},
            "target_cpu_percent=0 must be a whole number from 1 to 100.",
        ),
        (
            {"capacity_provider": PROVIDER, "memory_mb": 1024},
            "with capacity_provider (Managed Instances), memory_mb=1024 must be a whole number f",
        ),
        ({"function": "my models"}, "function='my models' must be a name of letters, digits, "),
        ({"function": ""}, "function='' must be a name of letters, digits, "),
        ({"function": 3}, "function=3 must be a name of letters, digits, "),
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


def test_what_a_config_file_has_as_mappings_and_lists_becomes_the_same() -> None:
    written: Any = {"vpc": NETWORK, "layers": [LAYER], "policies": [ALLOW]}

    assert LambdaOptions.of("lambda_options", written) == LambdaOptions(
        vpc=VPC, layers=(LAYER,), policies=(ALLOW,)
    )
    assert LambdaOptions(capacity_provider=NETWORK) == LambdaOptions(capacity_provider=PROVIDER)


def test_silenced_checks_are_a_tuple_of_codes() -> None:
    written: Any = ["A207"]

    assert LambdaOptions(ignore_checks=written).ignore_checks == ("A207",)
    for wrong in ("A207", (207,)):
        with pytest.raises(InvalidOption, match=r"ignore_checks=.* must be a tuple of codes"):
            LambdaOptions(ignore_checks=wrong)  # type: ignore[arg-type]
