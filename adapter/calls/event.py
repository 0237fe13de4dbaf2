"""The event of a handle call, and of anybody's `boto3` invoke.

    {"method": "predict", "args": [...], "kwargs": {...}, "context": {...}}

Every key may be left out, but one of the first three must be there: an event with none of them,
such as the `{}` of a warm-up ping, names nothing to do. `"stream": true` in the context asks for
the items of a generator; `adapter.calls.frames` has the answer.
"""

import reprlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from adapter import json_bytes
from adapter.calls import codec
from adapter.errors import InvalidCall
from adapter.serve import context
from adapter.serve.transport import Call

_KEYS = frozenset({"method", "args", "kwargs", "context"})
_NAMING_KEYS = frozenset({"method", "args", "kwargs"})


class CallEvent(NamedTuple):
    """A call as it arrived, its values decoded."""

    method: str
    args: list[Any]
    kwargs: dict[str, Any]
    context: Mapping[str, Any] = MappingProxyType({})

    @property
    def stream(self) -> bool:
        """Whether the caller wants the items of a generator."""
        return self.context.get("stream") is True


def is_call(event: Any) -> bool:
    """Whether an event is a call rather than HTTP or something foreign."""
    return isinstance(event, dict) and event.keys() <= _KEYS and not _NAMING_KEYS.isdisjoint(event)


def parse(event: dict[str, Any]) -> CallEvent:
    """Read a call event. Raises `InvalidCall` naming the field that is wrong."""
    args = codec.unpack(_typed(event, "args", list, []))
    kwargs = codec.unpack(_typed(event, "kwargs", dict, {}))
    if not isinstance(kwargs, dict) or not all(isinstance(key, str) for key in kwargs):
        raise InvalidCall(
            f"kwargs must have parameter names as keys, found {reprlib.repr(kwargs)}."
        )
    return CallEvent(
        method=_typed(event, "method", str, "__call__"),
        args=args,
        kwargs=kwargs,
        context=_typed(event, "context", dict, {}),
    )


def _typed(event: dict[str, Any], key: str, kind: type, default: Any) -> Any:
    value = event.get(key)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise InvalidCall(f"{key} must be a {kind.__name__}, found {reprlib.repr(value)}.")
    return value


def encode(call: Call) -> bytes:
    """Write a call as event. Raises `NotSerializable` naming the argument that cannot travel."""
    event: dict[str, Any] = {"method": call.method}
    event["args"] = [
        codec.pack(value, f"argument {number}") for number, value in enumerate(call.args)
    ]
    event["kwargs"] = {
        name: codec.pack(value, f"argument {name!r}") for name, value in call.kwargs.items()
    }
    event["context"] = _caller()
    if call.stream:
        event["context"]["stream"] = True
    if call.multiplexed_model_id:
        event["context"]["multiplexed_model_id"] = call.multiplexed_model_id
    return json_bytes.dump(event)


def _caller() -> dict[str, Any]:
    caller: dict[str, Any] = {}
    if (deployment := context.current()) is not None:
        caller["caller"] = deployment.deployment
    if (invocation := context.invocation.get()) is not None:
        caller["request_id"] = invocation.request_id
        caller["deadline_ms"] = invocation.deadline_ms
        if invocation.route:
            caller["route"] = invocation.route
    return caller
