"""Events that a deployment is subscribed to: a schedule's, a queue's, a bucket's, a bus's.

`ADAPTER_EVENTS` says which, and the method of each. Messages are told by the name of their queue,
notifications of S3 by bucket, kind and key. An event of EventBridge does not say which rule it
matches, so the template wraps it, and what a schedule sends:

    {"method": "refresh", "event": {...}}

One that is not wrapped, such as a developer sends, is taken where only one method can be meant.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from adapter import user_code
from adapter.calls.record_batch import serve_records
from adapter.responder import Responder

_WRAPPED = {"method", "event"}
_BUS = {"detail-type", "source"}
_SCHEDULERS = ("aws.scheduler", "aws.events")
_ANY = "*"


class Subscriptions:
    """Calls the methods of a deployment's instance, or a deployment function, with events.

    `text` is that of `ADAPTER_EVENTS`; `at_once` is how many messages of a batch are handled at
    once.
    """

    def __init__(self, text: str, target: Any, at_once: int) -> None:
        self._entries: list[Mapping[str, Any]] = json.loads(text)
        self._target = target
        self._at_once = at_once

    def takes(self, event: Any) -> bool:
        """Whether the deployment is subscribed to an event."""
        return self._method(event) is not None

    def answers_late(self, event: Any, responder: Responder) -> bool:
        """Whether an event that was cancelled has had its answer: a batch's, part of it."""
        return responder.answered and _source(event) == "aws:sqs"

    async def __call__(self, event: dict[str, Any], responder: Responder) -> None:
        """Call the method and answer with null; of messages, with those that have failed.

        Raises what the method raises, so that Lambda sends the event again.
        """
        name = self._method(event)
        method = self._target if name == "__call__" else getattr(self._target, str(name))
        if _source(event) == "aws:sqs":
            await serve_records(event["Records"], method, self._at_once, responder)
            return
        await user_code.call(method, event["event"] if event.keys() == _WRAPPED else event)
        await responder.respond(None)

    def _method(self, event: Any) -> str | None:
        if not isinstance(event, dict):
            return None
        if event.keys() == _WRAPPED:
            methods = self._methods(("Schedule", "EventBridgeRule"))
            return next((name for name in methods if name == event["method"]), None)
        source = _source(event)
        if source == "aws:sqs":
            return self._first("SQSQueue", lambda entry: _is_queue(entry, event["Records"][0]))
        if source == "aws:s3":
            return self._first("S3Bucket", lambda entry: _is_bucket(entry, event["Records"][0]))
        if event.keys() >= _BUS:
            scheduled = event["source"] in _SCHEDULERS and event["detail-type"] == "Scheduled Event"
            methods = self._methods(("Schedule",) if scheduled else ("EventBridgeRule",))
            return methods.pop() if len(methods) == 1 else None
        return None

    def _methods(self, kinds: tuple[str, ...]) -> set[str]:
        return {entry["method"] for entry in self._entries if entry["type"] in kinds}

    def _first(self, kind: str, fits: Callable[[Mapping[str, Any]], bool]) -> str | None:
        # One whose name is known goes before one that takes any.
        entries = sorted(self._entries, key=lambda entry: entry.get("name") == _ANY)
        found = (entry["method"] for entry in entries if entry["type"] == kind and fits(entry))
        return next(found, None)


def _source(event: Any) -> str:
    """Return what the records of an event are of, "" where it has none."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records or not isinstance(records[0], dict):
        return ""
    return str(records[0].get("eventSource", ""))


def _is_queue(entry: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    return entry["name"] == _ANY or _last(entry["name"]) == _last(record.get("eventSourceARN"))


def _last(arn: object) -> str:
    return str(arn).rpartition(":")[2]


def _is_bucket(entry: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Tell whether S3 would send a record for a subscription.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    found: Any = record.get("s3")
    try:
        bucket, key = found["bucket"]["name"], unquote_plus(found["object"]["key"])
    except (AttributeError, KeyError, TypeError):
        return False
    happened = f"s3:{record.get('eventName')}"
    return (
        entry["name"] in (_ANY, bucket)
        and any(_is_kind(happened, wanted) for wanted in entry["events"])
        and key.startswith(entry.get("prefix", ""))
        and key.endswith(entry.get("suffix", ""))
    )


def _is_kind(happened: str, wanted: str) -> bool:
    return happened.startswith(wanted[:-1]) if wanted.endswith("*") else happened == wanted
