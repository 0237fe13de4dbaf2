"""What a deployment is subscribed to besides requests and calls: `LambdaOptions(events=(...))`.

Each names the method that gets the event, plain or async, as its one argument. What the method
returns is ignored. Names are those of SAM
(https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventsource.html).
In ARNs, and for buckets, `${LogicalId}` stands for a resource of the user's own template.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

from adapter.errors import InvalidOption
from adapter.serve.aws_names import is_reference, service_of
from adapter.serve.checks import require_int, require_text
from adapter.serve.records import Record

# Patterns are compiled when they are used: at import it would take time of each cold start.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
_RATE = r"rate\([1-9][0-9]* (?:minute|hour|day)s?\)"
_AT = r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
_CRON = r"cron\(([^()]+)\)"
_TIMEZONE = r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*"
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
_QUEUE = r"[A-Za-z0-9_-]{1,75}(?:\.fifo)?"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
_S3_EVENT = r"s3:[A-Za-z]+(?::(?:[A-Za-z]+|\*))?"
_BUS = r"[A-Za-z0-9/._-]{1,256}"
_FIFO = ".fifo"
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
_MAX_BATCH, _MAX_FIFO_BATCH, _WITHOUT_WINDOW = 10_000, 10, 10
CREATED = "s3:ObjectCreated:*"


class EventSource(Record):
    """Base class of what a deployment may be subscribed to.

    `method` is the method that gets the event; "__call__" is also a deployment that is a function.
    """

    __slots__ = ()

    method: str

    def __new__(cls, *_by_place: Any, **values: Any) -> Self:
        return Record.__new__(cls, **values)


@dataclass(frozen=True, slots=True)
class Schedule(EventSource):
    """A call at certain times, by EventBridge Scheduler.

    `schedule` is "rate(5 minutes)", "cron(0 8 ? * MON-FRI *)" or, once, "at(2027-01-01T08:00:00)";
    `timezone` is that of the latter two, such as "Europe/Berlin", UTC where it is None. The method
    gets `input`, or where that is None an event with the `time` it was scheduled for.
    """

    schedule: str
    _: KW_ONLY
    method: str = "__call__"
    input: Any = None
    timezone: str | None = None

    def __post_init__(self) -> None:
        _require_method(self.method)
        if not isinstance(self.schedule, str) or not _is_schedule(self.schedule):
            raise InvalidOption(
                f"schedule={self.schedule!r} must be 'rate(5 minutes)', with minutes, hours or "
                "days, 'cron(0 8 ? * MON-FRI *)', with minutes, hours, day of month, month, day of "
                "week and year, one of the two days a '?', or 'at(2027-01-01T08:00:00)'.",
            )
        if self.timezone is not None and not _fits(_TIMEZONE, self.timezone):
            raise InvalidOption(
                f"timezone={self.timezone!r} must be a name such as 'Europe/Berlin'.",
            )
        _require_json("input", self.input)


@dataclass(frozen=True, slots=True)
class SQSQueue(EventSource):
    """The messages of a queue. The method is called for each of them, with the record.

    `queue` is the name of one that is made in the stack ("orders"; "orders.fifo" keeps messages in
    order), or the ARN of another. Up to `batch_size` messages arrive together, for which Lambda
    waits up to `maximum_batching_window_s` (0 to 300). Of a batch, the deployment's
    `max_ongoing_requests` are handled at once. Messages whose call fails, and only these, return to
    the queue; of a FIFO queue also those of the same group that follow. `maximum_concurrency`
    (2 to 1,000) bounds how many environments the queue may use.
    """

    queue: str
    _: KW_ONLY
    method: str = "__call__"
    batch_size: int = 10
    maximum_batching_window_s: int = 0
    maximum_concurrency: int | None = None

    def __post_init__(self) -> None:
        _require_method(self.method)
        if not isinstance(self.queue, str) or not (
            service_of(self.queue) == "sqs" or is_reference(self.queue) or _fits(_QUEUE, self.queue)
        ):
            raise InvalidOption(
                f"queue={self.queue!r} must be the name of a queue to make (letters, digits, "
                "hyphens and underscores, at most 75), or an ARN, "
                "arn:aws:sqs:<region>:<account>:<name>.",
            )
        most = _MAX_FIFO_BATCH if self.is_fifo else _MAX_BATCH
        require_int("batch_size", self.batch_size, least=1, most=most)
        window = self.maximum_batching_window_s
        require_int("maximum_batching_window_s", window, least=0, most=0 if self.is_fifo else 300)
        if self.batch_size > _WITHOUT_WINDOW and not window:
            raise InvalidOption(
                f"batch_size={self.batch_size} needs maximum_batching_window_s of 1 or more: "
                f"without, Lambda takes {_WITHOUT_WINDOW} messages at a time.",
            )
        if self.maximum_concurrency is not None:
            require_int("maximum_concurrency", self.maximum_concurrency, least=2, most=1000)

    @property
    def is_made(self) -> bool:
        """Whether the queue is one of the stack."""
        return not service_of(self.queue) and not is_reference(self.queue)

    @property
    def is_fifo(self) -> bool:
        """Whether its name says that it is a FIFO queue."""
        return isinstance(self.queue, str) and self.queue.endswith(_FIFO)


@dataclass(frozen=True, slots=True)
class S3Bucket(EventSource):
    """What happens to the objects of a bucket. The method gets the whole event.

    `bucket` is the name of one that is made in the stack ("uploads"), which the function may read,
    or "${LogicalId}" of a bucket in the user's own template, whose permissions are the user's, too:
    AWS lets only the template with the bucket subscribe to it. `events` are those of S3; `prefix`
    and `suffix` bound the keys. What the function itself writes there invokes it again, unless the
    two leave it out.
    """

    bucket: str
    _: KW_ONLY
    method: str = "__call__"
    events: Sequence[str] = (CREATED,)
    prefix: str = ""
    suffix: str = ""

    def __post_init__(self) -> None:
        _require_method(self.method)
        if not isinstance(self.bucket, str) or not (
            is_reference(self.bucket) or _fits(_BUCKET, self.bucket)
        ):
            raise InvalidOption(
                f"bucket={self.bucket!r} must be the name of a bucket to make (lower-case letters, "
                "digits and hyphens), or '${LogicalId}' of one in your own template, "
                '[tool.adapter] template = "infrastructure.yaml".',
            )
        events = self.events if isinstance(self.events, (list, tuple)) else ()
        if not events or not all(_fits(_S3_EVENT, event) for event in events):
            raise InvalidOption(
                f"events={self.events!r} must be a list of events of S3, such as ['{CREATED}'].",
            )
        object.__setattr__(self, "events", tuple(events))
        require_text("prefix", self.prefix)
        require_text("suffix", self.suffix)

    @property
    def is_made(self) -> bool:
        """Whether the bucket is one that the adapter puts into the stack."""
        return not is_reference(self.bucket)


@dataclass(frozen=True, slots=True)
class EventBridgeRule(EventSource):
    """The events of a bus that match a pattern. The method gets the whole event.

    `pattern` is EventBridge's own, `{"source": ["shop"], "detail-type": ["Paid"]}`.
    `event_bus_name` is the name or ARN of a bus, None the account's default one.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """

    pattern: Mapping[str, Any]
    _: KW_ONLY
    method: str = "__call__"
    event_bus_name: str | None = None

    def __post_init__(self) -> None:
        _require_method(self.method)
        if not _is_pattern(self.pattern):
            raise InvalidOption(
                f"pattern={self.pattern!r} must be a dict whose innermost values are lists, for "
                'example {"source": ["shop"], "detail": {"state": ["paid", "sent"]}}.',
            )
        _require_json("pattern", self.pattern)
        bus: object = self.event_bus_name
        if bus is not None and not (
            service_of(bus) == "events"
            or (isinstance(bus, str) and (is_reference(bus) or _fits(_BUS, bus)))
        ):
            raise InvalidOption(f"event_bus_name={bus!r} must be the name or the ARN of a bus.")


