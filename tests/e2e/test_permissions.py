"""What the functions may do once the SAM transform is through, and what else it makes of them."""

import functools
from typing import Any

import pytest

from tests.e2e.transform import transform
from tests.template.golden import pinned
from tests.template.plans import CASES

pytestmark = [pytest.mark.sam, pytest.mark.timeout(300)]

AWS_LAMBDA = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function"
ON_ANYTHING = {"ec2", "xray"}  # what AWS has no names for
OPERATOR = "AWSLambdaManagedEC2ResourceOperator"


@pytest.fixture(scope="module", params=CASES)
def resources(request: pytest.FixtureRequest) -> dict[str, Any]:
    return transformed(request.param)


@functools.cache
def transformed(case: str) -> dict[str, Any]:
    return transform(pinned(case).read_text())


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == f"AWS::{kind}"
    }


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        statement
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def test_each_function_has_a_role_and_a_log_group_of_its_own(resources: dict[str, Any]) -> None:
    for name, function in of_type(resources, "Lambda::Function").items():
        assert function["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        assert function["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}LogGroup"}
        assert resources[f"{name}LogGroup"]["Properties"]["RetentionInDays"] > 0


def test_transform_adds_no_role_but_those_of_operators_and_schedules(
    resources: dict[str, Any],
) -> None:
    functions = of_type(resources, "Lambda::Function")
    operators = of_type(resources, "Lambda::CapacityProvider")
    schedules = of_type(resources, "Scheduler::Schedule")

    assert of_type(resources, "IAM::Role").keys() == {
        *(f"{name}Role" for name in functions),
        *(f"{name}OperatorRole" for name in operators),
        *(f"{name}Role" for name in schedules),
    }


def test_nothing_is_allowed_on_everything_but_what_has_no_names(resources: dict[str, Any]) -> None:
    for name in of_type(resources, "Lambda::Function"):
        for statement in statements(resources[f"{name}Role"]["Properties"]):
            found = statement["Action"]
            actions = [found] if isinstance(found, str) else found
            assert not any("*" in action for action in actions)
            if statement["Effect"] == "Allow" and statement["Resource"] == "*":
                assert {action.partition(":")[0] for action in actions} <= ON_ANYTHING


def test_roles_need_no_more_than_capability_iam(resources: dict[str, Any]) -> None:
    assert all("RoleName" not in role for role in of_type(resources, "IAM::Role").values())


def test_function_may_log_into_its_own_group(resources: dict[str, Any]) -> None:
    for name in of_type(resources, "Lambda::Function"):
        logs = statements(resources[f"{name}Role"]["Properties"])[0]
        assert logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert logs["Resource"] == {"Fn::GetAtt": [f"{name}LogGroup", "Arn"]}


def test_functions_may_invoke_their_handles_by_name_and_by_alias() -> None:
    resources = transformed("concurrency")

    invoked = {
        name: {
            arn["Fn::Sub"]
            for statement in statements(role)
            if statement["Action"] == "lambda:InvokeFunction"
            for arn in statement["Resource"]
        }
        for name, role in of_type(resources, "IAM::Role").items()
    }
    assert invoked == {
        "GatewayRole": {
            f"{AWS_LAMBDA}:${{AWS::StackName}}-Capped",
            f"{AWS_LAMBDA}:${{AWS::StackName}}-Scaled",
            f"{AWS_LAMBDA}:${{AWS::StackName}}-Scaled:live",
        },
        "CappedRole": {
            f"{AWS_LAMBDA}:${{AWS::StackName}}-Scaled",
            f"{AWS_LAMBDA}:${{AWS::StackName}}-Scaled:live",
        },
        "ScaledRole": set(),
    }


def test_asynchronous_invokes_are_configured_where_callers_arrive() -> None:
    resources = transformed("asynchronous")

    configs = of_type(resources, "Lambda::EventInvokeConfig")
    gateway = configs["GatewayEventInvokeConfig"]
    assert gateway["Qualifier"] == "live"
    assert (gateway["MaximumRetryAttempts"], gateway["MaximumEventAgeInSeconds"]) == (0, 3600)
    queue = configs["QueueEventInvokeConfig"]
    assert queue["Qualifier"] == "$LATEST"
    assert queue["DestinationConfig"] == {
        "OnFailure": {"Destination": {"Fn::GetAtt": ["QueueFailureQueue", "Arn"]}},
    }
    assert list(of_type(resources, "SQS::Queue")) == ["QueueFailureQueue"]
    assert of_type(resources, "SNS::Topic") == {}


def test_functions_run_on_their_own_platform_with_its_dependencies() -> None:
    resources = transformed("platforms")

    found = {
        name: (one["Runtime"], one["Architectures"], one["Layers"][1]["Ref"])
        for name, one in of_type(resources, "Lambda::Function").items()
    }
    assert {name: one[:2] for name, one in found.items()} == {
        "Gateway": ("python3.13", ["x86_64"]),
        "Model": ("python3.13", ["arm64"]),
        "Older": ("python3.12", ["arm64"]),
    }
    for runtime, architectures, layer in found.values():
        assert resources[layer]["Properties"]["CompatibleRuntimes"] == [runtime]
        assert resources[layer]["Properties"]["CompatibleArchitectures"] == architectures


def test_snapshots_are_taken_of_the_version_behind_the_alias() -> None:
    resources = transformed("snap_start")

    for name, function in of_type(resources, "Lambda::Function").items():
        assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
        version = resources[f"{name}Aliaslive"]["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]
        assert resources[version]["DeletionPolicy"] == "Delete"  # its snapshot is billed
    assert resources["GatewayUrl"]["Properties"]["TargetFunctionArn"] == {
        "Ref": "GatewayAliaslive",
    }


def test_images_have_a_command_and_nothing_that_only_zips_have() -> None:
    functions = of_type(transformed("images"), "Lambda::Function")

    assert functions["Gateway"]["Handler"] == "app.handler"
    assert len(functions["Gateway"]["Layers"]) == 3
    for name in ("Model", "Plain"):
        assert functions[name]["PackageType"] == "Image"
        assert functions[name]["ImageConfig"]["Command"] == ["app.handler"]
        assert not {"Handler", "Runtime", "Layers"} & functions[name].keys()


def test_capacity_provider_is_made_once_and_used_by_both() -> None:
    resources = transformed("capacity_providers")

    providers = of_type(resources, "Lambda::CapacityProvider")
    assert sorted(providers) == ["CapacityProvider", "LargeCapacityProvider"]
    assert providers["LargeCapacityProvider"]["InstanceRequirements"] == {
        "Architectures": ["arm64"],
        "AllowedInstanceTypes": ["m8g.4xlarge"],
    }
    for name in ("Gateway", "Model"):
        config = resources[name]["Properties"]["CapacityProviderConfig"]
        arn = config["LambdaManagedInstancesCapacityProviderConfig"]["CapacityProviderArn"]
        assert arn == {"Fn::GetAtt": ["CapacityProvider", "Arn"]}
    operator = resources["CapacityProviderOperatorRole"]["Properties"]
    assert [str(arn).rpartition("/")[2] for arn in operator["ManagedPolicyArns"]] == [OPERATOR]


def test_function_in_a_vpc_stays_there_and_is_traced() -> None:
    gateway = transformed("network")["Gateway"]["Properties"]

    assert gateway["VpcConfig"] == {
        "SubnetIds": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
        "SecurityGroupIds": ["sg-0a1b2c3d"],
    }
    assert gateway["TracingConfig"] == {"Mode": "Active"}
