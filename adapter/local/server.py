"""The local Lambda as a whole: writes the plan's functions down, runs them, serves both ports."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from adapter.errors import LocalError
from adapter.http.detect import Source
from adapter.local import metrics
from adapter.local.endpoints import Endpoints
from adapter.local.environment import Launch
from adapter.local.events import RETRY_DELAYS_S, EventQueue
from adapter.local.function import Capacity, LocalFunction
from adapter.local.function_url import UrlIntegration
from adapter.local.http_front import HttpFront, HttpRoute
from adapter.local.lambda_api import LambdaApi
from adapter.local.listener import Listener, bind, url_of
from adapter.local.log import Log
from adapter.local.payload_bucket import PayloadBucket, payload_variables
from adapter.local.variables import function_variables
from adapter.plan.values import ApiPlan, ApplicationPlan, FunctionPlan
from adapter.serve.http_options import HTTPOptions

_STREAMS = "ADAPTER_STREAMS"  # the fronts that a function may stream to, see `adapter.http`
_ROUTE_PREFIX = "ADAPTER_ROUTE_PREFIX"
INIT_LIMIT_S = 10.0  # Lambda's, for an init on demand
RUNTIME = (sys.executable, "-m", "adapter.runtime")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where and how to serve. Ports may be 0 for a free one; times are seconds.

    HTTP listens on `host`, Lambda's API, which admits anybody, on `lambda_host`.
    `app_dir` is the folder that functions import the user's code from. `command` starts a
    function's runtime; its working directory holds the entry point. Where `as_deployed`, an HTTP
    API buffers what functions stream, as on AWS. `root_path` is the prefix that a proxy in front
    takes away; an idle connection is closed after `keep_alive_timeout_s`.
    """

    app_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    lambda_host: str = "127.0.0.1"
    lambda_port: int = 3001
    command: Sequence[str] = RUNTIME
    capacity: Capacity = field(default_factory=Capacity)
    retry_delays_s: Sequence[float] = RETRY_DELAYS_S
    init_limit_s: float = INIT_LIMIT_S
    as_deployed: bool = False
    root_path: str = ""
    keep_alive_timeout_s: float = HTTPOptions().keep_alive_timeout_s


