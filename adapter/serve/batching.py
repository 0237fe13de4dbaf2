"""`@serve.batch`: calls that are in flight together become one call with lists.

Each instance has a queue on each event loop. A queue has no task of its own: nothing runs while
nobody calls.
"""

import asyncio
import contextlib
import contextvars
import functools
import inspect
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any, Protocol, TypeVar, cast, overload

from adapter.errors import InvalidOption, ServeError
from adapter.serve import context, in_flight

R_co = TypeVar("R_co", covariant=True)
_R = TypeVar("_R")

_END = object()  # no more items for a caller


class Batched(Protocol[R_co]):
    """A batched function as its callers see it: one item in, one result out."""

    def __call__(self, *args: Any, **kwargs: Any) -> R_co:
        """Join a batch."""
        ...

    def set_max_batch_size(self, max_batch_size: int) -> None:
        """Change it for the batches that begin from now on, of every instance."""
        ...

    def set_batch_wait_timeout_s(self, batch_wait_timeout_s: float) -> None:
        """Change it for the calls that come from now on, of every instance."""
        ...


class _Batches(Protocol):
    """What `batch(...)` with options returns: the decorator."""

    @overload
    def __call__(
        self,
        function: Callable[..., Coroutine[Any, Any, Sequence[_R]]],
        /,
    ) -> Batched[Coroutine[Any, Any, _R]]: ...

    @overload
    def __call__(
        self,
        function: Callable[..., AsyncIterator[Sequence[_R]]],
        /,
    ) -> Batched[AsyncIterator[_R]]: ...


@overload
def batch(
    _func: Callable[..., Coroutine[Any, Any, Sequence[_R]]],
    /,
) -> Batched[Coroutine[Any, Any, _R]]: ...


@overload
def batch(
    _func: Callable[..., AsyncIterator[Sequence[_R]]],
    /,
) -> Batched[AsyncIterator[_R]]: ...


@overload
def batch(
    _func: None = None,
    /,
    max_batch_size: int = 10,
    batch_wait_timeout_s: float = 0.01,
    max_concurrent_batches: int = 1,
    batch_size_fn: Callable[[list[Any]], int] | None = None,
) -> _Batches: ...


def batch(
    _func: Callable[..., Any] | None = None,
    /,
    max_batch_size: int = 10,
    batch_wait_timeout_s: float = 0.01,
    max_concurrent_batches: int = 1,
    batch_size_fn: Callable[[list[Any]], int] | None = None,
) -> Any:
    """Let a function take a list of what its callers pass one by one; bare or with options.

    The function is `async def`, a method (its first parameter is called `self` or `cls`) or free.
    It gets a list for each of its parameters and returns a list of the same length; an exception
    reaches every caller. As an async generator it yields such lists, each caller gets an async
    iterator, and the class `StopIteration` in a list ends the one it stands for.

    A batch begins when it has `max_batch_size` items, or when its first call has waited for
    `batch_wait_timeout_s` seconds. Where an environment serves one invocation at a time, as Lambda
    does without Managed Instances, no other request can join: then a batch takes what is called
    together, for example with `asyncio.gather`, and begins at once. `max_concurrent_batches` of an
    instance run at a time. `batch_size_fn` gets a list of items and returns what counts instead of
    their number.

    A caller that is cancelled leaves its batch, and a batch that all have left is cancelled, with
    the handle calls that it has made. Inside the function the context is the first call's: context
    variables, the user's own ones as well; request id and deadline, also those that handle calls
    take along and log records show; and the invocation that plain code in threads counts for.

    Raises TypeError for anything but an `async def` function, and for options of another type;
    `InvalidOption` (a ValueError) for options outside their range. A call raises `ServeError`
    where the function returns another number of results, and RuntimeError where one item is larger
    than `max_batch_size`.
    """
    batching = _Options(max_batch_size, batch_wait_timeout_s, max_concurrent_batches, batch_size_fn)

    def decorate(function: Callable[..., Any]) -> Any:
        return _batched(_require_async(function), batching)

    return decorate if _func is None else decorate(_func)


class _Options:
    """The options of a batched function, as they are now."""

    def __init__(
        self,
        max_batch_size: int,
        batch_wait_timeout_s: float,
        max_concurrent_batches: int,
        batch_size_fn: Callable[[list[Any]], int] | None,
    ) -> None:
        self.set_max_batch_size(max_batch_size)
        self.set_batch_wait_timeout_s(batch_wait_timeout_s)
        self.max_concurrent_batches = _whole("max_concurrent_batches", max_concurrent_batches)
        if batch_size_fn is not None and not callable(batch_size_fn):
            raise TypeError(f"batch_size_fn={batch_size_fn!r} must be a function or None.")
        self.batch_size_fn = batch_size_fn

    def set_max_batch_size(self, max_batch_size: int) -> None:
        self.max_batch_size = _whole("max_batch_size", max_batch_size)

    def set_batch_wait_timeout_s(self, batch_wait_timeout_s: float) -> None:
        if not isinstance(batch_wait_timeout_s, (int, float)):
            raise TypeError(f"batch_wait_timeout_s={batch_wait_timeout_s!r} must be a number.")
        if not batch_wait_timeout_s >= 0:
            raise InvalidOption(f"batch_wait_timeout_s={batch_wait_timeout_s} must be at least 0.")
        self.batch_wait_timeout_s = batch_wait_timeout_s

    def get_max_batch_size(self) -> int:
        return self.max_batch_size

    def get_batch_wait_timeout_s(self) -> float:
        return self.batch_wait_timeout_s


