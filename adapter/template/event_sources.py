"""What functions are subscribed to: SAM's events, and the queues and buckets made for them.

SAM makes what lets EventBridge and S3 invoke a function. It adds nothing to a role of ours, so what
Lambda does to a queue in the function's name is said here.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from adapter.errors import BuildError
from adapter.plan.event_sources import event_variables
from adapter.plan.names import logical_id as camel
from adapter.plan.values import FunctionPlan, StackPlan
from adapter.serve.event_sources import (
    EventBridgeRule,
    EventSource,
    S3Bucket,
    Schedule,
    SQSQueue,
)
from adapter.template.cloudformation import GetAtt, Ref, Sub, with_references
from adapter.template.private_bucket import private_bucket, tls_only

_RETENTION_S = 14 * 24 * 3600  # the longest there is
_RECEIVES = 5  # as AWS advises, so that a message survives throttling
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_VISIBILITY = 6
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
_SCHEDULED = {
    "version": "0",
    "id": "<aws.scheduler.execution-id>",
    "detail-type": "Scheduled Event",
    "source": "aws.scheduler",
    "account": "${AWS::AccountId}",
    "time": "<aws.scheduler.scheduled-time>",
    "region": "${AWS::Region}",
    "resources": ["<aws.scheduler.schedule-arn>"],
    "detail": {},
}
_RECEIVE = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]


def with_event_sources(front: Mapping[str, Any], function: FunctionPlan) -> dict[str, Any]:
    """Return the property Events, of the front and of what the function is subscribed to."""
    events = {**front.get("Events", {}), **_events(function)}
    return {"Events": events} if events else {}


def event_source_ids(function: FunctionPlan) -> Iterator[str]:
    """Yield the ids of what SAM makes of the function's subscriptions."""
    for name, source in _named(function).items():
        if isinstance(source, SQSQueue):
            yield f"{function.logical_id}{name}"
        elif isinstance(source, S3Bucket):
            yield f"{function.logical_id}{name}Permission"
        else:
            suffix = "Role" if isinstance(source, Schedule) else "Permission"
            yield from (f"{function.logical_id}{name}", f"{function.logical_id}{name}{suffix}")


def event_source_variables(function: FunctionPlan) -> dict[str, str | Sub]:
    """Return the variable that tells a function its subscriptions, with names as AWS has them."""
    found = event_variables(function.events, _name, _literal)
    return {name: Sub(text) if "${" in text else text for name, text in found.items()}


def event_source_statements(function: FunctionPlan) -> list[dict[str, Any]]:
    """Return what Lambda does to the queues, and that the function may read the stack's buckets."""
    queues = [_queue_arn(one) for one in function.events if isinstance(one, SQSQueue)]
    buckets = dict.fromkeys(
        _name(one) for one in function.events if isinstance(one, S3Bucket) and one.is_made
    )
    statements: list[dict[str, Any]] = []
    if queues:
        statements.append({"Effect": "Allow", "Action": _RECEIVE, "Resource": queues})
    if buckets:
        # A reference would go in a circle: the bucket needs the function, which needs its role.
        objects = [Sub(f"arn:${{AWS::Partition}}:s3:::{name}/*") for name in buckets]
        statements.append({"Effect": "Allow", "Action": "s3:GetObject", "Resource": objects})
    return statements


def event_source_resources(stack: StackPlan) -> dict[str, Any]:
    """Return the queues and buckets that are made in the stack, by logical id."""
    resources: dict[str, Any] = {}
    for function, source in _made(stack.functions):
        if isinstance(source, SQSQueue):
            resources |= _queue(source, function)
        else:
            resources |= _bucket(source)
    return resources


