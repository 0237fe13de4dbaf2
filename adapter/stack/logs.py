"""The log events of several functions, in the order of their times."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from adapter.stack.refusals import aws_errors, error_code

# CloudWatch shows an event some seconds after its time, those of one group not in order.
_LATE_MS = 20_000
_POLL_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """What a function wrote; `message` has no line end. `stream` is that of one environment."""

    time_ms: int
    deployment: str
    message: str
    stream: str
    event_id: str

    @property
    def time(self) -> datetime:
        """When it was written, in UTC."""
        return datetime.fromtimestamp(self.time_ms / 1000, UTC)


@dataclass(slots=True, kw_only=True)
class LogReader:
    """Reads the log groups of deployments; `groups` are by deployment.

    `pattern` is CloudWatch's filter pattern, "" for everything.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """

    client: Any
    groups: Mapping[str, str]
    pattern: str = ""
    _seen: dict[str, int] = field(default_factory=dict)  # time by event id

    def read(self, since_ms: int) -> list[LogEvent]:
        """Return the events from a time on, in milliseconds since 1970, that were not read yet."""
        with aws_errors():
            found = [
                event
                for deployment, group in self.groups.items()
                for event in self._of_group(deployment, group, since_ms)
                if event.event_id not in self._seen
            ]
        self._seen |= {event.event_id: event.time_ms for event in found}
        return sorted(found, key=lambda event: event.time_ms)

    def follow(self, since_ms: int) -> Iterator[LogEvent]:
        """Yield events as they come, without end."""
        while True:
            yield from self.read(since_ms)
            newest = max(self._seen.values(), default=since_ms)
            since_ms = max(since_ms, newest - _LATE_MS)
            self._seen = {name: at for name, at in self._seen.items() if at >= since_ms}
            # CloudWatch takes few requests a second, of all who ask in the account.
            time.sleep(max(_POLL_S, len(self.groups) / 4))

    def _of_group(self, deployment: str, group: str, since_ms: int) -> Iterator[LogEvent]:
        wanted = {"filterPattern": self.pattern} if self.pattern else {}
        pages = self.client.get_paginator("filter_log_events").paginate(
            logGroupName=group,
            startTime=since_ms,
            **wanted,
        )
        try:
            for page in pages:
                yield from (_event(deployment, one) for one in page["events"])
        except Exception as error:
            if error_code(error) != "ResourceNotFoundException":
                raise  # a function that never ran has no group


def _event(deployment: str, found: Mapping[str, Any]) -> LogEvent:
    return LogEvent(
        time_ms=int(found["timestamp"]),
        deployment=deployment,
        message=found["message"].rstrip("\r\n"),
        stream=found["logStreamName"],
        event_id=f"{deployment} {found['eventId']}",
    )
