"""The loop: ask for an invocation, let the handler serve it, post the answer, again."""

import asyncio
import contextvars
import inspect
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from adapter.runtime.client import STALE, RuntimeApi, RuntimeApiError
from adapter.runtime.context import FunctionSettings, LambdaContext
from adapter.runtime.protocol import Failure, Invocation, to_json

Handler = Callable[[Any, Any], Any]


async def serve(api: RuntimeApi, handler: Handler, function: FunctionSettings) -> None:
    """Serve invocations until the Runtime API is gone, which raises OSError.

    `handler` is `handler(event, context)`, plain or async; of the adapter's own handlers the
    coroutine method `invoke` is awaited on this loop. An error is posted and the loop goes on.
    """
    invoke = getattr(handler, "invoke", None) or handler
    while True:
        invocation = await api.next()
        _publish_trace(invocation.trace_id)
        await _serve_one(api, invoke, invocation, LambdaContext(invocation, function))
        sys.stdout.flush()
        sys.stderr.flush()


async def _serve_one(
    api: RuntimeApi,
    invoke: Handler,
    invocation: Invocation,
    context: LambdaContext,
) -> None:
    try:
        body = await _result(invoke, invocation, context)
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises is the caller's
        await _fail(api, invocation, Failure.of(error))
        return
    try:
        await api.respond(invocation, body)
    except RuntimeApiError as error:
        await _refused(api, invocation, error)


async def _result(invoke: Handler, invocation: Invocation, context: LambdaContext) -> bytes:
    # A context of its own: what user code sets in a context variable ends with the invocation.
    own = contextvars.copy_context()
    result = own.run(invoke, json.loads(invocation.body), context)
    if inspect.isawaitable(result):
        result = await own.run(asyncio.ensure_future, result)
    return to_json(result)


async def _fail(api: RuntimeApi, invocation: Invocation, failure: Failure) -> None:
    _log(invocation, failure.text())
    try:
        await api.fail(invocation, failure)
    except RuntimeApiError as error:
        _log(invocation, f"[WARNING] {error}")


async def _refused(api: RuntimeApi, invocation: Invocation, error: RuntimeApiError) -> None:
    """A late answer is dropped; a refused one, such as one over 6 MB, becomes an error."""
    if error.status == STALE:
        _log(invocation, f"[WARNING] the answer came too late and was dropped: {error}")
        return
    await _fail(api, invocation, Failure(error_type="ResponseRefused", message=str(error)))


def _publish_trace(trace_id: str) -> None:
    # AWS's tracing libraries read it from here, so the runtime sets it for each invocation.
    if trace_id:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)


def _log(invocation: Invocation, text: str) -> None:
    sys.stderr.write(f"RequestId: {invocation.request_id} {text}\n")
