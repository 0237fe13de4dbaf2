"""Deleting a stack: what happens meanwhile, and what stays behind."""

import time
from collections.abc import Iterator
from typing import Any

from adapter.errors import StackError
from adapter.stack.access import Access
from adapter.stack.deployed import DeployedStack
from adapter.stack.events import StackEvent, events, failure
from adapter.stack.refusals import aws_errors

_POLL_S = 2.0


def delete(access: Access, stack_id: str) -> Iterator[StackEvent]:
    """Delete a stack, and yield its events until it is gone.

    Raises `StackError` with the reason where something could not be deleted.
    """
    client = access.client("cloudformation")
    with aws_errors():
        client.delete_stack(StackName=stack_id)
    seen: set[str] = set()
    while True:
        status = _status(client, stack_id)  # before the events, so that the last ones are there
        for event in events(client, stack_id):
            if event.event_id not in seen:
                seen.add(event.event_id)
                yield event
        if status == "DELETE_COMPLETE":
            return
        if status != "DELETE_IN_PROGRESS":
            raise _failed(client, stack_id, status)
        time.sleep(_POLL_S)


def _status(client: Any, stack_id: str) -> str:
    with aws_errors():
        [stack] = client.describe_stacks(StackName=stack_id)["Stacks"]
    return str(stack["StackStatus"])


def _failed(client: Any, stack_id: str, status: str) -> StackError:
    event = failure(client, stack_id)
    reason = f" {event.logical_id}: {event.reason}" if event else ""
    return StackError(f"the stack is {status}.{reason}")


def left_behind(stack: DeployedStack) -> list[str]:
    """Say what deleting the stack leaves in the account."""
    return [*_retained(stack), *_log_groups(stack), _of_sam()]


def _retained(stack: DeployedStack) -> Iterator[str]:
    template = stack.template().get("Resources") or {}
    physical = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in stack.resources()}
    for name, resource in template.items():
        policy = resource.get("DeletionPolicy")
        if policy in ("Retain", "RetainExceptOnCreate", "Snapshot"):
            yield f"{physical.get(name, name)} ({resource.get('Type')}, DeletionPolicy {policy})"


def _log_groups(stack: DeployedStack) -> Iterator[str]:
    owned = {
        one["PhysicalResourceId"]
        for one in stack.resources()
        if one["ResourceType"] == "AWS::Logs::LogGroup"
    }
    for group in stack.log_groups().values():
        if group not in owned:
            yield f"the log group {group}, where there is one"


def _of_sam() -> str:
    return (
        "what sam uploaded: in the bucket and the repositories of stack aws-sam-cli-managed-default"
    )
