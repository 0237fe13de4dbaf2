"""From a call event to a method of the deployment."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapter import user_code
from adapter.calls import codec, event
from adapter.calls.rebuild import Signature
from adapter.calls.shape import PAYLOAD
from adapter.errors import InvalidCall
from adapter.responder import Responder


class Dispatcher:
    """Calls the public methods of one deployment instance, or the deployment function itself.

    `error_body` writes an exception as Lambda's error object.
    """

    def __init__(self, target: Any, error_body: Callable[[BaseException], bytes]) -> None:
        self._target = target
        self._error_body = error_body
        self._signatures: dict[str, Signature] = {}

    async def __call__(self, call_event: dict[str, Any], responder: Responder) -> None:
        """Run the call and answer with its result, or with the items that the method yields.

        Raises `InvalidCall` for a malformed call or an unknown method, `NotSerializable` for a
        value that cannot travel, TypeError for a generator that the caller did not ask for and the
        other way round, and whatever the method raises.
        """
        if PAYLOAD in call_event:
            from adapter.calls.payloads import Payloads  # noqa: PLC0415 - large events only

            call_event = await Payloads().event(call_event)
        call = event.parse(call_event)
        result = await self.run(call.method, call.args, call.kwargs)
        generator = inspect.isgenerator(result) or inspect.isasyncgen(result)
        if call.stream and generator:
            from adapter.calls import items  # noqa: PLC0415 - streams only

            path = f"an item of {call.method!r}"
            pack = functools.partial(codec.pack, path=path, objects=call.objects)
            await items.send(result, pack, self._error_body, responder)
            return
        check_kind(call.method, stream=call.stream, generator=generator)
        path = f"the result of {call.method!r}"
        packed = codec.pack(result, path, objects=call.objects)
        if call.large_payloads:
            from adapter.calls.payloads import Payloads  # noqa: PLC0415 - only where they are used

            packed = await Payloads().fitting(packed)
        await responder.respond(packed)

    async def run(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call a method, with models in place of plain objects where its type hints ask for them.

        Raises `InvalidCall` for an unknown method, and whatever it raises.
        """
        method = self._method(name)
        signature = self._signature(name, method)
        rebuilt, named = signature.rebuild(list(args), dict(kwargs))
        return await user_code.call(method, *rebuilt, **named)

    def _method(self, name: str) -> Callable[..., Any]:
        if name in self._methods:
            is_function = inspect.isroutine(self._target)
            method: Callable[..., Any] = (
                self._target if is_function else getattr(self._target, name)
            )
            return method
        raise InvalidCall(
            f"Tried to call a method {name!r:.100} that does not exist. "
            f"Available methods: {sorted(self._methods)}.",
        )

    @functools.cached_property
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


def check_kind(method: str, *, stream: bool, generator: bool) -> None:
    """Raise TypeError for a generator that the caller did not ask for, and the other way round."""
    if stream == generator:
        return
    if stream:
        raise TypeError(
            f"Called method {method!r} with `handle.options(stream=True)` but it did not return a "
            "generator.",
        )
    raise TypeError(
        f"Method {method!r} returned a generator. You must use `handle.options(stream=True)` "
        "to call generators on a deployment.",
    )