def event_source_outputs(stack: StackPlan) -> dict[str, Any]:
    """Return where to send messages and put objects."""
    outputs: dict[str, Any] = {}
    for function, source in _made(stack.functions):
        if isinstance(source, SQSQueue):
            outputs[f"{queue_id(source)}Url"] = {
                "Description": f"Queue {source.queue}, handled by deployment {function.deployment}",
                "Value": Ref(queue_id(source)),
            }
        else:
            outputs[f"{bucket_id(source)}Name"] = {
                "Description": f"Bucket {source.bucket}, which notifies its subscribers",
                "Value": Ref(bucket_id(source)),
            }
    return outputs


def made_ids(stack: StackPlan) -> list[str]:
    """List the ids of what is made, once for each queue and bucket."""
    queues = {one.queue: one for _, one in _made(stack.functions) if isinstance(one, SQSQueue)}
    buckets = {one.bucket: one for _, one in _made(stack.functions) if isinstance(one, S3Bucket)}
    found = [(queue_id(one), _dead_letter_queue_id(one)) for one in queues.values()]
    found += [(bucket_id(one), f"{bucket_id(one)}Policy") for one in buckets.values()]
    return [logical_id for ids in found for logical_id in ids]


def check_made_names(stack: StackPlan, stack_names: Iterable[str]) -> None:
    """Raise `BuildError` for a queue or bucket that AWS allows no such name behind a stack's."""
    for stack_name in stack_names:
        for function, source in _made(stack.functions):
            if isinstance(source, SQSQueue):
                name, most, allowed = f"{stack_name}-{source.queue}", 80, "[A-Za-z0-9_.-]+"
            else:  # in the region with the longest name
                name = bucket_name(source, stack_name, "0" * 12, "ap-southeast-1")
                most, allowed = 63, "[a-z0-9-]+"
            if len(name) > most or not re.fullmatch(allowed, name):
                raise BuildError(
                    f"deployment {function.deployment!r}: what is made for its events would be "
                    f"called {name!r}; AWS allows {most} characters, and in buckets no capitals. "
                    "Choose another name for it or for the stack (--stack-name).",
                )


def queue_id(source: SQSQueue) -> str:
    """Return the logical id of a queue that is made."""
    return f"{camel(source.queue.removesuffix('.fifo'))}Queue"


def _dead_letter_queue_id(source: SQSQueue) -> str:
    return f"{queue_id(source).removesuffix('Queue')}DeadLetterQueue"


def bucket_id(source: S3Bucket) -> str:
    """Return the logical id of a bucket, made or the user's own."""
    return f"{camel(source.bucket)}Bucket" if source.is_made else source.bucket[2:-1]


def bucket_name(source: S3Bucket, stack_name: str, account: str, region: str) -> str:
    """Return the name of a bucket that is made; names of buckets are unique in the world."""
    return f"{stack_name}-{source.bucket}-{account}-{region}"


def _made(functions: Iterable[FunctionPlan]) -> Iterator[tuple[FunctionPlan, SQSQueue | S3Bucket]]:
    for function in functions:
        for source in function.events:
            if isinstance(source, (SQSQueue, S3Bucket)) and source.is_made:
                yield function, source


def _events(function: FunctionPlan) -> dict[str, Any]:
    return {name: _event(source) for name, source in _named(function).items()}


def _named(function: FunctionPlan) -> dict[str, EventSource]:
    """Return the subscriptions by the names of their events, which change with nothing else."""
    found: dict[str, EventSource] = {}
    for source in function.events:
        name = wanted = f"{camel(source.method)}{_WORDS[type(source)]}"
        number = 1
        while name in found:
            number += 1
            name = f"{wanted}{number}"
        found[name] = source
    return found


_WORDS = {Schedule: "Schedule", SQSQueue: "Messages", S3Bucket: "Objects", EventBridgeRule: "Rule"}


def _event(source: EventSource) -> dict[str, Any]:
    if isinstance(source, Schedule):
        return {"Type": "ScheduleV2", "Properties": _schedule(source)}
    if isinstance(source, SQSQueue):
        return {"Type": "SQS", "Properties": _messages(source)}
    if isinstance(source, S3Bucket):
        return {"Type": "S3", "Properties": _objects(source)}
    assert isinstance(source, EventBridgeRule)  # noqa: S101 - there are four
    return {"Type": "EventBridgeRule", "Properties": _rule(source)}


