from typing import Any

import pytest

from adapter.errors import PlanError
from adapter.plan.resources import with_resources
from adapter.plan.values import Concurrency
from adapter.serve.capacity_providers import CapacityProvider
from adapter.serve.lambda_options import LambdaOptions
from adapter.serve.vpc import VpcConfig
from tests.plan.programs import Program
from tests.template.plans import function

VPC = VpcConfig(subnet_ids=("subnet-1",), security_group_ids=("sg-1",))
PROVIDER = CapacityProvider(subnet_ids=("subnet-1",), security_group_ids=("sg-1",), name="large")


@pytest.mark.parametrize(
    "written",
    [
        {"architecture": "arm64"},
        {"runtime": "python3.12"},
        {"package": "image"},
        {"layers": ("arn:aws:lambda:eu-west-1:123456789012:layer:fonts:7",)},
        {"vpc": VPC},
        {"policies": ("AmazonS3ReadOnlyAccess",)},
        {"tracing": True},
        {"log_retention_days": 7},
        {"snap_start": True},
        {"maximum_retry_attempts": 0},
        {"maximum_event_age_s": 60},
        {"on_failure": "queue"},
    ],
)
def test_option_is_in_the_plan(written: dict[str, Any]) -> None:
    [(name, value)] = written.items()

    assert getattr(with_resources(function("Model"), LambdaOptions(**written)), name) == value


def test_capacity_provider_that_exists_is_named() -> None:
    plan = with_resources(function("Model"), LambdaOptions(capacity_provider="models"))

    assert (plan.capacity_provider, plan.new_capacity_provider) == ("models", None)


def test_capacity_provider_of_the_stack_is_in_the_plan_with_its_name() -> None:
    plan = with_resources(function("Model"), LambdaOptions(capacity_provider=PROVIDER))

    assert (plan.capacity_provider, plan.new_capacity_provider) == ("large", PROVIDER)


@pytest.mark.parametrize(
    ("planned", "alias"),
    [
        ({}, None),
        ({"concurrency": Concurrency(maximum=3)}, None),
        ({"concurrency": Concurrency(provisioned=1)}, "live"),
        ({"concurrency": Concurrency(managed=True, maximum=3)}, "live"),
        ({"snap_start": True}, "live"),
    ],
)
def test_what_exists_for_published_versions_only_needs_an_alias(
    planned: dict[str, Any], alias: str | None
) -> None:
    assert function("Model", **planned).alias == alias


def test_snapshots_of_environments_that_are_kept_warm_are_refused() -> None:
    warm = function("Model", concurrency=Concurrency(provisioned=2, maximum=2))

    with pytest.raises(PlanError, match=r"Model: snap_start=True, and 2 environments .* warm"):
        with_resources(warm, LambdaOptions(snap_start=True))


def test_options_of_a_program_reach_its_plan(program: Program) -> None:
    plan = program.plan(
        """
        vpc = serve.VpcConfig(subnet_ids=["subnet-1"], security_group_ids=["sg-1"])
        options = serve.LambdaOptions(vpc=vpc, tracing=True, on_failure="queue")

        @serve.deployment(lambda_options=options)
        def gateway(): ...

        app = gateway.bind()
        """,
    )

    [planned] = plan.functions
    assert (planned.vpc, planned.tracing, planned.on_failure) == (VPC, True, "queue")


def test_what_stays_warm_without_traffic_is_told(program: Program) -> None:
    plan = program.plan(
        """
        @serve.deployment(autoscaling_config={"min_replicas": 1, "max_replicas": 5})
        def gateway(): ...

        app = gateway.bind()
        """,
    )

    [note] = plan.functions[0].notes
    assert note.startswith("gateway: scales in only while it gets requests;")
    assert "up to 5 environments, stays warm and is paid for" in note