KINDS: tuple[type[EventSource], ...] = (Schedule, SQSQueue, S3Bucket, EventBridgeRule)


def event_sources(written: object) -> tuple[EventSource, ...]:
    """Take what the user wrote for `events`: values, or dicts with a "type" as a config file has.

    Raises `InvalidOption` for anything else.
    """
    if not isinstance(written, (list, tuple)):
        raise InvalidOption(f"events={written!r} must be a tuple: events=(Schedule(...),).")
    return tuple(_event_source(one) for one in written)


def _event_source(written: object) -> EventSource:
    if isinstance(written, EventSource):
        return written
    kinds = {kind.__name__: kind for kind in KINDS}
    names = ", ".join(kinds)
    if not isinstance(written, Mapping):
        raise InvalidOption(f"events: {written!r} must be one of {names}.")
    kind = kinds.get(str(written.get("type")))
    if kind is None:
        raise InvalidOption(f"events: {dict(written)!r} must have a type, one of {names}.")
    values = {name: value for name, value in written.items() if name != "type"}
    first = next(iter(kind.__dataclass_fields__))  # type: ignore[attr-defined]  # of the dataclasses above
    if first not in values:
        raise InvalidOption(f"events: a {kind.__name__} needs {first!r}.")
    return kind.of(kind.__name__, values)


def _require_method(method: object) -> None:
    if not isinstance(method, str) or not method.isidentifier():
        raise InvalidOption(f"method={method!r} must be the name of a method.")
    if method.startswith("_") and method != "__call__":
        raise InvalidOption(f"method={method!r} must be a public method, or '__call__'.")


def _require_json(name: str, value: object) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidOption(f"{name}={value!r:.200} must be what JSON can say: {error}.") from error


def _fits(pattern: str, value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _is_schedule(text: str) -> bool:
    if cron := re.fullmatch(_CRON, text):
        fields = cron[1].split()
        return len(fields) == 6 and [fields[2], fields[4]].count("?") == 1
    return _fits(_RATE, text) or _fits(_AT, text)


def _is_pattern(value: object) -> bool:
    if not isinstance(value, Mapping) or not value:
        return False
    return all(
        isinstance(name, str) and (bool(item) if isinstance(item, list) else _is_pattern(item))
        for name, item in value.items()
    )
