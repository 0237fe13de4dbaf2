"""Handle calls between the deployments of one function: method calls on its event loop."""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any, NamedTuple

from adapter.calls.dispatch import check_kind
from adapter.calls.error_object import function_error
from adapter.errors import BackPressureError
from adapter.generators import as_async
from adapter.loop_thread import submit
from adapter.serve import context, in_flight, transport
from adapter.serve.channel import Channel
from adapter.serve.options import DeploymentOptions
from adapter.serve.transport import Call

logger = logging.getLogger("adapter.serve")

Run = Callable[[str, tuple[Any, ...], Mapping[str, Any]], Awaitable[Any]]
_Finish = Callable[[Any], Awaitable[Any]]


class Neighbours:
    """Carries calls to the deployments of the function that this runs in; see `Transport`.

    Calls of any other deployment go the usual way. Arguments, results and items are passed as they
    are, neither written as JSON nor copied. What a deployment raises is the `RemoteError` that it
    would be between functions. At most `max_ongoing_requests` calls of a deployment run at once,
    the others wait; a deployment that is called back by one that it waits for does not.

    `error_body` writes an exception as Lambda's error object.
    """

    def __init__(self, application: str, error_body: Callable[[BaseException], bytes]) -> None:
        self._application = application
        self._error_body = error_body
        self._neighbours: dict[str, _Neighbour] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        # An event loop itself does not keep its tasks. With each, the call whose code has made it.
        self._tasks: dict[asyncio.Task[Any], _Serving | None] = {}

    @property
    def deployments(self) -> tuple[str, ...]:
        """The names of the function's deployments."""
        return tuple(self._neighbours)

    def add(self, options: DeploymentOptions, run: Run) -> None:
        """Add a deployment; `run` calls a method of it."""
        self._neighbours[options.name] = _Neighbour(run, _Room(options))

    def begin(self) -> None:
        """Carry calls on the running loop from now on."""
        self._loop = asyncio.get_running_loop()

    def end(self) -> None:
        """Let calls go the usual way again."""
        self._loop = None

    @contextlib.asynccontextmanager
    async def entered(self, deployment: str) -> AsyncIterator[None]:
        """Count a call that came from outside while it is served."""
        above, room = _serving.get(), self._neighbours[deployment].room
        token = _serving.set(_Serving(deployment, above))
        try:
            async with room.entered(above):
                yield
        finally:
            _serving.reset(token)

    def send(self, call: Call) -> Future[Any]:
        """Call a method at once. An "Event" runs on in the background, once; its failure is logged.

        Cancelling the future cancels what has been called.
        """
        neighbour = self._neighbour(call)
        if neighbour is None:
            return transport.outer().send(call)
        if not call.is_event:
            return self._submit(self._served(neighbour, call, _result(call)))
        self._submit(self._in_background(neighbour, call))
        accepted: Future[Any] = Future()
        accepted.set_result(None)
        return accepted

    def stream(self, call: Call, items: Channel[Any]) -> Future[None]:
        """Call a method that yields at once. Cancelling the future closes its generator."""
        neighbour = self._neighbour(call)
        if neighbour is None:
            return transport.outer().stream(call, items)
        return self._submit(self._served(neighbour, call, _delivery(call, items)))

    async def settle(self) -> None:
        """Wait until the calls that were cancelled by the running code have ended."""
        await asyncio.sleep(0)  # a cancellation may be on its way from another thread
        mine, here = _serving.get(), asyncio.current_task()
        closing = [
            task
            for task, above in self._tasks.items()
            if above is mine and task is not here and task.cancelling()
        ]
        if closing:
            await asyncio.wait(closing)
        if (outer := transport.used()) is not None:
            await outer.settle()

    def ingress(self, application: str) -> str:
        """See `Transport`."""
        return transport.outer().ingress(application)

    def check(self, deployment: str, application: str) -> None:
        """See `Transport`."""
        if application != self._application or deployment not in self._neighbours:
            transport.outer().check(deployment, application)

    def _neighbour(self, call: Call) -> "_Neighbour | None":
        own = call.application == self._application and self._loop is not None
        return self._neighbours.get(call.deployment) if own else None

    def _submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        # The context of the call comes along: deadline, request id, whom tasks and threads count
        # for.
        assert self._loop is not None  # noqa: S101 - for the type checker
        return submit(work, self._loop)

    async def _served(self, neighbour: "_Neighbour", call: Call, finish: _Finish) -> Any:
        """Serve a call in a task of its own. Raises as `send` of `Transport` does."""
        task, above = asyncio.current_task(), _serving.get()
        assert task is not None  # noqa: S101 - for the type checker
        self._tasks[task] = above
        try:
            if call.waits:
                call = await call.resolved()
            async with neighbour.room.entered(above):
                _serving.set(_Serving(call.deployment, above))
                return await self._run(neighbour, call, finish)
        finally:
            del self._tasks[task]

    async def _run(self, neighbour: "_Neighbour", call: Call, finish: _Finish) -> Any:
        served = context.served()._replace(multiplexed_model_id=call.multiplexed_model_id)
        context.invocation.set(served)
        try:
            async with in_flight.cancelled_together():
                return await finish(await neighbour.run(call.method, call.args, call.kwargs))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            failed: Exception = RuntimeError("the method waited for what it had cancelled")
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises
            failed = error
        raise function_error(call.deployment, self._error_body(failed)) from None

    async def _in_background(self, neighbour: "_Neighbour", call: Call) -> None:
        try:
            await self._served(neighbour, call, _ignored)
        except Exception:
            logger.exception("a call of %s, which nobody waits for, failed", call.deployment)


