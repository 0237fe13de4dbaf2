"""What the error says of an event that a function does not serve."""

import reprlib
from typing import Any

from adapter.errors import UnsupportedEvent
from adapter.http.detect import is_web_socket


def unsupported(event: object) -> UnsupportedEvent:
    """Make the error for an event: what it is, and what would have to be there to serve it."""
    return UnsupportedEvent(_of_object(event) if isinstance(event, dict) else _foreign(event))


def _of_object(event: dict[Any, Any]) -> str:
    if is_web_socket(event):
        return (
            "this function has no WebSocket routes: only an application has, one given to "
            "@serve.ingress or to lambda_handler."
        )
    if "requestContext" in event:
        return (
            "this deployment serves no HTTP: its class has neither @serve.ingress nor "
            "__call__, or the gateway is of a kind that is not served."
        )
    if source := _source(event):
        return (
            f"this function is not subscribed to {source[:300]}. A deployment says with "
            "LambdaOptions(events=(...)) what it is subscribed to, and which method gets it."
        )
    return _foreign(event)


def _foreign(event: object) -> str:
    found = reprlib.repr(event)
    if isinstance(event, dict):
        found = f"an object with keys {sorted(map(str, event))}"
    return (
        "this function serves HTTP events and calls of the form "
        '{"method": ..., "args": [...], "kwargs": {...}}; '
        f"it was invoked with {found[:300]}."
    )


def _source(event: dict[Any, Any]) -> str:
    """Say what another service's event is of, "" where that cannot be told."""
    if event.keys() == {"method", "event"}:
        return f"events for a method {event['method']!r}"
    if event.keys() >= {"detail-type", "source"}:
        return f"{event['detail-type']!r} of {event['source']!r}, by one rule or schedule alone"
    records = event.get("Records")
    record = records[0] if isinstance(records, list) and records else None
    if not isinstance(record, dict) or not isinstance(record.get("eventSource"), str):
        return ""
    if record["eventSource"] == "aws:s3":
        found = record.get("s3")
        bucket = found.get("bucket") if isinstance(found, dict) else None
        name = bucket.get("name") if isinstance(bucket, dict) else None
        return f"{record.get('eventName')!r} of the bucket {name!r}, or not for this key"
    return f"{record.get('eventSourceARN')!r} ({record['eventSource']})"
