"""`@serve.batch`: calls that are in flight together become one call with lists."""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar, cast, overload

from adapter.errors import InvalidOption
from adapter.serve import batches

R_co = TypeVar("R_co", covariant=True)
_R = TypeVar("_R")


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


class _Decorator(Protocol):
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
) -> _Decorator: ...


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
    queues = batches.Queues(function, options)

    @functools.wraps(function)
    async def one(*args: Any, **kwargs: Any) -> Any:
        with queues.joined(args, kwargs) as call:
            return await call.result()

    @functools.wraps(function)
    async def items(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        with queues.joined(args, kwargs) as call:
            while (item := await call.result()) is not batches.END:
                yield item

    wrapper: Any = items if inspect.isasyncgenfunction(function) else one
    wrapper.set_max_batch_size = options.set_max_batch_size
    wrapper.set_batch_wait_timeout_s = options.set_batch_wait_timeout_s
    wrapper._get_max_batch_size = options.get_max_batch_size  # noqa: SLF001 - Ray Serve's name
    wrapper._get_batch_wait_timeout_s = options.get_batch_wait_timeout_s  # noqa: SLF001 - Ray Serve's name
    return wrapper
