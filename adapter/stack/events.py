"""What happened to a stack: its events, newest last, and why something failed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapter.stack.refusals import aws_errors

# Where CloudFormation stopped the others because of the one that failed.
_BECAUSE_OF_ANOTHER = ("resource creation cancelled", "resource update cancelled")
_STARTS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackEvent:
    """One event of the stack or of a resource in it."""

    event_id: str
    time: datetime
    logical_id: str
    type: str
    status: str
    reason: str

    @property
    def failed(self) -> bool:
        """Whether it tells a failure by itself, not one that followed from another."""
        followed = self.reason.lower().startswith(_BECAUSE_OF_ANOTHER)
        return self.status.endswith("FAILED") and not followed


def events(client: Any, stack: str) -> list[StackEvent]:
    """Return the events of what was done last to a stack, by name or id, the first one first."""
    with aws_errors():
        found: list[StackEvent] = []
        for event in _newest_first(client, stack):
            found.append(_event(event))
            is_stack = event["PhysicalResourceId"] == event["StackId"]
            if is_stack and event["ResourceStatus"] in _STARTS:
                break
        return found[::-1]


def failure(client: Any, stack: str) -> StackEvent | None:
    """Return the event that made what was done last fail, None where nothing did."""
    return next((event for event in events(client, stack) if event.failed), None)


def _newest_first(client: Any, stack: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("describe_stack_events").paginate(StackName=stack):
        yield from page["StackEvents"]


def _event(event: dict[str, Any]) -> StackEvent:
    return StackEvent(
        event_id=event["EventId"],
        time=event["Timestamp"],
        logical_id=event["LogicalResourceId"],
        type=event["ResourceType"],
        status=event.get("ResourceStatus", ""),
        reason=event.get("ResourceStatusReason", ""),
    )
