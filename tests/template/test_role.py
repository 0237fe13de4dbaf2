from typing import Any

import pytest

from adapter.plan.values import Concurrency, FunctionPlan
from adapter.serve.vpc import VpcConfig
from adapter.template.cloudformation import GetAtt, Ref, Sub
from adapter.template.role import role
from tests.template.plans import application, function, gateway

AWS_LAMBDA = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function"
VPC = VpcConfig(subnet_ids=("subnet-1",), security_group_ids=("sg-1",))
LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": GetAtt("ModelLogGroup", "Arn"),
}


def properties(planned: FunctionPlan, *others: FunctionPlan) -> dict[str, Any]:
    [(name, resource)] = role(application(planned, *others), planned).items()
    assert name == f"{planned.logical_id}Role"
    found: dict[str, Any] = resource["Properties"]
    return found


def statements(planned: FunctionPlan, *others: FunctionPlan) -> list[dict[str, Any]]:
    [policy] = properties(planned, *others)["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def further_statements(**options: Any) -> list[dict[str, Any]]:
    logs, *others = statements(function("Model", **options))
    assert logs == LOGS
    return others


def test_function_may_log_into_its_own_group_and_nothing_else() -> None:  # R12
    assert statements(function("Model")) == [LOGS]
    assert "ManagedPolicyArns" not in properties(function("Model"))


def test_only_lambda_may_take_the_role() -> None:
    [trust] = properties(function("Model"))["AssumeRolePolicyDocument"]["Statement"]

    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }


def test_role_has_no_name_of_its_own_so_that_capability_iam_is_enough() -> None:
    assert "RoleName" not in properties(function("Model"))


def test_function_may_invoke_exactly_those_it_holds_handles_to() -> None:  # R12
    _, invoke = statements(
        gateway(calls=("Model", "Other")),
        function("Model", concurrency=Concurrency(provisioned=1)),
        function("Other"),
    )

    assert invoke == {
        "Effect": "Allow",
        "Action": "lambda:InvokeFunction",
        "Resource": [
            Sub(f"{AWS_LAMBDA}:${{AWS::StackName}}-Model"),
            Sub(f"{AWS_LAMBDA}:${{AWS::StackName}}-Model:live"),
            Sub(f"{AWS_LAMBDA}:${{AWS::StackName}}-Other"),
        ],
    }


def test_network_interfaces_are_made_by_lambda_and_not_by_the_code() -> None:
    allow, deny = further_statements(vpc=VPC)

    assert (allow["Effect"], allow["Resource"]) == ("Allow", "*")
    assert all(action.startswith("ec2:") for action in allow["Action"])
    assert deny["Effect"] == "Deny"
    assert set(allow["Action"]) - set(deny["Action"]) == {"ec2:DescribeSubnets"}
    assert deny["Condition"] == {
        "ArnEquals": {"lambda:SourceFunctionArn": Sub(f"{AWS_LAMBDA}:${{AWS::StackName}}-Model")},
    }


def test_traced_function_may_send_segments() -> None:
    [statement] = further_statements(tracing=True)

    assert statement["Action"] == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]


ARN = "arn:aws:{}:eu-central-1:123456789012:failed"


@pytest.mark.parametrize(
    ("on_failure", "allowed"),
    [
        ("queue", [("sqs:SendMessage", GetAtt("ModelFailureQueue", "Arn"))]),
        (ARN.format("sqs"), [("sqs:SendMessage", ARN.format("sqs"))]),
        (ARN.format("sns"), [("sns:Publish", ARN.format("sns"))]),
        (ARN.format("events"), [("events:PutEvents", ARN.format("events"))]),
        (ARN.format("lambda"), [("lambda:InvokeFunction", ARN.format("lambda"))]),
        (
            "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:q",
            [
                (
                    "sqs:SendMessage",
                    Sub("arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:q"),
                ),
            ],
        ),
        (
            "arn:aws:s3:::failed",
            [("s3:ListBucket", "arn:aws:s3:::failed"), ("s3:PutObject", "arn:aws:s3:::failed/*")],
        ),
    ],
)
def test_function_may_send_to_its_destination(
    on_failure: str, allowed: list[tuple[str, object]]
) -> None:
    found = further_statements(on_failure=on_failure)

    assert [(one["Action"], one["Resource"]) for one in found] == allowed


def test_policies_of_the_user_are_added() -> None:
    statement = {
        "Effect": "Allow",
        "Action": ("s3:GetObject",),
        "Resource": "arn:aws:s3:::data-${AWS::AccountId}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "true"}},
    }
    named = "arn:aws:iam::123456789012:policy/team"
    planned = function("Model", policies=("AmazonS3ReadOnlyAccess", named, "${Team}", statement))

    assert properties(planned)["ManagedPolicyArns"] == [
        Sub("arn:${AWS::Partition}:iam::aws:policy/AmazonS3ReadOnlyAccess"),
        named,
        Ref("Team"),
    ]
    assert statements(planned)[1:] == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": Sub("arn:aws:s3:::data-${AWS::AccountId}/*"),
            "Condition": {"Bool": {"aws:SecureTransport": "true"}},
        },
    ]