class _Serving:
    """A call that is being served; `above` is the one whose code has made it."""

    def __init__(self, deployment: str, above: "_Serving | None") -> None:
        self.deployment = deployment
        self.above = above


_serving: ContextVar[_Serving | None] = ContextVar("serving", default=None)


class _Room:
    """How many calls of a deployment run at once, and how many may wait."""

    def __init__(self, options: DeploymentOptions) -> None:
        self._options = options
        self._free = asyncio.Semaphore(options.max_ongoing_requests)
        self._waiting = 0

    @contextlib.asynccontextmanager
    async def entered(self, above: _Serving | None) -> AsyncIterator[None]:
        """Wait for room and keep it. Raises `BackPressureError` where too many wait already."""
        if self._options.name in _deployments(above):  # it waits for us, who would wait for it
            yield
            return
        if self._free.locked():
            self._refuse_one_more()
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()

    def _refuse_one_more(self) -> None:
        most, refusal = self._options.max_queued_requests, self._options.backpressure_config
        if not 0 <= most <= self._waiting:
            return
        if refusal is None:
            raise BackPressureError(self._waiting, most)
        raise BackPressureError(self._waiting, most, refusal.status_code, refusal.retry_after_s)


class _Neighbour(NamedTuple):
    run: Run
    room: _Room


def _deployments(serving: _Serving | None) -> Iterator[str]:
    while serving is not None:
        yield serving.deployment
        serving = serving.above


def _result(call: Call) -> _Finish:
    async def finish(result: Any) -> Any:
        check_kind(call.method, stream=False, generator=_is_generator(result))
        return result

    return finish


def _delivery(call: Call, items: Channel[Any]) -> _Finish:
    async def finish(result: Any) -> None:
        check_kind(call.method, stream=True, generator=_is_generator(result))
        async with contextlib.aclosing(as_async(result)) as found:
            async for item in found:
                await items.put(item)

    return finish


async def _ignored(_: Any) -> None:
    """Nobody wants the result."""


def _is_generator(result: Any) -> bool:
    return inspect.isgenerator(result) or inspect.isasyncgen(result)
