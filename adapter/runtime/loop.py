"""The loop: ask for an invocation, let the handler serve it, post the answer, again.

With `AWS_LAMBDA_MAX_CONCURRENCY` (Lambda Managed Instances) several such loops share one process
and one event loop, each with a connection and an invocation of its own.
"""

import asyncio
import contextlib
import contextvars
import inspect
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from adapter.errors import Unhealthy
from adapter.runtime import logs
from adapter.runtime.answer import PostedAnswer
from adapter.runtime.background import Background
from adapter.runtime.client import RuntimeApi
from adapter.runtime.context import FunctionSettings, LambdaContext
from adapter.runtime.protocol import Invocation
from adapter.serve.context import flush_metrics

logger = logging.getLogger("adapter.runtime")

Handler = Callable[[Any, Any], Any]
IdleCheck = Callable[[int], Coroutine[Any, Any, None]]


def run(
    address: str,
    handler: Handler,
    function: FunctionSettings,
    loop: asyncio.AbstractEventLoop,
    headers: dict[str, str] | None = None,
) -> None:
    """Serve on an event loop until SIGTERM; raises `RuntimeApiLost` and `RuntimeApiError`.

    Where only one invocation can be in flight, waiting for the next stops the event loop, as
    Lambda's freeze does anyway. Then the signal handler is what ends the wait.
    """
    alone = function.max_concurrency == 1
    apis = [
        RuntimeApi(address, headers if number == 0 else None, blocking=alone)
        for number in range(function.max_concurrency)
    ]
    serving = loop.create_task(serve(apis, handler, function))

    def terminate(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(serving.cancel)
        for api in apis:
            api.interrupt()

    signal.signal(signal.SIGTERM, terminate)
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(serving)


async def serve(apis: list[RuntimeApi], handler: Handler, function: FunctionSettings) -> None:
    """Serve invocations from each of `apis` until the Runtime API is gone: `RuntimeApiLost`.

    `handler` is `handler(event, context)`, plain or async; one of the adapter's own answers through
    its coroutine method `serve`. An error is posted and the loop goes on. Raises `Unhealthy` where
    the deployment says that it should not serve any longer, after what is in flight.
    """
    background = Background.from_environment(os.environ)
    polls = [asyncio.create_task(_poll(api, handler, function, background)) for api in apis]
    try:
        await asyncio.gather(*polls)
    except Unhealthy:
        for poll, api in zip(polls, apis, strict=True):
            api.interrupt()
            if api.waiting:
                poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
        raise
    finally:
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


async def _poll(
    api: RuntimeApi,
    handler: Handler,
    function: FunctionSettings,
    background: Background,
) -> None:
    idle_check: IdleCheck | None = getattr(handler, "idle_check", None)
    alone = function.max_concurrency == 1
    try:
        while True:
            invocation = await api.next()
            if alone:
                _publish_trace(invocation.trace_id)
            logs.enter(invocation.request_id, alone=alone)
            # What user code sets in a context variable ends with the invocation.
            own = contextvars.copy_context()
            pending = background.track(own)
            context = LambdaContext(invocation, function)
            ended_at_once = await _serve_one(api, invocation, own, handler, context)
            del own
            # What was only asked of the event loop becomes a task, such as a handle call. Where an
            # invocation is waited for, its end has taken such a turn.
            if alone and ended_at_once:
                await asyncio.sleep(0)
            await pending.settle(invocation.deadline_ms)
            if idle_check is not None:
                await idle_check(invocation.deadline_ms)
            flush_metrics()
            sys.stdout.flush()
            sys.stderr.flush()
    finally:
        api.close()


async def _serve_one(
    api: RuntimeApi,
    invocation: Invocation,
    own: contextvars.Context,
    handler: Handler,
    context: LambdaContext,
) -> bool:
    """Serve an invocation; returns whether it has ended without a turn of the event loop."""
    answer = PostedAnswer(api, invocation)
    try:
        ended_at_once = await _run_one(answer, invocation, own, handler, context)
        await answer.close()
    finally:
        api.finish()
    return ended_at_once


async def _run_one(
    answer: PostedAnswer,
    invocation: Invocation,
    own: contextvars.Context,
    handler: Handler,
    context: LambdaContext,
) -> bool:
    ended_at_once = True
    try:
        event = json.loads(invocation.body)
        if (serve_event := getattr(handler, "serve", None)) is not None:
            work = own.run(serve_event, event, context, answer)
        elif inspect.isawaitable(result := own.run(handler, event, context)):
            work = _respond(answer, result)
        else:
            await answer.respond(result)
            return True
        task = _task(work, own)
        ended_at_once = task.done()
        answer.on_cancel(task.cancel)
        await task
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        if answer.unwanted:
            logger.info("the caller did not wait for the answer; the invocation was cancelled")
        else:
            odd = RuntimeError("the function waited for what it had cancelled")
            odd.__cause__ = error
            await answer.fail(odd)
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises is the caller's
        await answer.fail(error)
    return ended_at_once


def _task(
    work: Coroutine[Any, Any, None],
    context: contextvars.Context,
) -> asyncio.Task[None]:
    """Begin to serve, at once where Python can: most answers need no turn of the event loop."""
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        return asyncio.Task(work, loop=loop, context=context, eager_start=True)
    return loop.create_task(work, context=context)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and bool(task.cancelling())


async def _respond(answer: PostedAnswer, result: Awaitable[Any]) -> None:
    await answer.respond(await result)


def _publish_trace(trace_id: str) -> None:
    # AWS's tracing libraries read it from here; it can speak of one invocation at a time only.
    if trace_id:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
