"""The batches of a batched function: calls that wait in a queue, then are served together.

Each instance has a queue on each event loop. A queue has no task of its own: nothing runs while
nobody calls.
"""

import asyncio
import contextlib
import contextvars
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, Protocol, cast

from adapter.errors import ServeError
from adapter.serve import context, in_flight
from adapter.serve.per_instance import PerInstance

END = object()  # no more items for a caller


class Options(Protocol):
    """How batches are made; read anew for each, because it may change meanwhile."""

    max_batch_size: int
    batch_wait_timeout_s: float
    max_concurrent_batches: int
    batch_size_fn: Callable[[list[Any]], int] | None


class Queues:
    """The queues of a batched function: one for each instance and event loop."""

    def __init__(self, function: Callable[..., Any], options: Options) -> None:
        self._function = function
        self._signature = inspect.signature(function)
        self._is_method = next(iter(self._signature.parameters), "") in ("self", "cls")
        self._queues = PerInstance(lambda: _Queue(options), "@serve.batch")

    @contextlib.contextmanager
    def joined(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator["Call"]:
        """Queue a call, until its caller leaves. Raises TypeError for arguments that do not fit."""
        bound = self._signature.bind(*args, **kwargs)
        if self._is_method:
            instance, *rest = bound.args
            call = Call(functools.partial(self._function, instance), tuple(rest), bound.kwargs)
            queue = self._queues.of(instance)
        else:
            call = Call(self._function, bound.args, bound.kwargs)
            queue = self._queues.of(None)
        queue.add(call)
        try:
            yield call
        finally:
            queue.leave(call)


class Call:
    """One caller's arguments, and what has come for it."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        # The same for all calls of a batch.
        self.shape = (len(args), frozenset(kwargs), context.served().multiplexed_model_id)
        self.context = contextvars.copy_context()
        self.due = 0.0  # when its batch begins, full or not, in the loop's time
        self.batch: _Batch | None = None
        self.ended = False  # its caller gets, or wants, nothing more
        self._results: asyncio.Queue[tuple[Any, BaseException | None]] = asyncio.Queue()

    @property
    def item(self) -> Any:
        """What `batch_size_fn` gets."""
        return next(iter((*self.args, *self.kwargs.values())), None)

    async def result(self) -> Any:
        """Wait for the next result, END after the last. Raises what the batch raised."""
        value, error = await self._results.get()
        if error is not None:
            raise error
        return value

    def give(self, value: Any, error: BaseException | None = None) -> None:
        """Pass on a result or an error, if the caller wants one."""
        if not self.ended:
            self._results.put_nowait((value, error))
            self.ended = error is not None or value is END


class _Queue:
    """The calls on one instance that wait for a batch."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._waiting: list[Call] = []
        self._timer: asyncio.Handle | None = None
        self._running = 0

    def add(self, call: Call) -> None:
        """Queue a call. Raises RuntimeError for one that is larger than a batch may be."""
        most = self._options.max_batch_size
        if self._size([call]) > most:
            raise RuntimeError(
                f"the size of one item is greater than max_batch_size={most}; increase it or "
                "check batch_size_fn.",
            )
        loop = asyncio.get_running_loop()
        wait_s = 0 if _is_alone() else self._options.batch_wait_timeout_s
        call.due = loop.time() + wait_s
        self._waiting.append(call)
        if self._size([other for other in self._waiting if other.shape == call.shape]) >= most:
            self._begin()
        elif self._timer is None:
            self._begin_later(wait_s)

    def leave(self, call: Call) -> None:
        """Drop a call whose caller has what it wanted, or wants it no more."""
        call.ended = True
        if call.batch is not None:
            call.batch.left()
        elif call in self._waiting:
            self._waiting.remove(call)

    def _begin_later(self, wait_s: float) -> None:
        # In an empty context: the queue serves many invocations, and keeps none of them alive.
        loop, empty = asyncio.get_running_loop(), contextvars.Context()
        if wait_s > 0:
            self._timer = loop.call_later(wait_s, self._begin, context=empty)
        else:
            self._timer = loop.call_soon(self._begin, context=empty)

    def _begin(self) -> None:
        """Begin the batches that are full or whose first call has waited long enough."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and self._running < self._options.max_concurrent_batches:
            try:
                calls, full = self._next()
            except Exception as error:  # noqa: BLE001 - the user's batch_size_fn
                self._refuse(error)
                return
            wait_s = calls[0].due - asyncio.get_running_loop().time()
            if not full and wait_s > 0:
                self._begin_later(wait_s)
                return
            taken = set(calls)
            self._waiting = [call for call in self._waiting if call not in taken]
            self._running += 1
            _Batch(calls).task.add_done_callback(self._ended, context=contextvars.Context())

    def _refuse(self, error: Exception) -> None:
        refused, self._waiting = self._waiting, []
        for call in refused:
            call.give(None, error)

    def _ended(self, _batch: "asyncio.Task[None]") -> None:
        self._running -= 1
        self._begin()

    def _next(self) -> tuple[list[Call], bool]:
        """Return the calls of the next batch, and whether no other would fit in.

        A full one goes before calls that came earlier and may wait for more of their shape.
        """
        first = self._of_shape(self._waiting[0].shape)
        if self._waiting[0].due <= asyncio.get_running_loop().time():
            return first
        shapes = dict.fromkeys(call.shape for call in self._waiting)
        return next((batch for batch in map(self._of_shape, shapes) if batch[1]), first)

    def _of_shape(self, shape: Any) -> tuple[list[Call], bool]:
        most, calls = self._options.max_batch_size, list[Call]()
        for call in self._waiting:
            if call.shape != shape:
                continue
            calls.append(call)
            if len(calls) > 1 and self._size(calls) > most:
                return calls[:-1], True
        return calls, self._size(calls) >= most

    def _size(self, calls: list[Call]) -> int:
        measure = self._options.batch_size_fn
        return len(calls) if measure is None else measure([call.item for call in calls])


def _is_alone() -> bool:
    """Whether no other invocation can be in flight in this environment."""
    here = context.current()
    return here is not None and here.max_concurrency == 1


class _Batch:
    """Calls that are served by one call of the function."""

    def __init__(self, calls: list[Call]) -> None:
        self._calls = calls
        # Not the first call's: the others need them, too, when that has left.
        self._handle_calls = in_flight.Calls()
        loop = asyncio.get_running_loop()
        self.task = loop.create_task(self._run(), name="serve.batch", context=calls[0].context)
        for call in calls:
            call.batch = self

    def left(self) -> None:
        """A caller has left; what nobody waits for is cancelled."""
        if all(call.ended for call in self._calls) and not self.task.done():
            # Both now, while the caller's invocation still runs: the event loop may stand still
            # after it.
            self._handle_calls.cancel()
            self.task.cancel()

    async def _run(self) -> None:
        try:
            async with in_flight.cancelled_together(self._handle_calls):
                last = await self._serve()
            self._give(last)
        except BaseException as error:
            for call in self._calls:
                call.give(None, error)
            if not isinstance(error, Exception):
                raise

    async def _serve(self) -> Any:
        """Call the function, pass on what it yields, and return what comes last."""
        answer = self._answer()
        if not inspect.isasyncgen(answer):
            return await answer
        async with contextlib.aclosing(cast("AsyncGenerator[Any]", answer)) as lists:
            async for results in lists:
                self._give([END if _is_end(result) else result for result in results])
        return [END] * len(self._calls)

    def _answer(self) -> Any:
        first = self._calls[0]
        args = [list(values) for values in zip(*(call.args for call in self._calls), strict=True)]
        kwargs = {name: [call.kwargs[name] for call in self._calls] for name in first.kwargs}
        return first.function(*args, **kwargs)

    def _give(self, results: Any) -> None:
        if len(results) != len(self._calls):
            raise ServeError(
                "Batched function doesn't preserve batch size. The input list has length "
                f"{len(self._calls)} but the returned list has length {len(results)}.",
            )
        for call, result in zip(self._calls, results, strict=True):
            call.give(result)


def _is_end(result: Any) -> bool:
    return result is StopIteration or result is StopAsyncIteration