def _schedule(source: Schedule) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "ScheduleExpression": source.schedule,
        # SAM's own name is the same in every stack, and there can be one of a name.
        "OmitName": True,
    }
    if source.timezone is not None:
        properties["ScheduleExpressionTimezone"] = source.timezone
    if source.input is None:
        properties["Input"] = Sub(_wrapped(source.method, _SCHEDULED))
    else:
        properties["Input"] = _wrapped(source.method, source.input)
    return properties


def _wrapped(method: str, event: object) -> str:
    """Write an event as `adapter.calls.subscriptions` reads it."""
    return json.dumps({"method": method, "event": event}, separators=(",", ":"))


def _messages(source: SQSQueue) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "Queue": _queue_arn(source),
        "BatchSize": source.batch_size,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    if source.maximum_batching_window_s:
        properties["MaximumBatchingWindowInSeconds"] = source.maximum_batching_window_s
    if source.maximum_concurrency is not None:
        properties["ScalingConfig"] = {"MaximumConcurrency": source.maximum_concurrency}
    return properties


def _objects(source: S3Bucket) -> dict[str, Any]:
    bounds = {"prefix": source.prefix, "suffix": source.suffix}
    rules = [{"Name": name, "Value": value} for name, value in bounds.items() if value]
    filtered = {"Filter": {"S3Key": {"Rules": rules}}} if rules else {}
    return {"Bucket": Ref(bucket_id(source)), "Events": list(source.events), **filtered}


def _rule(source: EventBridgeRule) -> dict[str, Any]:
    properties: dict[str, Any] = {"Pattern": dict(source.pattern)}
    if source.event_bus_name is not None:
        properties["EventBusName"] = with_references(source.event_bus_name)
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    template = f'{{"method": "{source.method}", "event": <aws.events.event.json>}}'
    properties["InputTransformer"] = {"InputTemplate": template}
    return properties


def _name(source: SQSQueue | S3Bucket) -> str:
    """Return the name of a queue or bucket as a function sees it in an event."""
    if isinstance(source, SQSQueue):
        return f"${{AWS::StackName}}-{source.queue}" if source.is_made else source.queue
    if not source.is_made:
        return "*"
    return bucket_name(source, "${AWS::StackName}", "${AWS::AccountId}", "${AWS::Region}")


def _literal(text: str) -> str:
    return text.replace("${", "${!")


def _queue_arn(source: SQSQueue) -> Any:
    return GetAtt(queue_id(source), "Arn") if source.is_made else with_references(source.queue)


def _queue(source: SQSQueue, function: FunctionPlan) -> dict[str, Any]:
    logical_id = queue_id(source)
    failed = _dead_letter_queue_id(source)
    kind = {"FifoQueue": True} if source.is_fifo else {}
    properties = {
        "QueueName": Sub(_name(source)),
        **kind,
        "VisibilityTimeout": _VISIBILITY * function.timeout_s + source.maximum_batching_window_s,
        "MessageRetentionPeriod": _RETENTION_S,
        "SqsManagedSseEnabled": True,
        "RedrivePolicy": {
            "deadLetterTargetArn": GetAtt(failed, "Arn"),
            "maxReceiveCount": _RECEIVES,
        },
    }
    kept = {**kind, "MessageRetentionPeriod": _RETENTION_S, "SqsManagedSseEnabled": True}
    return {
        logical_id: {"Type": "AWS::SQS::Queue", "Properties": properties},
        failed: {"Type": "AWS::SQS::Queue", "Properties": kept},
    }


def _bucket(source: S3Bucket) -> dict[str, Any]:
    logical_id = bucket_id(source)
    return {
        logical_id: private_bucket({"BucketName": Sub(_name(source))}),
        f"{logical_id}Policy": tls_only(logical_id),
    }