def _whole(name: str, value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # Ray Serve takes 8.0
    if not isinstance(value, int):
        raise TypeError(f"{name}={value!r} must be a whole number.")
    if value < 1:
        raise InvalidOption(f"{name}={value} must be at least 1.")
    return value


def _require_async(function: Any) -> Callable[..., Any]:
    if not callable(function):
        raise TypeError("@serve.batch can only be used to decorate functions or methods.")
    if not (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
        raise TypeError(
            f"Functions decorated with @serve.batch must be 'async def', {function!r} is not.",
        )
    return cast("Callable[..., Any]", function)


def _batched(function: Callable[..., Any], options: _Options) -> Any:
    queues = _Queues(function, options)

    @functools.wraps(function)
    async def one(*args: Any, **kwargs: Any) -> Any:
        with queues.joined(args, kwargs) as call:
            return await call.result()

    @functools.wraps(function)
    async def items(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        with queues.joined(args, kwargs) as call:
            while (item := await call.result()) is not _END:
                yield item

    wrapper: Any = items if inspect.isasyncgenfunction(function) else one
    wrapper.set_max_batch_size = options.set_max_batch_size
    wrapper.set_batch_wait_timeout_s = options.set_batch_wait_timeout_s
    wrapper._get_max_batch_size = options.get_max_batch_size  # noqa: SLF001 - Ray Serve's names
    wrapper._get_batch_wait_timeout_s = options.get_batch_wait_timeout_s  # noqa: SLF001
    return wrapper


class _Queues:
    """The queues of a batched function: one for each instance and event loop."""

    def __init__(self, function: Callable[..., Any], options: _Options) -> None:
        self._function = function
        self._options = options
        self._signature = inspect.signature(function)
        self._is_method = next(iter(self._signature.parameters), "") in ("self", "cls")
        # By loop, then by the id of the instance: an instance need not be hashable.
        self._found: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, _Queue]]
        self._found = weakref.WeakKeyDictionary()

    @contextlib.contextmanager
    def joined(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator["_Call"]:
        """Queue a call, until its caller leaves. Raises TypeError for arguments that do not fit."""
        bound = self._signature.bind(*args, **kwargs)
        if self._is_method:
            instance, *rest = bound.args
            call = _Call(functools.partial(self._function, instance), tuple(rest), bound.kwargs)
            queue = self._queue(instance)
        else:
            call = _Call(self._function, bound.args, bound.kwargs)
            queue = self._queue(None)
        queue.add(call)
        try:
            yield call
        finally:
            queue.leave(call)

    def _queue(self, instance: Any) -> "_Queue":
        queues = self._found.setdefault(asyncio.get_running_loop(), {})
        if id(instance) not in queues:
            if instance is not None:
                _forget_with(instance, queues)
            queues[id(instance)] = _Queue(self._options)
        return queues[id(instance)]


def _forget_with(instance: Any, queues: dict[int, "_Queue"]) -> None:
    try:
        weakref.finalize(instance, queues.pop, id(instance), None).atexit = False
    except TypeError as error:
        raise TypeError(
            f"@serve.batch keeps a queue for each {type(instance).__name__} as long as that lives; "
            "add '__weakref__' to the class's __slots__.",
        ) from error


class _Call:
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
        self.shape = (len(args), frozenset(kwargs))  # the same for all calls of a batch
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
        """Wait for the next result. Raises what the batch raised."""
        value, error = await self._results.get()
        if error is not None:
            raise error
        return value

    def give(self, value: Any, error: BaseException | None = None) -> None:
        """Pass on a result or an error, if the caller wants one."""
        if not self.ended:
            self._results.put_nowait((value, error))
            self.ended = error is not None or value is _END


class _Queue:
    """The calls on one instance that wait for a batch."""

    def __init__(self, options: _Options) -> None:
        self._options = options
        self._waiting: list[_Call] = []
        self._timer: asyncio.Handle | None = None
        self._running = 0

    def add(self, call: _Call) -> None:
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
        if self._size(self._waiting) >= most:
            self._begin()
        elif self._timer is None:
            self._begin_later(wait_s)

    def leave(self, call: _Call) -> None:
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

    def _next(self) -> tuple[list[_Call], bool]:
        """Return the calls of the next batch, and whether no other would fit in."""
        most, calls = self._options.max_batch_size, list[_Call]()
        for call in self._waiting:
            if call.shape != self._waiting[0].shape:
                continue
            calls.append(call)
            if len(calls) > 1 and self._size(calls) > most:
                return calls[:-1], True
        return calls, self._size(calls) >= most

    def _size(self, calls: list[_Call]) -> int:
        measure = self._options.batch_size_fn
        return len(calls) if measure is None else measure([call.item for call in calls])


def _is_alone() -> bool:
    """Whether no other invocation can be in flight in this environment."""
    here = context.current()
    return here is not None and here.max_concurrency == 1


class _Batch:
    """Calls that are served by one call of the function."""

    def __init__(self, calls: list[_Call]) -> None:
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
                self._give([_END if _is_end(result) else result for result in results])
        return [_END] * len(self._calls)

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
