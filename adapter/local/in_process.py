"""`serve.run`: applications in this process, one instance of each deployment.

Each deployment has an event loop in a thread of its own. HTTP requests and handle calls become the
same events, and their results the same bytes, as on Lambda; only the processes are missing, and so
any object may be a constructor argument.
"""

import atexit
import contextlib
import signal
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from adapter.errors import LocalError, ServeError
from adapter.local.http_front import HttpFront, HttpRoute
from adapter.local.in_process_function import InProcessFunction
from adapter.local.listener import Listener, bind, url_of
from adapter.local.log import Log
from adapter.loop_thread import LoopThread
from adapter.plan.graph import walk
from adapter.serve import transport
from adapter.serve.channel import Channel
from adapter.serve.deployments import Application
from adapter.serve.handles import DeploymentHandle
from adapter.serve.transport import Call

LATE_S = 1.0  # for requests that still wait for a function when all have ended
_OPTIONS = frozenset({"host", "port", "request_timeout_s"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Where the HTTP server of `serve.run` listens; port 0 picks a free port.

    A request that takes longer than `request_timeout_s` seconds is answered with 408.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    request_timeout_s: float | None = None

    def __post_init__(self) -> None:
        limit = self.request_timeout_s
        number = isinstance(limit, int | float) and not isinstance(limit, bool)
        if limit is not None and not (number and limit > 0):
            raise LocalError(f"request_timeout_s={limit!r} must be a number of seconds above 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningApplication:
    """An application that is being served, its functions by deployment name."""

    name: str
    route_prefix: str | None
    ingress: str
    functions: Mapping[str, InProcessFunction]

    @classmethod
    def of(
        cls,
        application: Application,
        name: str,
        prefix: str | None,
        options: HttpOptions,
    ) -> "RunningApplication":
        """Prepare an application; its deployments, callees first, are not constructed yet."""
        graph = walk(application, name)
        functions = {
            node.name: InProcessFunction(
                node,
                name,
                route_prefix=prefix if node is graph.ingress else None,
                request_timeout_s=options.request_timeout_s,
            )
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
        self._options = options
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
        running = RunningApplication.of(application, name, route_prefix, self._options)
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
        with contextlib.suppress(TimeoutError):  # a function that was left alone never answers
            self._thread.submit(self._front.close()).result(LATE_S)
        self._thread.stop()

    def send(self, call: Call) -> Future[Any]:
        """See `Transport`."""
        return self._function(call.deployment, call.application).send(call)

    def stream(self, call: Call, items: Channel[Any]) -> Future[None]:
        """See `Transport`."""
        return self._function(call.deployment, call.application).stream(call, items)

    async def settle(self) -> None:
        """See `Transport`. Every deployment has a loop of its own, which does not stand still."""

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

    Raises `LocalError` where it runs already, an option is unknown or its value wrong.
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
