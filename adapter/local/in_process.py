"""`serve.run`: applications in this process, one instance of each deployment.

Each deployment has an event loop in a thread of its own. HTTP requests and handle calls become the
same events, and their results the same bytes, as on Lambda; only the processes are missing, and so
any object may be a constructor argument.
"""

import atexit
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from adapter.errors import DeployFailed, DeploymentUnavailableError, LocalError, ServeError
from adapter.local.http_api import HttpRoute
from adapter.local.in_process_application import InProcessApplication
from adapter.local.in_process_function import InProcessFunction
from adapter.local.metrics import Metrics
from adapter.serve import transport
from adapter.serve.channel import Channel
from adapter.serve.handles import DeploymentHandle
from adapter.serve.http_options import HTTPOptions, ProxyLocation
from adapter.serve.metrics import connect as connect_metrics
from adapter.serve.replica import DeploymentID
from adapter.serve.running import RunTarget
from adapter.serve.statuses import ApplicationStatus, ProxyStatus, ServeStatus
from adapter.serve.transport import Call
from adapter.settings import warn_of_unknown

if TYPE_CHECKING:
    from adapter.local.in_process_http import InProcessHttp

logger = logging.getLogger("adapter.serve")


_HOLD_A_PREFIX = (ApplicationStatus.DEPLOYING, ApplicationStatus.RUNNING)


class InProcessServer:
    """The applications of this process, the HTTP server in front, and the handles' transport.

    The HTTP server begins with the first application that HTTP reaches.
    """

    def __init__(self, options: HTTPOptions) -> None:
        self.options = options
        self.http: InProcessHttp | None = None
        self.applications: dict[str, InProcessApplication] = {}
        self._metrics = Metrics()
        connect_metrics(self._metrics.add)

    def run(
        self,
        targets: Sequence[RunTarget],
        *,
        local_testing: bool = False,
    ) -> dict[InProcessApplication, Exception | None]:
        """Serve applications, in place of those of the same names.

        Returns them, each with what its code raised when it started. Nothing is touched where one
        cannot even begin: a taken prefix or port raises.
        """
        over_http = self.options.location is not ProxyLocation.Disabled and not local_testing
        new = {
            target.name: InProcessApplication(
                target,
                self.options,
                over_http=over_http,
                local_testing=local_testing,
            )
            for target in targets
        }
        stay = [found for name, found in self.applications.items() if name not in new]
        _refuse_shared_prefixes([*stay, *new.values()])
        if over_http:
            self._listen()
        return {application: self._replace(application) for application in new.values()}

    def _replace(self, application: InProcessApplication) -> Exception | None:
        self.delete(application.name)
        # Constructors may call the deployments that were started before them, so it is known first.
        self.applications[application.name] = application
        try:
            application.start()
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises
            return error
        except BaseException:
            del self.applications[application.name]
            raise
        self._show_routes()
        return None

    def delete(self, name: str) -> None:
        """End an application, where there is one of that name."""
        if (application := self.applications.get(name)) is None:
            return
        application.status = ApplicationStatus.DELETING
        self._show_routes()
        application.stop()  # what it still does may call its own deployments
        if self.applications.get(name) is application:
            del self.applications[name]

    def stop(self) -> None:
        """End HTTP first, then every application, then what still waits for one."""
        if self.http is not None:
            self.http.stop()
        for name in list(self.applications):
            self.delete(name)
        if self.http is not None:
            self.http.close()
        connect_metrics(None)

    def status(self) -> ServeStatus:
        """Tell how everything fares."""
        return ServeStatus(
            {} if self.http is None else {self.http.url: ProxyStatus.HEALTHY},
            {name: found.overview() for name, found in list(self.applications.items())},
        )

    def send(self, call: Call) -> Future[Any]:
        """See `Transport`. Raises `DeploymentUnavailableError` where its application failed."""
        return self._callee(call).send(call)

    def stream(self, call: Call, items: Channel[Any]) -> Future[None]:
        """See `Transport`. Raises `DeploymentUnavailableError` where its application failed."""
        return self._callee(call).stream(call, items)

    async def settle(self) -> None:
        """See `Transport`. Every deployment has a loop of its own, which does not stand still."""

    def ingress(self, application: str) -> str:
        """See `Transport`."""
        return self._application(application).ingress

    def check(self, deployment: str, application: str) -> None:
        """See `Transport`."""
        found = self.applications.get(application)
        if found is None or deployment not in found.functions:
            raise KeyError(f"{DeploymentID(deployment, application)} does not exist.")

    def _application(self, name: str) -> InProcessApplication:
        if name not in self.applications:
            raise ServeError(f"Application {name!r} does not exist.")
        return self.applications[name]

    def _callee(self, call: Call) -> InProcessFunction:
        application = self._application(call.application)
        self.check(call.deployment, call.application)
        if application.status is ApplicationStatus.DEPLOY_FAILED:
            raise DeploymentUnavailableError(DeploymentID(call.deployment, call.application))
        return application.functions[call.deployment]

    def _listen(self) -> None:
        if self.http is None:
            from adapter.local.in_process_http import InProcessHttp  # noqa: PLC0415 - HTTP only

            self.http = InProcessHttp(self.options, self._metrics)

    def _show_routes(self) -> None:
        if self.http is not None:
            routes = [application.route() for application in list(self.applications.values())]
            self.http.routes = [route for route in routes if route is not None]


