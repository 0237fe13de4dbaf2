"""From a call event to a method of the deployment."""

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any

from adapter import user_code
from adapter.calls import codec, event
from adapter.calls.rebuild import Signature
from adapter.errors import InvalidCall


class Dispatcher:
    """Calls the public methods of one deployment instance, or the deployment function itself."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._signatures: dict[str, Signature] = {}

    async def __call__(self, call_event: dict[str, Any]) -> Any:
        """Run the call and return its result, packed for JSON.

        Raises `InvalidCall` for a malformed call or an unknown method, `NotSerializable` for a
        result that cannot travel, and whatever the method raises.
        """
        call = event.parse(call_event)
        method = self._method(call.method)
        args, kwargs = self._signature(call.method, method).rebuild(call.args, call.kwargs)
        result = await user_code.call(method, *args, **kwargs)
        if inspect.isgenerator(result) or inspect.isasyncgen(result):
            raise TypeError(
                f"Method {call.method!r} returned a generator; a call returns one value.",
            )
        return codec.pack(result, f"the result of {call.method!r}")

    def _method(self, name: str) -> Callable[..., Any]:
        if name in self._methods:
            is_function = inspect.isroutine(self._target)
            method: Callable[..., Any] = (
                self._target if is_function else getattr(self._target, name)
            )
            return method
        raise InvalidCall(
            f"Tried to call a method {name!r} that does not exist. "
            f"Available methods: {sorted(self._methods)}.",
        )

    @cached_property
    def _methods(self) -> frozenset[str]:
        if inspect.isroutine(self._target):
            return frozenset({"__call__"})
        kind = type(self._target)
        public = {name for name in dir(kind) if not name.startswith("_") or name == "__call__"}
        return frozenset(name for name in public if _is_method(getattr(kind, name)))

    def _signature(self, name: str, method: Callable[..., Any]) -> Signature:
        if name not in self._signatures:
            self._signatures[name] = Signature(method)
        return self._signatures[name]


def _is_method(attribute: Any) -> bool:
    return callable(attribute) and not inspect.isclass(attribute)
