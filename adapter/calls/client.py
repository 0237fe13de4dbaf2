"""Handle calls as Lambda invokes."""

import asyncio
import json
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import quote

from adapter.calls import codec, event, frames
from adapter.calls.api import ApiRequest, LambdaApi
from adapter.calls.error_object import function_error, is_error_object
from adapter.calls.streamed_call import StreamedCall
from adapter.errors import InvocationError, ServeError
from adapter.http1 import Response
from adapter.loop_thread import LoopThread
from adapter.serve.channel import Channel
from adapter.serve.names import function_name
from adapter.serve.transport import Call

_FUNCTIONS = "/2015-03-31/functions/"
_STREAMED = "/2021-11-15/functions/"
_NO_SUCH_OPERATION = (404, 501)


class LambdaTransport:
    """Carries calls to other functions through Lambda's Invoke API; see `Transport`.

    `function_loop` gives the event loop of the function this runs in. It carries the calls while
    it runs; otherwise, as in a plain script, a loop in a thread of its own does.
    """

    def __init__(
        self,
        function_loop: Callable[[], asyncio.AbstractEventLoop | None] = lambda: None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._function_loop = function_loop
        self._environ = environ
        self._api = LambdaApi(environ)
        self._thread: LoopThread | None = None
        self._tasks: set[asyncio.Task[Any]] = set()  # that carry calls
        self._starting = threading.Lock()  # the first calls may come from many threads at once

    def send(self, call: Call) -> Future[Any]:
        """Dispatch at once. Cancelling the future closes the connection."""
        return self._carry(self._send, call, _encoded(call))

    def stream(self, call: Call, items: Channel[Any]) -> Future[None]:
        """Dispatch at once. Cancelling the future closes the connection."""
        return self._carry(self._stream, call, _encoded(call), items)

    async def settle(self) -> None:
        """See `Transport`."""
        await asyncio.sleep(0)  # a cancellation may be on its way from another thread
        loop = asyncio.get_running_loop()
        tasks = list(self._tasks)  # calls on other loops begin and end meanwhile
        closing = [task for task in tasks if task.cancelling() and task.get_loop() is loop]
        if closing:
            await asyncio.wait(closing)
            await asyncio.sleep(0)  # asyncio closes sockets a turn later

    def ingress(self, application: str) -> str:
        """Find the ingress: this function's own application, or by asking Lambda's ListFunctions.

        Raises `ServeError` where no function belongs to such an application.
        """
        if self._environ.get("ADAPTER_APPLICATION") == application:
            return self._environ["ADAPTER_INGRESS"]
        found = asyncio.run_coroutine_threadsafe(
            self._find_ingress(application),
            self._background_loop(),
        ).result()
        if not found:
            raise ServeError(f"Application {application!r} does not exist.")
        return found

    def check(self, deployment: str, application: str) -> None:
        """Lambda is not asked: a missing function shows at the first call."""

    def let_go(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the idle connections of a loop."""
        self._api.let_go(loop)

    def close(self) -> None:
        """End the thread, if there is one; calls on their way are cancelled."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            thread.loop.call_soon_threadsafe(self.let_go, thread.loop)
            thread.stop()

    def _carry(self, work: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(self._counted(work, *args), self._running_loop())

    async def _counted(self, work: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Any:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker
        self._tasks.add(task)
        try:
            return await work(*args)
        finally:
            self._tasks.discard(task)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        loop = self._function_loop()
        return loop if loop is not None and loop.is_running() else self._background_loop()

    def _background_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._thread is None:
                self._thread = LoopThread("adapter-handles")
            return self._thread.loop

    async def _send(self, call: Call, body: bytes | None) -> Any:
        if body is None:
            body = event.encode(await call.resolved())
        name = self._function(call)
        path = f"{_FUNCTIONS}{quote(name, safe='')}/invocations"
        request = ApiRequest(what=name, method="POST", path=path, body=body)
        response = await self._api.request(request)
        sam_local = self._environ.get("AWS_SAM_LOCAL") == "true"
        return _result(call.deployment, response, sam_local=sam_local)

    async def _stream(self, call: Call, body: bytes | None, items: Channel[Any]) -> None:
        if body is None:
            body = event.encode(await call.resolved())
        name = self._function(call)
        path = f"{_STREAMED}{quote(name, safe='')}/response-streaming-invocations"
        try:
            async with self._api.open(
                ApiRequest(what=name, method="POST", path=path, body=body),
            ) as pieces:
                streamed = StreamedCall(name, call.deployment)
                await frames.deliver(pieces, streamed, items)
                if not items.ended:
                    raise streamed.interrupted()
        except InvocationError as error:
            raise _explained(error) from error.__cause__

    def _function(self, call: Call) -> str:
        name = function_name(call.deployment, call.application)
        aliases = dict(
            entry.split(":", 1)
            for entry in self._environ.get("ADAPTER_ALIASES", "").split(",")
            if ":" in entry
        )
        full = self._environ.get("ADAPTER_FUNCTION_PREFIX", "") + name
        return f"{full}:{aliases[name]}" if name in aliases else full

    async def _find_ingress(self, application: str) -> str:
        marker = ""
        while True:
            query = f"Marker={quote(marker, safe='')}" if marker else ""
            response = await self._api.request(
                ApiRequest(what="ListFunctions", method="GET", path=_FUNCTIONS, query=query),
            )
            page = json.loads(response.body)
            for function in page["Functions"]:
                variables = function.get("Environment", {}).get("Variables", {})
                if self._belongs(variables, application):
                    return str(variables["ADAPTER_INGRESS"])
            marker = page.get("NextMarker") or ""
            if not marker:
                return ""

    def _belongs(self, variables: Mapping[str, str], application: str) -> bool:
        """Whether a function is of the application, in the stack that calls go to."""
        prefix = self._environ.get("ADAPTER_FUNCTION_PREFIX", "")
        found = variables.get("ADAPTER_FUNCTION_PREFIX", "")
        return variables.get("ADAPTER_APPLICATION") == application and found == prefix


def _encoded(call: Call) -> bytes | None:
    """Encode now, so that a value that cannot travel shows where it was passed."""
    return None if call.waits else event.encode(call)


def _result(deployment: str, response: Response, *, sam_local: bool) -> Any:
    failed = "x-amz-function-error" in response.headers
    # `sam local start-lambda` leaves the header out for errors of AWS's own runtime client.
    if failed or (sam_local and is_error_object(response.body)):
        raise function_error(deployment, response.body)
    return codec.loads(response.body)


def _explained(error: InvocationError) -> InvocationError:
    if error.status not in _NO_SUCH_OPERATION or error.reason.startswith("ResourceNotFound"):
        return error
    return InvocationError(
        error.function,
        error.reason,
        "this endpoint does not stream: it has no InvokeWithResponseStream, as `sam local "
        "start-lambda` has none. Call without stream=True there, or use `adapter run`.",
        error.status,
    )