def _refuse_shared_prefixes(applications: Sequence[InProcessApplication]) -> None:
    taken: dict[str, str] = {}
    for application in applications:
        prefix = application.route_prefix
        if prefix is None or application.status not in _HOLD_A_PREFIX:
            continue
        if prefix in taken:
            raise ServeError(
                f'Prefix {prefix} is being used by application "{taken[prefix]}". '
                f'Failed to deploy application "{application.name}".',
            )
        taken[prefix] = application.name


_options = HTTPOptions()
_server: InProcessServer | None = None


def configure(options: HTTPOptions) -> None:
    """Set how the HTTP server will listen. One that runs goes on as it is, with a warning."""
    global _options  # noqa: PLW0603 - one server a process, as Ray Serve has one instance
    if _server is None or _server.http is None:
        _options = options
        if _server is not None:
            _server.options = options
        return
    names = [field.name for field in fields(options)]
    other = [name for name in names if getattr(options, name) != getattr(_server.options, name)]
    if other and options != HTTPOptions():
        logger.warning(
            "the HTTP server runs already, so serve.start does not change %s; call "
            "serve.shutdown() first.",
            ", ".join(other),
        )


def run(targets: Sequence[RunTarget], *, local_testing: bool) -> list[DeploymentHandle[Any]]:
    """Serve applications and return handles to their ingresses; see `serve.run_many`."""
    warn_of_unknown(os.environ)
    server = _running()
    try:
        applications = server.run(targets, local_testing=local_testing)
    except BaseException:
        if not server.applications:
            _end()
        raise
    for application, error in applications.items():
        if error is not None and local_testing:
            raise error
        if error is not None:
            text = f"Deploying application {application.name} failed: {application.message}"
            raise DeployFailed(text) from error
    return [DeploymentHandle(found.ingress, found.name) for found in applications]


@contextlib.contextmanager
def tested(target: RunTarget) -> Iterator[tuple[HttpRoute, HTTPOptions]]:
    """Serve an application meanwhile, without HTTP; gives the route that HTTP would have to it.

    Raises as `run` does in local testing.
    """
    run([target], local_testing=True)
    server = _running()
    function = server.applications[target.name].functions[server.ingress(target.name)]
    route = HttpRoute(prefix=str(target.route_prefix), name=function.name, function=function)
    try:
        yield route, server.options
    finally:
        server.delete(target.name)
        if not server.applications and server.http is None:
            _end()


def delete(name: str, *, blocking: bool) -> None:
    """End an application; see `serve.delete`."""
    if _server is None:
        return
    if blocking:
        _server.delete(name)
    else:
        threading.Thread(target=_server.delete, args=(name,), daemon=True).start()


def status() -> ServeStatus:
    """Tell how the applications fare; see `serve.status`."""
    return ServeStatus() if _server is None else _server.status()


def url() -> str:
    """Return the address of the HTTP server. Raises `LocalError` where none runs."""
    if _server is None or _server.http is None:
        raise LocalError("no application is being served over HTTP; call serve.run first.")
    return _server.http.url


def wait() -> None:
    """Block until SIGINT or SIGTERM, then end everything; a second signal ends it at once."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    over_http = _server is not None and _server.http is not None
    where = f"on {url()}" if over_http else "handles only, no HTTP"
    sys.stdout.write(f"Serving {where}. Press Ctrl-C to stop.\n")
    stop.wait()
    for number, handler in before.items():
        signal.signal(number, handler)
    shutdown()


def shutdown() -> None:
    """End the server and every application, and forget what `serve.start` was told."""
    global _options  # noqa: PLW0603 - see configure
    _end()
    _options = HTTPOptions()


def _end() -> None:
    global _server
    if _server is not None:
        server, _server = _server, None
        atexit.unregister(shutdown)
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
