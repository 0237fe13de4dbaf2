"""What tells a call from other events. Every function looks; `adapter.calls.event` reads calls."""

from typing import Any

PAYLOAD = "$payload"
DEPLOYMENT = "deployment"
_KEYS = frozenset({"method", "args", "kwargs", "context", DEPLOYMENT, PAYLOAD})
_NAMING_KEYS = frozenset({"method", "args", "kwargs"})


def is_call(event: Any) -> bool:
    """Whether an event is a call rather than HTTP or something foreign."""
    return isinstance(event, dict) and event.keys() <= _KEYS and not _NAMING_KEYS.isdisjoint(event)
