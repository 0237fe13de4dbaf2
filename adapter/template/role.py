"""The role that a function runs as: one for each, with what this one needs.

SAM makes a role where there is none, with AWSLambdaBasicExecutionRole in it, which may write into
every log group of the account. Where there is one, SAM adds nothing to it, whatever the function's
events, tracing and network need: `permissions` has to say it all.
"""

from typing import Any

from adapter.plan.values import FunctionPlan, StackPlan
from adapter.template.permissions import statements
from adapter.template.policies import managed_policies

_VERSION = "2012-10-17"
_TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def role_id(function: FunctionPlan) -> str:
    """Return the logical id of a function's role."""
    return f"{function.logical_id}Role"


def role(stack: StackPlan, function: FunctionPlan) -> dict[str, Any]:
    """Return the role of a function, by logical id.

    It has no name of its own, so that CAPABILITY_IAM is enough to deploy it. Its policy is inline,
    so that it is there before the function is: Lambda looks for what a VPC or a destination needs
    as soon as it makes the function.
    """
    properties: dict[str, Any] = {
        "AssumeRolePolicyDocument": {"Version": _VERSION, "Statement": [_TRUST]},
    }
    if managed := managed_policies(function):
        properties["ManagedPolicyArns"] = managed
    document = {"Version": _VERSION, "Statement": statements(stack, function)}
    properties["Policies"] = [{"PolicyName": "function", "PolicyDocument": document}]
    return {role_id(function): {"Type": "AWS::IAM::Role", "Properties": properties}}
