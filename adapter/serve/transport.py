"""The seam between a handle and whatever carries its calls.

A handle knows names and arguments. A transport brings them to the deployment: a Lambda invoke
(`adapter.calls.client`), a deployment in the same process (`adapter.local.in_process`), or one of
the same function (`adapter.calls.neighbours`).
"""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from adapter.serve import context

if TYPE_CHECKING:
    from adapter.calls.client import LambdaTransport
    from adapter.serve.channel import Channel


class Call(NamedTuple):
    """One method call on a deployment, before it is put into an event.

    `stream` says that the method is a generator whose items are wanted, `multiplexed_model_id` the
    model that the call is for. `invocation_type` is Lambda's: of an "Event" nobody waits for the
    result. With `large_payloads` the caller can fetch a result that the callee has put into the
    payload bucket. `function` is the name of the function that the deployment shares with others,
    empty where it has one of its own.
    """

    deployment: str
    application: str
    method: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = MappingProxyType({})
    stream: bool = False
    multiplexed_model_id: str = ""
    invocation_type: Literal["RequestResponse", "Event"] = "RequestResponse"
    large_payloads: bool = False
    function: str = ""

    @property
    def is_event(self) -> bool:
        """Whether it is accepted now and runs later."""
        return self.invocation_type == "Event"

    @property
    def waits(self) -> bool:
        """Whether an argument is the future result of another call."""
        return any(isinstance(value, Future) for value in (*self.args, *self.kwargs.values()))

    async def resolved(self) -> "Call":
        """Wait for the arguments that are results of other calls, and return the call with them.

        A cancellation does not cancel the other calls: others may wait for them, too.
        """
        args = await asyncio.gather(*(_resolved(value) for value in self.args))
        values = await asyncio.gather(*(_resolved(value) for value in self.kwargs.values()))
        kwargs = dict(zip(self.kwargs, values, strict=True))
        return self._replace(args=tuple(args), kwargs=kwargs)


async def _resolved(value: Any) -> Any:
    if not isinstance(value, Future):
        return value
    return await asyncio.shield(asyncio.wrap_future(value))


class Transport(Protocol):
    """Carries calls to deployments."""

    def send(self, call: Call) -> Future[Any]:
        """Dispatch the call at once and return its future result.

        Arguments that are futures are waited for first. The future raises `RemoteError` where the
        callee raised and `InvocationError` where the call did not reach it. Values that cannot
        travel raise `NotSerializable`, here or from the future. Cancelling the future cancels the
        callee, where the platform can. The result of an "Event" is None, when it is accepted.
        """
        ...

    def stream(self, call: Call, items: "Channel[Any]") -> Future[None]:
        """Dispatch a call whose items are wanted; they go into `items` one by one.

        The future is done when the stream is, with the errors of `send`; the transport may say the
        end of `items` before that. `send` has the rest.
        """
        ...

    async def settle(self) -> None:
        """Wait until the calls that were cancelled on the running loop have hung up."""

    def ingress(self, application: str) -> str:
        """Return the name of the application's ingress deployment. Raises `ServeError`."""

    def check(self, deployment: str, application: str) -> None:
        """Raise KeyError where the deployment is known not to exist."""


_connected: Transport | None = None
_lambda: "LambdaTransport | None" = None
_loop: asyncio.AbstractEventLoop | None = None
_starting = threading.Lock()  # the first handles may be used in many threads at once


def connect(transport: Transport | None) -> None:
    """Make this process's handles use `transport`; None goes back to the default, Lambda."""
    global _connected  # noqa: PLW0603 - one transport a process: handles are plain values
    _connected = transport


def carry_on(loop: asyncio.AbstractEventLoop) -> None:
    """Let the default transport carry calls on a function's event loop, while that runs."""
    global _loop  # noqa: PLW0603 - a Lambda environment holds one function
    _loop = loop


def let_go(loop: asyncio.AbstractEventLoop) -> None:
    """Undo `carry_on`, when the loop has stopped and before it is closed."""
    global _loop  # noqa: PLW0603 - see carry_on
    if _loop is loop:
        _loop = None
    if _lambda is not None:
        _lambda.let_go(loop)


def current() -> Transport:
    """Return the transport of the running code: what leads to its neighbours, or to `outer`."""
    here = context.current()
    return outer() if here is None or here.neighbours is None else here.neighbours


def used() -> Transport | None:
    """Return the transport of this process where it has carried anything yet."""
    return _lambda if _connected is None else _connected


def outer() -> Transport:
    """Return the transport of this process, by default Lambda's Invoke API."""
    global _lambda  # noqa: PLW0603 - made at the first call, because a function may never call
    if _connected is not None:
        return _connected
    with _starting:
        if _lambda is None:
            from adapter.calls.client import LambdaTransport  # noqa: PLC0415 - loaded when used

            _lambda = LambdaTransport(lambda: _loop)
        return _lambda
