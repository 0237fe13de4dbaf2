"""A function in a VPC, and what Lambda needs to put it there."""

from typing import Any

from adapter.plan.values import FunctionPlan
from adapter.template.callees import function_arn
from adapter.template.cloudformation import with_references

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
_INTERFACES = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:UnassignPrivateIpAddresses",
]


def vpc_property(function: FunctionPlan) -> dict[str, Any]:
    """Return the property that puts a function into a VPC; none for none."""
    if function.vpc is None:
        return {}
    config = {
        "SubnetIds": with_references(function.vpc.subnet_ids),
        "SecurityGroupIds": with_references(function.vpc.security_group_ids),
    }
    return {"VpcConfig": config}


def vpc_statements(function: FunctionPlan) -> list[dict[str, Any]]:
    """Return what Lambda does in the function's name, and the function itself may not.

    Network interfaces have no names before they exist, so the resource has to be `*`. The managed
    policy AWSLambdaVPCAccessExecutionRole says the same, but allows all log groups besides. The
    second statement is AWS's own advice: Lambda makes the interfaces, and no code in the function
    has a reason to.
    """
    if function.vpc is None:
        return []
    by_its_code = {"ArnEquals": {"lambda:SourceFunctionArn": function_arn(function.name)}}
    allowed = [*_INTERFACES, "ec2:DescribeSubnets"]
    return [
        {"Effect": "Allow", "Action": allowed, "Resource": "*"},
        {"Effect": "Deny", "Action": _INTERFACES, "Resource": "*", "Condition": by_its_code},
    ]
