"""Handle calls as Lambda invokes: one request a call, over kept-alive connections.

A call is sent at most once. It is sent again only where it surely never arrived: on a kept-alive
connection that the peer had closed before we wrote to it.
"""

import asyncio
import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from adapter.calls import codec, event
from adapter.calls.endpoint import Endpoint, credentials, endpoint
from adapter.calls.sigv4 import Request, sign
from adapter.errors import InvocationError, ServeError, remote_error
from adapter.http1 import Connection, Response
from adapter.loop_thread import LoopThread
from adapter.serve.names import function_name
from adapter.serve.transport import Call

OK = 200
IDLE_S = 4.0  # for which an unused connection is trusted to be still there
LONGEST_S = 910.0  # a function runs for at most 900 s


class LambdaTransport:
    """Carries calls to other functions through Lambda's Invoke API.

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
        self._thread: LoopThread | None = None
        self._starting = threading.Lock()  # the first calls may come from many threads at once
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}

    def send(self, call: Call) -> Future[Any]:
        """Dispatch at once; see `Transport.send`."""
        work = self._send_later(call) if call.waits else self._send(call, event.encode(call))
        return asyncio.run_coroutine_threadsafe(work, self._running_loop())

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
        if (pool := self._pools.pop(loop, None)) is not None:
            pool.close()

    def close(self) -> None:
        """End the thread, if there is one; calls on their way are cancelled."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            thread.loop.call_soon_threadsafe(self.let_go, thread.loop)
            thread.stop()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        loop = self._function_loop()
        return loop if loop is not None and loop.is_running() else self._background_loop()

    def _background_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._thread is None:
                self._thread = LoopThread("adapter-handles")
            return self._thread.loop

    async def _send_later(self, call: Call) -> Any:
        resolved = await resolve(call)
        return await self._send(resolved, event.encode(resolved))

    async def _send(self, call: Call, body: bytes) -> Any:
        name = self._function(call)
        target = f"/2015-03-31/functions/{quote(name, safe='')}/invocations"
        response = await self._request(name, "POST", target, body)
        if response.status != OK:
            raise _refused(name, response)
        sam_local = self._environ.get("AWS_SAM_LOCAL") == "true"
        return _result(call.deployment, response, sam_local=sam_local)

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
            path = "/2015-03-31/functions/"
            response = await self._request("ListFunctions", "GET", path, b"", query)
            if response.status != OK:
                raise _refused("ListFunctions", response)
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

    async def _request(
        self,
        name: str,
        method: str,
        path: str,
        body: bytes,
        query: str = "",
    ) -> Response:
        where = endpoint(self._environ)
        request = Request(
            method=method,
            host=where.authority,
            path=path,
            query=query,
            body=body,
        )
        headers = sign(request, credentials(self._environ), where.region, datetime.now(UTC))
        target = f"{path}?{query}" if query else path
        try:
            async with asyncio.timeout(LONGEST_S):
                return await self._pool(where).request(method, target, headers, body)
        except OSError as error:  # TimeoutError is one
            detail = f"{error} ({where.authority})"
            raise InvocationError(name, "ConnectionFailed", detail) from error

    def _pool(self, where: Endpoint) -> "_Pool":
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None or pool.endpoint != where:
            self.let_go(loop)
            pool = self._pools[loop] = _Pool(where)
        return pool


async def resolve(call: Call) -> Call:
    """Wait for the arguments that are futures of other calls."""

    async def value(argument: Any) -> Any:
        return await asyncio.wrap_future(argument) if isinstance(argument, Future) else argument

    args = await asyncio.gather(*(value(argument) for argument in call.args))
    values = await asyncio.gather(*(value(argument) for argument in call.kwargs.values()))
    return Call(
        deployment=call.deployment,
        application=call.application,
        method=call.method,
        args=tuple(args),
        kwargs=dict(zip(call.kwargs, values, strict=True)),
    )


def _refused(name: str, response: Response) -> InvocationError:
    reason = response.headers.get("x-amzn-errortype", "").split(":")[0] or f"HTTP {response.status}"
    try:
        body = json.loads(response.body)
        detail = body.get("Message") or body.get("message") or ""
    except (ValueError, AttributeError):
        detail = response.body[:200].decode("utf-8", "replace")
    return InvocationError(name, reason, detail, response.status)


def _result(deployment: str, response: Response, *, sam_local: bool) -> Any:
    failed = "x-amz-function-error" in response.headers
    # `sam local start-lambda` leaves the header out for errors of AWS's own runtime client.
    if failed or (sam_local and _is_error_object(response.body)):
        raise function_error(deployment, response.body)
    return codec.loads(response.body)


def _is_error_object(body: bytes) -> bool:
    try:
        found = json.loads(body)
    except ValueError:
        return False
    return isinstance(found, dict) and {"errorMessage", "errorType", "stackTrace"} <= found.keys()


def function_error(deployment: str, body: bytes) -> Exception:
    """Make the caller's exception from the body of a function error."""
    try:
        error = json.loads(body)
    except ValueError:
        error = {}
    if not isinstance(error, dict):
        error = {}
    trace = error.get("stackTrace")
    return remote_error(
        str(error.get("errorMessage", "")),
        error_type=str(error.get("errorType", "Unhandled")),
        remote_traceback=[str(line) for line in trace] if isinstance(trace, list) else (),
        deployment=deployment,
    )


class _Pool:
    """The idle connections of one event loop to one endpoint."""

    def __init__(self, where: Endpoint) -> None:
        self.endpoint = where
        self._idle: list[tuple[Connection, float]] = []  # and since when, Unix time in seconds
        self._closed = False
        self._tls: ssl.SSLContext | None = None

    async def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Response:
        connection = await self._connection()
        try:
            return await connection.request(method, target, headers, body)
        finally:
            if connection.usable and not self._closed:
                self._idle.append((connection, time.time()))
            else:
                connection.close()

    def close(self) -> None:
        self._closed = True
        for connection, _ in self._idle:
            connection.close()
        self._idle.clear()

    async def _connection(self) -> Connection:
        while self._idle:
            connection, since = self._idle.pop()
            # An environment may have been frozen meanwhile: what the peer did then is not seen yet.
            if not connection.closed_by_peer and time.time() - since < IDLE_S:
                return connection
            connection.close()
        if self.endpoint.tls and self._tls is None:
            self._tls = ssl.create_default_context()
        return await Connection.open(self.endpoint.host, self.endpoint.port, self._tls)
