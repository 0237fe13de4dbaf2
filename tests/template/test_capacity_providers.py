from dataclasses import replace
from typing import Any

import pytest

from adapter.errors import BuildError
from adapter.plan.values import Concurrency, FunctionPlan
from adapter.serve.capacity_providers import CapacityProvider
from adapter.template.capacity_providers import (
    capacity_provider_id,
    capacity_provider_resources,
    linter_metadata,
    managed_instances,
)
from adapter.template.cloudformation import GetAtt, Ref, Sub
from tests.template.plans import application, function, settings

SMALL = CapacityProvider(subnet_ids=("${Private}",), security_group_ids=("sg-1",))


def managed(name: str, provider: CapacityProvider, **options: Any) -> FunctionPlan:
    return function(
        name,
        capacity_provider=provider.name,
        new_capacity_provider=provider,
        concurrency=Concurrency(provisioned=1, maximum=2, managed=True),
        **options,
    )


def test_functions_with_the_same_provider_share_it() -> None:
    stack = application(managed("One", SMALL), managed("Two", SMALL))

    assert capacity_provider_resources(stack, settings()) == {
        "CapacityProvider": {
            "Type": "AWS::Serverless::CapacityProvider",
            "Properties": {
                "CapacityProviderName": Sub("${AWS::StackName}-default"),
                "VpcConfig": {"SubnetIds": [Ref("Private")], "SecurityGroupIds": ["sg-1"]},
                "InstanceRequirements": {"Architectures": ["x86_64"]},
                "ScalingConfig": {"MaxVCpuCount": 400},
            },
        },
    }


def test_all_of_a_provider_is_told() -> None:
    large = replace(
        SMALL, name="large-ones", allowed_types=("m8g.large",), max_vcpus=8, target_cpu_percent=50
    )
    stack = application(managed("One", large, architecture="arm64"))

    [(name, resource)] = capacity_provider_resources(stack, settings()).items()
    assert name == capacity_provider_id(large) == "LargeOnesCapacityProvider"
    assert resource["Properties"]["InstanceRequirements"] == {
        "Architectures": ["arm64"],
        "AllowedTypes": ["m8g.large"],
    }
    assert resource["Properties"]["ScalingConfig"] == {
        "MaxVCpuCount": 8,
        "AverageCPUUtilization": 50,
    }


def test_function_refers_to_its_provider_and_the_linter_is_kept_quiet() -> None:
    planned = managed("One", SMALL)

    config = managed_instances(planned)["CapacityProviderConfig"]
    assert config["Arn"] == GetAtt("CapacityProvider", "Arn")
    assert linter_metadata(planned)["cfn-lint"]["config"] == {"ignore_checks": ["E1010"]}


def test_provider_that_exists_already_is_not_made() -> None:
    planned = replace(managed("One", SMALL), new_capacity_provider=None)

    assert capacity_provider_resources(application(planned), settings()) == {}
    assert linter_metadata(planned) == {}


def test_different_providers_of_one_name_are_refused() -> None:
    stack = application(managed("One", SMALL), managed("Two", replace(SMALL, max_vcpus=8)))

    with pytest.raises(
        BuildError, match=r"One and Two: two different CapacityProviders .*'default'"
    ):
        capacity_provider_resources(stack, settings())


def test_functions_on_different_processors_cannot_share_a_provider() -> None:
    stack = application(managed("One", SMALL), managed("Two", SMALL, architecture="arm64"))

    with pytest.raises(BuildError, match="has one kind of processor, but are for x86_64 and arm64"):
        capacity_provider_resources(stack, settings())
