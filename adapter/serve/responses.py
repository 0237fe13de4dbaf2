"""What a handle call returns: one result on its way, or items one by one."""

import asyncio
import concurrent.futures
import functools
from collections.abc import Generator
from concurrent.futures import Future
from typing import Any, Generic, Never, Self

from adapter.errors import RequestCancelledError, ServeError
from adapter.loop_thread import loop_is_running, result_of
from adapter.serve import context
from adapter.serve.channel import Channel, EndOfChannel
from adapter.serve.type_variables import Result_co


class DeploymentResponse(Generic[Result_co]):
    """The result of a handle call, on its way: `await response`, or `response.result()`.

    Cancelling the task that awaits it cancels the call. `request_id` is that of the invocation that
    makes the call.
    """

    def __init__(self, future: Future[Any]) -> None:
        self.request_id = _request_id()
        self._future = future

    def __await__(self) -> Generator[Any, None, Result_co]:
        return self._wait().__await__()

    async def _wait(self) -> Result_co:
        try:
            result: Result_co = await result_of(self._future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise RequestCancelledError(self.request_id) from None
        return result

    def result(
        self,
        *,
        timeout_s: float | None = None,
        _skip_asyncio_check: bool = False,
    ) -> Result_co:
        """Wait for the result, outside of any event loop.

        Raises the callee's exception (`RemoteError`, and the builtin type it had), TimeoutError
        after `timeout_s` seconds, `RequestCancelledError` after `cancel`, RuntimeError inside a
        running event loop.
        """
        if not _skip_asyncio_check:
            _refuse_in_loop("await response")
        try:
            result: Result_co = self._future.result(timeout_s)
        except concurrent.futures.CancelledError:
            raise RequestCancelledError(self.request_id) from None
        except TimeoutError:
            if self._future.done():  # the callee's own
                raise
            raise TimeoutError(
                f"Get timed out: the result was not there after {timeout_s:g} s.",
            ) from None
        return result

    def cancel(self) -> None:
        """Cancel the call, unless its result is there; whoever waits gets `RequestCancelledError`.

        The callee sees CancelledError at its next `await`, and so do the deployments that it calls.
        That is so under `serve.run` and `adapter run`. On AWS nothing can cancel a function: it
        runs, and is billed, to its end or its deadline, and only the waiting ends.
        """
        self._future.cancel()

    def cancelled(self) -> bool:
        """Whether `cancel`, or that of a task which waited, came before the result."""
        return self._future.cancelled()

    async def _to_object_ref(self) -> Never:
        """Refuse: there are no object refs. Raises `ServeError`."""
        _refuse_object_ref()

    def _to_object_ref_sync(self, **_options: Any) -> Never:
        """Refuse: there are no object refs. Raises `ServeError`."""
        _refuse_object_ref()

    def __reduce__(self) -> Any:
        raise ServeError(
            "`DeploymentResponse` is not serializable. If you are passing the "
            "`DeploymentResponse` in a nested object (e.g. a list or dictionary) to a downstream "
            "deployment handle call, that is no longer supported. Please only pass "
            "`DeploymentResponse` objects as top level arguments.",
        )


class AcceptedResponse(DeploymentResponse[None]):
    """Of a call with `invocation_type="Event"`: None, once Lambda has accepted it."""


class DeploymentResponseGenerator(Generic[Result_co]):
    """The items of a method that yields, as they come: `async for item in response`.

    In plain code `for item in response`. The call has left already; a few items are fetched ahead,
    and a caller that is slow slows the callee. The callee's exception is raised after the items
    that it had yielded: `RemoteError`, and the builtin type it had. A stream that breaks off
    otherwise raises `InvocationError`.

    Who stops early (break, an exception, a cancelled task) ends the stream when the last reference
    to this object goes; `async with` and `with` end it at once. See `cancel` for what becomes of
    the callee.
    """

    def __init__(self, future: Future[None], items: Channel[Any]) -> None:
        self.request_id = _request_id()
        self._future = future
        self._items = items
        # Nothing that lives as long as the call may refer to this object: it would never end.
        future.add_done_callback(functools.partial(_end, items, self.request_id))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Result_co:
        try:
            item: Result_co = await self._items.get()
        except EndOfChannel:
            raise StopAsyncIteration from None
        except asyncio.CancelledError:
            self.cancel()
            raise
        return item

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Result_co:
        _refuse_in_loop("async for` or `await response.__anext__()")
        try:
            item: Result_co = self._items.get_blocking()
        except EndOfChannel:
            raise StopIteration from None
        return item

    def cancel(self) -> None:
        """End the stream, unless it has ended; whoever iterates gets `RequestCancelledError`.

        The callee's generator is closed under `serve.run` and `adapter run`. On AWS nothing can
        cancel a function: it runs, and is billed, to its end or its deadline.
        """
        if not self._items.ended:
            self._future.cancel()

    def cancelled(self) -> bool:
        """Whether `cancel`, or that of a task which iterated, came before the end."""
        return self._future.cancelled()

    async def aclose(self) -> None:
        """End the stream, as `cancel` does."""
        self.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def __del__(self) -> None:
        self.cancel()

    def __await__(self) -> Never:
        raise TypeError(
            "`DeploymentResponseGenerator` cannot be awaited directly. Use `async for` or `await "
            "response.__anext__() instead`.",
        )

    def result(self, *, timeout_s: float | None = None, _skip_asyncio_check: bool = False) -> Never:
        """Refuse: there is more than one result. Raises TypeError."""
        del timeout_s, _skip_asyncio_check
        raise TypeError(
            "`DeploymentResponseGenerator` doesn't support `.result()`. Use iteration instead: "
            "`for item in response` (outside deployments) or `async for item in response` (inside "
            "deployments).",
        )

    async def _to_object_ref_gen(self) -> Never:
        """Refuse: there are no object refs. Raises `ServeError`."""
        _refuse_object_ref()

    def _to_object_ref_gen_sync(self, **_options: Any) -> Never:
        """Refuse: there are no object refs. Raises `ServeError`."""
        _refuse_object_ref()

    def __reduce__(self) -> Any:
        raise RuntimeError(
            "Streaming deployment handle results cannot be passed to downstream handle calls. If "
            "you have a use case requiring this feature, please file a feature request on GitHub. "
            "Collect the items first and pass those: `[item async for item in response]`.",
        )


def as_argument(value: Any) -> Any:
    """Return what an argument of a call is to a transport: for a response, its future result.

    Raises `ServeError` and RuntimeError for the responses that are none.
    """
    if isinstance(value, AcceptedResponse):
        raise ServeError(
            "a call with invocation_type='Event' has no result that could be an argument of "
            "another call. Leave invocation_type out where the result is needed.",
        )
    if isinstance(value, DeploymentResponse):
        return value._future  # noqa: SLF001 - the transport waits for it
    if isinstance(value, DeploymentResponseGenerator):
        value.__reduce__()
    return value


ANY_RESPONSE = (DeploymentResponse, DeploymentResponseGenerator)


def _end(items: Channel[Any], request_id: str, future: Future[None]) -> None:
    if future.cancelled():
        items.end(RequestCancelledError(request_id), at_once=True)
    else:
        items.end(future.exception())


def _request_id() -> str:
    invocation = context.invocation.get()
    if invocation is not None and invocation.request_id:
        return invocation.request_id
    import uuid  # noqa: PLC0415 - outside of invocations only

    return str(uuid.uuid4())


def _refuse_in_loop(instead: str) -> None:
    if loop_is_running():
        raise RuntimeError(
            "Sync methods should not be called from within an `asyncio` event loop. "
            f"Use `{instead}` instead.",
        )


def _refuse_object_ref() -> Never:
    raise ServeError(
        "there are no object refs: results travel as values. Await the response, or pass it to "
        "another call as an argument of its own.",
    )
