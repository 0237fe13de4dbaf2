"""Where a function logs to: a group of its own, which the stack makes and deletes.

Lambda would make the group by itself with the first line, for ever and outside of the stack, and
the function would need the right to make groups.
"""

from typing import Any

from adapter.plan.values import FunctionPlan
from adapter.template.cloudformation import GetAtt, Ref, Sub


def log_group_id(function: FunctionPlan) -> str:
    """Return the logical id of a function's log group."""
    return f"{function.logical_id}LogGroup"


def log_group(function: FunctionPlan) -> dict[str, Any]:
    """Return the log group of a function, by logical id, under the name that Lambda would give."""
    properties = {
        "LogGroupName": Sub(f"/aws/lambda/${{AWS::StackName}}-{function.name}"),
        "RetentionInDays": function.log_retention_days,
    }
    return {log_group_id(function): {"Type": "AWS::Logs::LogGroup", "Properties": properties}}


def logging_config(function: FunctionPlan) -> dict[str, Any]:
    """Return how a function logs. Text takes no level, and Managed Instances log in JSON only.

    https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html
    """
    config: dict[str, Any] = {"LogGroup": Ref(log_group_id(function))}
    if function.log_format == "JSON" or function.concurrency.managed:
        config["LogFormat"] = "JSON"
        if function.log_level is not None:
            config["ApplicationLogLevel"] = function.log_level
    return {"LoggingConfig": config}


def log_statements(function: FunctionPlan) -> list[dict[str, Any]]:
    """Return the permission to log, into the function's own group.

    It is not AWSLambdaBasicExecutionRole, which allows all groups of the account. The ARN that
    CloudFormation gives of a group ends in `:*`, which is its streams.
    """
    statement = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": GetAtt(log_group_id(function), "Arn"),
    }
    return [statement]
