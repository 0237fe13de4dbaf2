"""The event of a handle call, and of anybody's `boto3` invoke.

    {"method": "predict", "args": [...], "kwargs": {...}, "context": {...}}

Every key may be left out, but one of the first three must be there: an event with none of them,
such as the `{}` of a warm-up ping, names nothing to do. `"stream": true` in the context asks for
the items of a generator; `adapter.calls.frames` has the answer. An event that is too large for
Lambda travels through S3: `"$payload"` beside method and context says where it is, and
`adapter.calls.payloads` fetches it. `"deployment"` says which one is meant, where several share a
function; it says "Sentiment" in a function that is Sentiment's alone, too, if anything.
"""

import reprlib
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from adapter import json_bytes
from adapter.calls import codec
from adapter.calls.shape import DEPLOYMENT, is_call
from adapter.errors import InvalidCall
from adapter.serve import context
from adapter.serve.transport import Call


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

    @property
    def objects(self) -> bool:
        """Whether the caller takes objects with the names of their classes."""
        return self.context.get("objects") is True

    @property
    def large_payloads(self) -> bool:
        """Whether the caller can fetch a large result from the payload bucket."""
        return self.context.get("large_payloads") is True


def addressed(event: Any, deployments: Collection[str], default: str) -> str:
    """Return which of a function's deployments an event is for: calls may name one.

    Raises `InvalidCall` for one that is not there.
    """
    if not is_call(event) or event.get(DEPLOYMENT) is None:
        return default
    name = event[DEPLOYMENT]
    if isinstance(name, str) and name in deployments:
        return name
    raise InvalidCall(
        f"this function has no deployment {reprlib.repr(name)}; it has "
        f"{', '.join(sorted(deployments))}.",
    )


def parse(event: dict[str, Any]) -> CallEvent:
    """Read a call event. Raises `InvalidCall` naming the field that is wrong."""
    about = _typed(event, "context", dict, {})
    # Who sends plain JSON may pass on what others have written: that names no classes.
    objects = about.get("objects") is True
    args = codec.unpack(_typed(event, "args", list, []), objects=objects)
    kwargs = codec.unpack(_typed(event, "kwargs", dict, {}), objects=objects)
    if not isinstance(kwargs, dict) or not all(isinstance(key, str) for key in kwargs):
        raise InvalidCall(
            f"kwargs must have parameter names as keys, found {reprlib.repr(kwargs)}."
        )
    return CallEvent(
        method=_typed(event, "method", str, "__call__"),
        args=args,
        kwargs=kwargs,
        context=about,
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
    if call.function:
        event[DEPLOYMENT] = call.deployment
    event["args"] = [
        codec.pack(value, f"argument {number}", objects=True)
        for number, value in enumerate(call.args)
    ]
    event["kwargs"] = {
        name: codec.pack(value, f"argument {name!r}", objects=True)
        for name, value in call.kwargs.items()
    }
    event["context"] = {"objects": True, **_caller()}
    if call.is_event:  # it may run when nobody waits for the caller any more
        event["context"].pop("deadline_ms", None)
    if call.stream:
        event["context"]["stream"] = True
    if call.large_payloads:
        event["context"]["large_payloads"] = True
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
