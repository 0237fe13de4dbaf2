"""Handle calls as Lambda invokes."""

import asyncio
import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import quote

from adapter import json_bytes
from adapter.calls import codec, event, frames
from adapter.calls.api import ACCEPTED, OK, ApiRequest, LambdaApi
from adapter.calls.error_object import function_error, is_error_object
from adapter.calls.payloads import Payloads, advised, limit, refused
from adapter.calls.streamed_call import StreamedCall
from adapter.calls.waiting import Waiting
from adapter.connection import keep_freed_memory
from adapter.errors import InvocationError, ServeError
from adapter.http1 import Response
from adapter.loop_thread import LoopThread, submit
from adapter.serve.channel import Channel
from adapter.serve.names import function_name
from adapter.serve.transport import Call

_FUNCTIONS = "/2015-03-31/functions/"
_STREAMED = "/2021-11-15/functions/"
_NO_SUCH_OPERATION = (404, 501)

logger = logging.getLogger("adapter.serve")


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
        keep_freed_memory()
        self._function_loop = function_loop
        self._environ = environ
        self._api = LambdaApi(environ)
        self._waiting = Waiting(environ)
        self._payloads = Payloads(environ)
        self._shared: dict[str, str] = {}  # of other stacks, as far as they were asked
        self._thread: LoopThread | None = None
        self._tasks: set[asyncio.Task[Any]] = set()  # that carry calls
        self._starting = threading.Lock()  # the first calls may come from many threads at once

    def send(self, call: Call) -> Future[Any]:
        """Dispatch at once. Cancelling the future closes the connection."""
        call = self._taking_payloads(self._addressed(call))
        work = self._send_event if call.is_event else self._send
        return self._carry(work, call, _encoded(call))

    def stream(self, call: Call, items: Channel[Any]) -> Future[None]:
        """Dispatch at once. Cancelling the future closes the connection."""
        call = self._taking_payloads(self._addressed(call))
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
        return submit(self._counted(work, *args), self._running_loop())

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
        body = await self._fitting(call, body)
        request = self._request(call, f"{_FUNCTIONS}{{}}/invocations", body)
        response = await self._waiting.until_taken(_name(call), lambda: self._api.request(request))
        sam_local = self._environ.get("AWS_SAM_LOCAL") == "true"
        _raise_failure(call.deployment, response, sam_local=sam_local)
        return codec.loads(await self._payloads.result(response.body))

    async def _send_event(self, call: Call, body: bytes | None) -> None:
        """Raise as `_send` does, and log it: it is rare that somebody waits for an event."""
        try:
            body = await self._fitting(call, body)
            request = self._request(call, f"{_FUNCTIONS}{{}}/invocations", body)
            await self._waiting.until_taken(_name(call), lambda: self._api.request(request))
        except Exception as error:
            logger.warning("a call of %s was not accepted: %s", call.deployment, error)
            raise

    async def _stream(self, call: Call, body: bytes | None, items: Channel[Any]) -> None:
        body = await self._fitting(call, body)
        request = self._request(call, f"{_STREAMED}{{}}/response-streaming-invocations", body)
        try:
            async with contextlib.AsyncExitStack() as opened:
                pieces = await self._waiting.until_taken(
                    _name(call),
                    lambda: opened.enter_async_context(self._api.open(request)),
                )
                streamed = StreamedCall(request.what, call.deployment)
                await frames.deliver(pieces, streamed, items)
                if not items.ended:
                    raise streamed.interrupted()
        except InvocationError as error:
            raise _explained(error) from error.__cause__

    def _addressed(self, call: Call) -> Call:
        """Name the function of a deployment that has none of its own."""
        shared = self._shared | _pairs(self._environ.get("ADAPTER_SHARED", ""))
        return call._replace(function=shared.get(_name(call), "")) if shared else call

    def _taking_payloads(self, call: Call) -> Call:
        return call._replace(large_payloads=True) if self._payloads.bucket else call

    async def _fitting(self, call: Call, body: bytes | None) -> bytes:
        """Return the event: itself, or where it is too large one that says where it is."""
        if body is None:
            call = await call.resolved()
            body = event.encode(call)
        if len(body) <= limit(call):
            return body
        if not self._payloads.bucket:
            raise refused(self._function(call), call, len(body))
        rest = json.loads(event.encode(call._replace(args=(), kwargs={})))
        del rest["args"], rest["kwargs"]
        return json_bytes.dump(rest | await self._payloads.put(body))

    def _request(self, call: Call, path: str, body: bytes) -> ApiRequest:
        name = self._function(call)
        return ApiRequest(
            what=name,
            method="POST",
            path=path.format(quote(name, safe="")),
            body=body,
            headers={"x-amz-invocation-type": "Event"} if call.is_event else {},
            status=ACCEPTED if call.is_event else OK,
        )

    def _function(self, call: Call) -> str:
        name = call.function or _name(call)
        aliases = _pairs(self._environ.get("ADAPTER_ALIASES", ""))
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
                    self._shared |= _pairs(variables.get("ADAPTER_SHARED", ""))
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


def _pairs(text: str) -> dict[str, str]:
    """Read `name:value,name:value`."""
    return dict(entry.split(":", 1) for entry in text.split(",") if ":" in entry)


def _name(call: Call) -> str:
    return function_name(call.deployment, call.application)


def _raise_failure(deployment: str, response: Response, *, sam_local: bool) -> None:
    """Raise what the callee raised, if it did."""
    failed = "x-amz-function-error" in response.headers
    # `sam local start-lambda` leaves the header out for errors of AWS's own runtime client.
    if failed or (sam_local and is_error_object(response.body)):
        raise advised(function_error(deployment, response.body))


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
