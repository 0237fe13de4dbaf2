"""What deployments are subscribed to besides calls and requests."""

import inspect
import json
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any

from adapter.errors import PlanError
from adapter.plan.graph import Node
from adapter.plan.values import FunctionPlan
from adapter.serve.event_sources import EventSource, S3Bucket, SQSQueue
from adapter.serve.lambda_options import LambdaOptions

EVENTS = "ADAPTER_EVENTS"
ANY = "*"  # the name of a queue or bucket that is known on AWS only


def subscriptions(node: Node) -> tuple[EventSource, ...]:
    """Return what a deployment is subscribed to.

    Raises `PlanError` for methods that are not there or cannot be called with an event, and for
    sources that AWS or the function could not tell apart.
    """
    options = node.deployment.settings.lambda_options
    sources = event_sources_of(options)
    for source in sources:
        _require_method(node, source)
    for one, other in combinations(sources, 2):
        if one == other:
            raise PlanError(f"{node.name}: events has {one!r} twice.")
    _require_known_buckets(node.name, sources)
    _refuse_circles(node.name, sources, options)
    return sources


def event_sources_of(options: LambdaOptions) -> tuple[EventSource, ...]:
    """Return the events of the options, all of them values."""
    return tuple(one for one in options.events if isinstance(one, EventSource))


def event_variables(
    events: Iterable[Any],
    named: Callable[[SQSQueue | S3Bucket], str] | None = None,
    literal: Callable[[str], str] = str,
) -> dict[str, str]:
    """Return the variable that tells a function its subscriptions; none where it has none.

    `named` gives the name of a queue or bucket, by default as far as it is known without AWS.
    `literal` writes what the user wrote.
    """
    found = [
        _entry(one, named or _name_on_this_machine, literal)
        for one in events
        if isinstance(one, EventSource)
    ]
    return {EVENTS: json.dumps(found, separators=(",", ":"))} if found else {}


def refuse_shared_sources(functions: Sequence[FunctionPlan]) -> None:
    """Raise `PlanError` where two functions would take each other's messages or objects."""
    every = [(function, source) for function in functions for source in function.events]
    for (function, one), (other, another) in combinations(every, 2):
        where = f"{function.deployment} and {other.deployment}"
        if isinstance(one, SQSQueue) and isinstance(another, SQSQueue):
            if one.queue == another.queue:
                raise PlanError(
                    f"{where}: both take messages of the queue {one.queue!r}, so that each gets a "
                    "part of them. Let one take them, and call the other.",
                )
        elif isinstance(one, S3Bucket) and isinstance(another, S3Bucket) and _overlap(one, another):
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
            raise PlanError(
                f"{where}: S3 refuses two subscriptions of {one.bucket!r} to the same events "
                "unless prefix or suffix tells their keys apart.",
            )


def _entry(
    source: EventSource,
    named: Callable[[SQSQueue | S3Bucket], str],
    literal: Callable[[str], str],
) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": type(source).__name__, "method": source.method}
    if isinstance(source, (SQSQueue, S3Bucket)):
        entry["name"] = named(source)
    if isinstance(source, S3Bucket):
        entry["events"] = list(source.events)
        bounds = {"prefix": source.prefix, "suffix": source.suffix}
        entry |= {name: literal(text) for name, text in bounds.items() if text}
    return entry


def _name_on_this_machine(source: SQSQueue | S3Bucket) -> str:
    name = source.queue if isinstance(source, SQSQueue) else source.bucket
    return ANY if "${" in name.rpartition(":")[2] or name.endswith("}") else name


def _require_method(node: Node, source: EventSource) -> None:
    func_or_class: Any = node.deployment.func_or_class
    kind = type(source).__name__
    if not inspect.isclass(func_or_class):
        if source.method != "__call__":
            raise PlanError(
                f"{node.name}: {kind} names the method {source.method!r}, but the deployment is a "
                "function; leave method out.",
            )
        function, arguments = func_or_class, 1
    else:
        # Not getattr: every class itself is called by a __call__, that of its own class.
        bases = (vars(base) for base in func_or_class.__mro__ if source.method in vars(base))
        found = next((base[source.method] for base in bases), None)
        if found is None or not callable(getattr(func_or_class, source.method)):
            raise PlanError(
                f"{node.name}: {kind} names the method {source.method!r}, which the class does not "
                f"have. Define `def {source.method}(self, event)`, or name another one.",
            )
        function = getattr(func_or_class, source.method)
        arguments = 1 if isinstance(found, (staticmethod, classmethod)) else 2
    if not _takes(function, arguments):
        raise PlanError(
            f"{node.name}: {kind} calls {source.method!r} with the event as its one argument, "
            f"which {source.method}{inspect.signature(function)} does not take.",
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise PlanError(
            f"{node.name}: {kind} calls {source.method!r}, which is a generator; nobody would take "
            "its items.",
        )


def _takes(function: Callable[..., Any], arguments: int) -> bool:
    try:
        inspect.signature(function).bind(*range(arguments))
    except TypeError:
        return False
    except ValueError:  # nothing is known of it
        return True
    return True


def _require_known_buckets(name: str, sources: Iterable[EventSource]) -> None:
    """Refuse what the function could not tell apart: it does not learn these buckets' names."""
    own = [one for one in sources if isinstance(one, S3Bucket) and not one.is_made]
    for one, other in combinations(own, 2):
        if one.bucket != other.bucket and one.method != other.method and _alike(one, other):
            raise PlanError(
                f"{name}: events of {one.bucket} and {other.bucket} cannot be told apart, because "
                "CloudFormation cannot tell a function the names of buckets that notify it. Name "
                'one method for both; event["Records"][0]["s3"]["bucket"]["name"] says which.',
            )


def _refuse_circles(name: str, sources: Iterable[EventSource], options: LambdaOptions) -> None:
    for source in sources:
        if not isinstance(source, S3Bucket) or source.is_made:
            continue
        logical_id = source.bucket[2:-1]
        if any(mark in str(options.policies) for mark in (f"{{{logical_id}}}", f"{{{logical_id}.")):
            raise PlanError(
                f"{name}: a policy refers to {source.bucket}, which notifies the function: each "
                "would have to be made before the other. Give the bucket a BucketName in your "
                "template, and write that name into the policy.",
            )


def _overlap(one: S3Bucket, other: S3Bucket) -> bool:
    return one.bucket == other.bucket and _alike(one, other)


def _alike(one: S3Bucket, other: S3Bucket) -> bool:
    return (
        any(_same(first, second) for first in one.events for second in other.events)
        and (one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix))
        and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))
    )


def _same(one: str, other: str) -> bool:
    return (
        one == other
        or (one.endswith("*") and other.startswith(one[:-1]))
        or (other.endswith("*") and one.startswith(other[:-1]))
    )
