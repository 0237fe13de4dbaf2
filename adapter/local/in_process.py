"""`serve.run`: applications in this process, one instance of each deployment.

Each deployment has an event loop in a thread of its own. HTTP requests and handle calls become the
same events, and their results the same bytes, as on Lambda; only the processes are missing, and so
any object may be a constructor argument.
"""

import asyncio
import atexit
import contextlib
import json
import signal
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from adapter.calls import codec, event
from adapter.calls.client import function_error, resolve
from adapter.errors import LocalError, ServeError
from adapter.function import DeploymentServable, Function, Settings
from adapter.local.http_front import HttpFront, HttpRoute
from adapter.local.invocation import Answer, Invocation
from adapter.local.listener import Listener, bind, url_of
from adapter.local.log import Log
from adapter.loop_thread import LoopThread
from adapter.plan.graph import Node, walk
from adapter.runtime import protocol
from adapter.runtime.context import FunctionSettings, LambdaContext
from adapter.serve import transport
from adapter.serve.deployments import Application
from adapter.serve.handles import DeploymentHandle
from adapter.serve.names import function_name
from adapter.serve.transport import Call

SHUTDOWN_S = 5.0  # for one deployment's lifespan shutdown
_OPTIONS = frozenset({"host", "port"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Where the HTTP server of `serve.run` listens; port 0 picks a free port."""

    host: str = "127.0.0.1"
    port: int = 8000


class InProcessFunction:
    """One deployment in this process; see `Invocable`."""

    def __init__(self, node: Node, application: str, route_prefix: str | None) -> None:
        self.name = function_name(node.name, application)
        self._servable = DeploymentServable(
            node.deployment,
            node.args,
            node.kwargs,
            Settings(
                application=application,
                route_prefix=route_prefix or "/",
                max_concurrency=0,
                whole_process=False,
            ),
        )
        self._running: tuple[LoopThread, Function] | None = None

    def start(self) -> None:
        """Construct the deployment. Raises what its constructor or lifespan startup raises."""
        thread = LoopThread(f"adapter-{self.name}")
        function = Function(self._servable, thread.loop)
        try:
            thread.submit(function.start()).result()
        except BaseException:
            thread.stop()
            raise
        self._running = (thread, function)

    def stop(self) -> None:
        """Run lifespan shutdown and end the thread. What goes wrong then is said, not raised."""
        thread, function = self._require_running()
        self._running = None
        try:
            thread.submit(function.stop()).result(SHUTDOWN_S)
        except TimeoutError:
            sys.stderr.write(f"{self.name}: shutdown took more than {SHUTDOWN_S} s; left alone\n")
        except Exception as error:  # noqa: BLE001 - the user's shutdown code
            sys.stderr.write(f"{self.name}: {protocol.Failure.of(error).text()}\n")
        thread.stop()

    async def invoke(self, invocation: Invocation) -> Answer:
        """Serve an event; any number may be in flight, as in one replica of Ray Serve."""
        started = time.perf_counter()
        thread, function = self._require_running()
        work = self._serve(function, invocation.payload, invocation.request_id)
        payload, error_type = await asyncio.wrap_future(thread.submit(work))
        duration_ms = (time.perf_counter() - started) * 1000
        return Answer(payload=payload, error_type=error_type, duration_ms=duration_ms)

    def call(self, call: Call) -> Future[Any]:
        """Serve a handle call through a call event."""
        payload = None if call.waits else event.encode(call)
        thread, function = self._require_running()
        return thread.submit(self._call(function, call, payload))

    async def _call(self, function: Function, call: Call, payload: bytes | None) -> Any:
        if payload is None:
            payload = event.encode(await resolve(call))
        result, error_type = await self._serve(function, payload, str(uuid.uuid4()))
        if error_type is not None:
            raise function_error(call.deployment, result)
        return codec.loads(result)

    async def _serve(
        self,
        function: Function,
        payload: bytes,
        request_id: str,
    ) -> tuple[bytes, str | None]:
        invocation = protocol.Invocation(request_id=request_id, body=payload)
        context = LambdaContext(invocation, FunctionSettings(name=self.name))
        try:
            result = await function.invoke(json.loads(payload), context)
            return protocol.to_json(result), None
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises is the caller's
            failure = protocol.Failure.of(error)
            sys.stderr.write(f"{self.name}: {failure.text()}\n")
            return failure.body(), failure.error_type

    def _require_running(self) -> tuple[LoopThread, Function]:
        if self._running is None:
            raise ServeError(f"deployment {self.name!r} is not running.")
        return self._running


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningApplication:
    """An application that is being served, its functions by deployment name."""

    name: str
    route_prefix: str | None
    ingress: str
    functions: Mapping[str, InProcessFunction]

    @classmethod
    def of(cls, application: Application, name: str, prefix: str | None) -> "RunningApplication":
        """Prepare an application; its deployments, callees first, are not constructed yet."""
        graph = walk(application, name)
        functions = {
            node.name: InProcessFunction(node, name, prefix if node is graph.ingress else None)
            for node in graph.nodes
        }
        return cls(
            name=name,
            route_prefix=prefix,
            ingress=graph.ingress.name,
            functions=functions,
        )

    def start(self) -> None:
        """Construct every deployment. On a failure those that started are ended."""
        with contextlib.ExitStack() as started:
            for function in self.functions.values():
                function.start()
                started.callback(function.stop)
            started.pop_all()

    def stop(self) -> None:
        """End every deployment, callers first."""
        for function in reversed(list(self.functions.values())):
            function.stop()

    def route(self) -> HttpRoute | None:
        """Return where HTTP reaches the ingress, None where it does not."""
        if self.route_prefix is None:
            return None
        function = self.functions[self.ingress]
        return HttpRoute(prefix=self.route_prefix, name=function.name, function=function)


class InProcessServer:
    """The applications of this process, the HTTP server in front, and the handles' transport."""

    def __init__(self, options: HttpOptions) -> None:
        self._socket = bind(options.host, options.port, 'serve.start(http_options={"port": ...})')
        self.url = url_of(self._socket)
        self._applications: dict[str, RunningApplication] = {}
        self._thread = LoopThread("adapter-http")
        self._front = HttpFront(Log(lambda _line: None))
        self._listener = Listener({self._socket: self._front})
        self._thread.loop.call_soon_threadsafe(self._listener.start)

    def run(self, application: Application, name: str, route_prefix: str | None) -> str:
        """Serve an application, in place of one of the same name; returns its ingress' name."""
        self._refuse_taken(name, route_prefix)
        running = RunningApplication.of(application, name, route_prefix)
        if name in self._applications:
            replaced = self._applications.pop(name)
            self._show_routes()
            replaced.stop()
        # Constructors may call the deployments that were started before them, so it is known first.
        self._applications[name] = running
        try:
            running.start()
        except BaseException:
            del self._applications[name]
            raise
        self._show_routes()
        return running.ingress

    def stop(self) -> None:
        """End HTTP first, then every application, then what still waits for one."""
        self._thread.submit(self._listener.stop()).result()
        for application in self._applications.values():
            application.stop()
        self._thread.submit(self._front.close()).result()
        self._thread.stop()

    def send(self, call: Call) -> Future[Any]:
        """See `Transport`."""
        return self._function(call.deployment, call.application).call(call)

    def ingress(self, application: str) -> str:
        """See `Transport`."""
        return self._application(application).ingress

    def check(self, deployment: str, application: str) -> None:
        """See `Transport`."""
        self._function(deployment, application)

    def _application(self, name: str) -> RunningApplication:
        if name not in self._applications:
            raise ServeError(f"Application {name!r} does not exist.")
        return self._applications[name]

    def _function(self, deployment: str, application: str) -> InProcessFunction:
        functions = self._application(application).functions
        if deployment not in functions:
            raise KeyError(
                f"Deployment(name={deployment!r}, app={application!r}) does not exist.",
            )
        return functions[deployment]

    def _refuse_taken(self, name: str, route_prefix: str | None) -> None:
        for other in self._applications.values():
            if other.name != name and route_prefix and other.route_prefix == route_prefix:
                raise LocalError(
                    f"Prefix {route_prefix} is being used by application {other.name!r}. "
                    f"Failed to deploy application {name!r}.",
                )

    def _show_routes(self) -> None:
        routes = [application.route() for application in self._applications.values()]
        self._front.routes = [route for route in routes if route is not None]


_options = HttpOptions()
_server: InProcessServer | None = None


def configure(http_options: Mapping[str, Any]) -> None:
    """Set where the server will listen.

    Raises `LocalError` where it runs already or an option is unknown.
    """
    global _options  # noqa: PLW0603 - one server a process, as Ray Serve has one instance
    unknown = sorted(set(http_options) - _OPTIONS)
    if unknown:
        raise LocalError(f"http_options has no {unknown[0]!r}; known are {sorted(_OPTIONS)}.")
    if _server is not None:
        raise LocalError("serve.start must come before the first serve.run; call serve.shutdown().")
    _options = HttpOptions(**http_options)


def run(application: Application, name: str, route_prefix: str | None) -> DeploymentHandle:
    """Serve an application and return a handle to its ingress; see `serve.run`."""
    return DeploymentHandle(_running().run(application, name, route_prefix), name)


def url() -> str:
    """Return the address of the HTTP server. Raises `LocalError` where none runs."""
    if _server is None:
        raise LocalError("no application is being served; call serve.run first.")
    return _server.url


def wait() -> None:
    """Block until SIGINT or SIGTERM, then end everything; a second signal ends it at once."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    sys.stdout.write(f"Serving on {url()}. Press Ctrl-C to stop.\n")
    stop.wait()
    for number, handler in before.items():
        signal.signal(number, handler)
    shutdown()


def shutdown() -> None:
    """End the server and every application."""
    global _server
    if _server is not None:
        server, _server = _server, None
        try:
            server.stop()
        finally:
            transport.connect(None)


def _running() -> InProcessServer:
    global _server  # noqa: PLW0603 - see configure
    if _server is None:
        _server = InProcessServer(_options)
        transport.connect(_server)
        atexit.register(shutdown)
    return _server
