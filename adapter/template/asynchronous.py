"""Invocations that nobody waits for: how often Lambda tries, and what becomes of what failed.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
"""

from typing import Any

from adapter.plan.values import FunctionPlan
from adapter.serve.aws_names import service_of
from adapter.template.cloudformation import GetAtt, with_references

# As SAM calls a destination, and what a function must be allowed to do there.
_DESTINATIONS = {
    "sqs": ("SQS", "sqs:SendMessage"),
    "sns": ("SNS", "sns:Publish"),
    "lambda": ("Lambda", "lambda:InvokeFunction"),
    "events": ("EventBridge", "events:PutEvents"),
    "s3": ("S3Bucket", "s3:PutObject"),
}
_RETENTION_S = 14 * 24 * 3600  # the longest there is


def failure_queue_id(function: FunctionPlan) -> str:
    """Return the logical id of the queue that `on_failure="queue"` makes."""
    return f"{function.logical_id}FailureQueue"


def failure_queue(function: FunctionPlan) -> dict[str, Any]:
    """Return the queue of what failed, by logical id; none where it was not asked for."""
    if function.on_failure != "queue":
        return {}
    properties = {"MessageRetentionPeriod": _RETENTION_S, "SqsManagedSseEnabled": True}
    return {failure_queue_id(function): {"Type": "AWS::SQS::Queue", "Properties": properties}}


def event_invoke_config(function: FunctionPlan) -> dict[str, Any]:
    """Return the property for asynchronous invokes; SAM ties it to the alias where there is one."""
    config: dict[str, Any] = {}
    if function.maximum_retry_attempts is not None:
        config["MaximumRetryAttempts"] = function.maximum_retry_attempts
    if function.maximum_event_age_s is not None:
        config["MaximumEventAgeInSeconds"] = function.maximum_event_age_s
    if function.on_failure is not None:
        kind, _ = _DESTINATIONS[_service(function.on_failure)]
        destination = {"Type": kind, "Destination": _destination(function)}
        config["DestinationConfig"] = {"OnFailure": destination}
    return {"EventInvokeConfig": config} if config else {}


def asynchronous_statements(function: FunctionPlan) -> list[dict[str, Any]]:
    """Return the permission to send to the destination, which Lambda asks of the function."""
    if function.on_failure is None:
        return []
    service = _service(function.on_failure)
    _, action = _DESTINATIONS[service]
    resource = _destination(function)
    if service == "s3":
        return [
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": resource},
            {
                "Effect": "Allow",
                "Action": action,
                "Resource": with_references(f"{function.on_failure}/*"),
            },
        ]
    return [{"Effect": "Allow", "Action": action, "Resource": resource}]


def _service(destination: str) -> str:
    return "sqs" if destination == "queue" else service_of(destination)


def _destination(function: FunctionPlan) -> Any:
    if function.on_failure == "queue":
        return GetAtt(failure_queue_id(function), "Arn")
    return with_references(function.on_failure)
