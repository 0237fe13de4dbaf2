"""An application in this process: its deployments, and how they fare."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from adapter.local import process_logs
from adapter.local.http_api import HttpRoute
from adapter.local.in_process_function import InProcessFunction
from adapter.local.secrets import set_secrets
from adapter.plan.graph import Graph, Node, walk
from adapter.plan.payloads import large_payloads
from adapter.plan.sharing import Group, groups, with_joined_options
from adapter.runtime.protocol import Failure
from adapter.serve.deployments import Deployment
from adapter.serve.http_options import HTTPOptions
from adapter.serve.running import RunTarget
from adapter.serve.statuses import (
    ApplicationStatus,
    ApplicationStatusOverview,
    DeploymentStatus,
    DeploymentStatusOverview,
    DeploymentStatusTrigger,
    ReplicaState,
)

logger = logging.getLogger("adapter.serve")

_WAITING = DeploymentStatusOverview(
    DeploymentStatus.UPDATING,
    DeploymentStatusTrigger.CONFIG_UPDATE_STARTED,
    {ReplicaState.STARTING: 1},
)
_ENDING = DeploymentStatusOverview(
    DeploymentStatus.UPDATING,
    DeploymentStatusTrigger.DELETING,
    {ReplicaState.STOPPING: 1},
)
_RUNNING = DeploymentStatusOverview.running()
_ENDED = DeploymentStatusOverview(
    DeploymentStatus.UPDATING,
    DeploymentStatusTrigger.CONFIG_UPDATE_STARTED,
    message="ended, because another deployment of the application failed",
)


class InProcessApplication:
    """An application that is being served, its functions by deployment name, callees first.

    Deployments that share a function have the same one.

    Where `over_http`, HTTP reaches the ingress at `route_prefix`, unless that is None. With
    `local_testing` its functions tell a `Watch` what becomes of a request.
    """

    def __init__(
        self,
        target: RunTarget,
        options: HTTPOptions,
        *,
        over_http: bool,
        local_testing: bool = False,
    ) -> None:
        graph = with_joined_options(walk(target.target, target.name))
        nodes = tuple(_logging_as(target.logging_config, node) for node in graph.nodes)
        graph = replace(graph, nodes=nodes)
        self._graph = graph
        self.name = target.name
        self.ingress = graph.ingress.name
        self.route_prefix = target.route_prefix if over_http else None
        self.functions = _functions(graph, target, options, watched=local_testing)
        self._logging = graph.ingress.deployment.logging_config
        self.status = ApplicationStatus.DEPLOYING
        self._stopping = threading.Lock()
        self.message = ""
        self._began = time.time()
        self._deployments = dict.fromkeys(self.functions, _WAITING)

    def start(self) -> None:
        """Construct every deployment. On a failure those that started are ended.

        Raises what the user's code raises.
        """
        if self._logging is not None:
            process_logs.configure(self._logging)
        with self._told(tuple(self.functions)):
            set_secrets(self._graph)
        self._deployments = dict.fromkeys(self.functions, _WAITING)
        with contextlib.ExitStack() as started:
            for function in dict.fromkeys(self.functions.values()):
                with self._told(function.deployments):
                    function.start()
                started.callback(function.stop)
            started.pop_all()
        self.status = ApplicationStatus.RUNNING

    @contextlib.contextmanager
    def _told(self, names: tuple[str, ...]) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.status = ApplicationStatus.DEPLOY_FAILED
            failure = Failure.of(error)
            why = f"{failure.error_type}: {failure.message}"
            self.message = f"Failed to update the deployments {list(names)}. {why}"
            self._deployments = dict.fromkeys(self.functions, _ENDED)
            self._deployments |= dict.fromkeys(names, _failed(failure))
            raise
        self._deployments |= dict.fromkeys(names, _RUNNING)

    def stop(self) -> None:
        """End every deployment that runs, callers first."""
        self.status = ApplicationStatus.DELETING
        with self._stopping:  # two threads may ask for it
            self._deployments = dict.fromkeys(self.functions, _ENDING)
            for function in reversed(list(self.functions.values())):
                if function.running:
                    function.stop()

    def route(self) -> HttpRoute | None:
        """Return where HTTP reaches the ingress, None where it does not."""
        if self.route_prefix is None or self.status is not ApplicationStatus.RUNNING:
            return None
        function = self.functions[self.ingress]
        return HttpRoute(
            prefix=self.route_prefix,
            name=function.name,
            function=function,
            application=self.name,
        )

    def overview(self) -> ApplicationStatusOverview:
        """Tell how the application and its deployments fare."""
        return ApplicationStatusOverview(
            self.status,
            self.message,
            self._began,
            dict(self._deployments),
        )


def _functions(
    graph: Graph,
    target: RunTarget,
    options: HTTPOptions,
    *,
    watched: bool,
) -> Mapping[str, InProcessFunction]:
    for node in graph.nodes:
        _warn_of_options(node)
    base_path = options.root_path.rstrip("/") + (target.route_prefix or "/")
    functions: dict[str, InProcessFunction] = {}
    for group in _callees_first(graph):
        function = InProcessFunction(
            group,
            target.name,
            route_prefix=base_path if group.main is graph.ingress else None,
            request_timeout_s=options.request_timeout_s,
            watched=watched,
            large_payloads=large_payloads(graph),
        )
        functions |= dict.fromkeys(function.deployments, function)
    return functions


def _callees_first(graph: Graph) -> list[Group]:
    """Order functions by the last of their deployments, which may get handles to others."""
    order = [node.name for node in graph.nodes]
    return sorted(groups(graph), key=lambda group: order.index(group.nodes[-1].name))


def _warn_of_options(node: Node) -> None:
    options = node.deployment.ray_actor_options
    if options.get("num_gpus"):
        logger.warning("%s: num_gpus is not looked at here; there are none on Lambda.", node.name)
    if options.get("runtime_env"):
        logger.warning("%s: runtime_env is not applied by serve.run.", node.name)


def _logging_as(config: Any, node: Node) -> Node:
    """Let a deployment without a logging_config of its own have the application's."""
    deployment: Deployment[Any] = node.deployment
    if config is None or deployment.logging_config is not None:
        return node
    return replace(node, deployment=deployment.options(logging_config=config))


def _failed(failure: Failure) -> DeploymentStatusOverview:
    return DeploymentStatusOverview(
        DeploymentStatus.DEPLOY_FAILED,
        DeploymentStatusTrigger.REPLICA_STARTUP_FAILED,
        message=f"The deployment failed to start. {failure.text()}",
    )