class LocalServer:
    """Serves applications between the two ends of `async with`.

    Raises `LocalError` where a port is in use, or where two applications share a route prefix or
    a function name.
    """

    def __init__(
        self,
        plans: Sequence[ApplicationPlan],
        settings: ServerSettings,
        log: Log,
    ) -> None:
        check_distinct(plans)
        self.plans = tuple(plans)
        self.http_url = ""
        self.lambda_url = ""
        self._settings = settings
        self._log = log
        self._functions: dict[str, LocalFunction] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._events = EventQueue(log, retry_delays_s=settings.retry_delays_s)
        self._front = HttpFront(
            log,
            as_deployed=settings.as_deployed,
            root_path=settings.root_path,
        )
        self._lambda_api = LambdaApi(log, self._events)
        self.metrics = metrics.Metrics()
        self._exits = contextlib.AsyncExitStack()
        self._folder = Path()
        self._version = 0

    async def __aenter__(self) -> Self:
        """Open the ports and start the environments that are kept warm."""
        async with contextlib.AsyncExitStack() as exits:
            folder = tempfile.TemporaryDirectory(prefix="adapter-", ignore_cleanup_errors=True)
            self._folder = Path(exits.enter_context(folder))
            self._open_ports(exits)
            exits.push_async_callback(self._end_functions)
            self.replace(self.plans)
            self._exits = exits.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End every function and close the ports, within two seconds."""
        await self._exits.aclose()

    @property
    def functions(self) -> Mapping[str, LocalFunction]:
        """The functions served, by name."""
        return self._functions

    def replace(self, plans: Sequence[ApplicationPlan]) -> None:
        """Serve other plans from now on, such as the same ones after a change on disk.

        Raises `LocalError` as the constructor does; then everything stays as it is.
        """
        check_distinct(plans)
        self.plans = tuple(plans)
        self._version += 1
        planned = {function.name: function for plan in plans for function in plan.functions}
        for name in self._functions.keys() - planned.keys():
            self._end_later(self._functions.pop(name))
        for function in planned.values():
            self._serve(function, planned)
        self._log.name_width = max((len(name) for name in planned), default=0)
        self._lambda_api.functions = dict(self._functions)
        self._front.routes = [
            HttpRoute(
                prefix=plan.route_prefix,
                name=function.name,
                function=self._functions[function.name],
                application=plan.name,
                stages=_stages(plan),
                api=plan.api or ApiPlan(),
            )
            for plan in plans
            for function in plan.functions
            if function.is_ingress and plan.route_prefix is not None
        ]
        self._front.urls = {
            name: UrlIntegration(
                name=name,
                function=self._functions[name],
                streams=function.url.streams,
                cors=function.url.cors,
            )
            for name, function in planned.items()
            if function.url is not None
        }

    def _open_ports(self, exits: contextlib.AsyncExitStack) -> None:
        settings = self._settings
        http = exits.enter_context(bind(settings.host, settings.port, "--port"))
        lambda_ = exits.enter_context(
            bind(settings.lambda_host, settings.lambda_port, "--lambda-port"),
        )
        self.http_url, self.lambda_url = url_of(http), url_of(lambda_)
        front = Endpoints(self._front, self.metrics)
        listener = Listener(
            {http: front, lambda_: PayloadBucket(self._lambda_api, self._folder / "payloads")},
            timeout_keep_alive=settings.keep_alive_timeout_s,
        )
        exits.push_async_callback(listener.stop)
        listener.start()

    def _serve(self, plan: FunctionPlan, planned: Mapping[str, FunctionPlan]) -> None:
        launch = self._launch(plan, planned)
        if plan.name in self._functions:
            self._functions[plan.name].replace(plan, launch)
            return
        function = LocalFunction(
            plan,
            launch,
            log=self._log,
            capacity=self._settings.capacity,
        )
        self._functions[plan.name] = function
        function.start()

    def _launch(self, plan: FunctionPlan, planned: Mapping[str, FunctionPlan]) -> Launch:
        # A folder for each version: environments of the last one may still read theirs.
        task_root = self._folder / str(self._version) / "functions" / plan.folder
        task_root.mkdir(parents=True)
        (task_root / f"{plan.module}.py").write_text(plan.entry_point, encoding="utf-8")
        aliases = {name: planned[name].alias for name in plan.calls if name in planned}
        variables = function_variables(
            plan,
            task_root=task_root,
            app_dir=self._settings.app_dir,
            lambda_url=self.lambda_url,
            aliases=aliases,
        )
        return Launch(
            name=plan.name,
            command=self._settings.command,
            variables={
                **variables,
                **self._base_path(plan),
                **self._streams(plan),
                **payload_variables(plan, self.lambda_url),
                **metrics.VARIABLES,
            },
            task_root=task_root,
            timeout_s=plan.timeout_s,
            init_limit_s=self._settings.init_limit_s + plan.timeout_s,
            take_metrics=self.metrics.take,
        )

    def _base_path(self, plan: FunctionPlan) -> dict[str, str]:
        """Put the path of the proxy in front before the prefix that an ingress expects."""
        root_path = self._settings.root_path.rstrip("/")
        if not root_path or not plan.is_ingress:
            return {}
        return {_ROUTE_PREFIX: root_path + plan.environment.get(_ROUTE_PREFIX, "")}

    def _streams(self, plan: FunctionPlan) -> dict[str, str]:
        """Let HTTP stream on this machine. AWS's own client, without our wrapper, cannot stream."""
        deployed = plan.environment.get(_STREAMS, "")
        rest = Source.REST.value in deployed.split(",")  # requests come as an HTTP API's
        if not plan.exec_wrapper or (self._settings.as_deployed and not rest):
            return {}
        return {_STREAMS: ",".join(filter(None, (deployed, Source.HTTP_API.value)))}

    def _end_later(self, function: LocalFunction) -> None:
        task = asyncio.get_running_loop().create_task(function.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end_functions(self) -> None:
        await self._events.close()
        ending = [function.close() for function in self._functions.values()]
        await asyncio.gather(*ending, *self._ending)
        await self._front.close()


def _stages(plan: ApplicationPlan) -> dict[str, str]:
    """Return what tells functions the path of a WebSocket; one with parameters they are told."""
    routes = () if plan.socket_api is None else plan.socket_api.routes
    return {route.path: route.stage for route in routes if "{" not in route.path}


def check_distinct(plans: Sequence[ApplicationPlan]) -> None:
    """Raise `LocalError` where two applications share a route prefix or a function name."""
    seen: dict[str, str] = {}
    for plan in plans:
        taken = [f"function {function.name!r}" for function in plan.functions]
        if plan.route_prefix is not None:
            taken.append(f"route prefix {plan.route_prefix!r}")
        for what in taken:
            if what in seen:
                raise LocalError(
                    f"applications {seen[what]!r} and {plan.name!r} share the {what}; "
                    "give each its own.",
                )
            seen[what] = plan.name
