"""The deployments of an application, with the options that a config file gives them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapter.config.environment import merged
from adapter.config.file import ConfigFile
from adapter.config.marks import Place
from adapter.config.mistakes import Mistakes
from adapter.config.ranges import refusals
from adapter.config.schema import ApplicationConfig, DeploymentConfig
from adapter.errors import InvalidOption, did_you_mean
from adapter.plan.graph import Graph, Node


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a file says of one application, which stands at `place`."""

    file: ConfigFile
    place: Place
    application: ApplicationConfig
    mistakes: Mistakes

    def apply(self, graph: Graph) -> Graph:
        """Return the graph with other options; mistakes are noted, such as unknown deployments."""
        known = [node.name for node in graph.nodes]
        for number, config in enumerate(self.application.deployments):
            if config.name not in known:
                place = (*self.place, "deployments", number, "name")
                self._note(place, self._unknown(config.name, known))
        nodes = (self._changed(node, is_ingress=node is graph.ingress) for node in graph.nodes)
        return replace(graph, nodes=tuple(nodes))

    def _unknown(self, name: str, known: Iterable[str]) -> str:
        names = ", ".join(sorted(known))
        return (
            f"application {self.application.name!r} has no deployment {name!r}."
            f"{did_you_mean(name, known)} It has {names}."
        )

    def _note(self, place: Place, message: str) -> None:
        self.mistakes.add(self.file.marks.value(place), message)

    def _changed(self, node: Node, *, is_ingress: bool) -> Node:
        number, config = self._config(node.name)
        place = (*self.place, "deployments", number)
        options = self._options(node, config, place)
        if not options and not is_ingress:
            return node
        for inner, message in refusals(lambda some: node.deployment.options(**some), options):
            self._note((*place, *inner), message)
            return node
        deployment = node.deployment.options(**options)
        timeout_s = self.file.config.http_options.get("request_timeout_s")
        on_lambda = deployment.settings.lambda_options
        if is_ingress and timeout_s is not None and on_lambda.request_timeout_s is None:
            on_lambda = replace(on_lambda, request_timeout_s=timeout_s)
            deployment = deployment.options(lambda_options=on_lambda)
        return replace(node, deployment=deployment)

    def _config(self, name: str) -> tuple[int, DeploymentConfig | None]:
        for number, config in enumerate(self.application.deployments):
            if config.name == name:
                return number, config
        return -1, None

    def _options(
        self,
        node: Node,
        config: DeploymentConfig | None,
        place: Place,
    ) -> dict[str, Any]:
        options = {} if config is None else config.options
        scaling = node.deployment.settings.autoscaling_config
        if (
            options.get("num_replicas") == "auto"
            and scaling
            and "autoscaling_config" not in options
        ):
            del options["num_replicas"]  # as in Ray: the code says in which range
        logging = self.application.logging_config or self.file.config.logging_config
        if logging and (options.get("logging_config") or node.deployment.logging_config) is None:
            options["logging_config"] = logging
        resources = options.get("ray_actor_options", node.deployment.ray_actor_options) or {}
        environment = self._environment(resources.get("runtime_env") or {}, place)
        if environment:
            options["ray_actor_options"] = {**resources, "runtime_env": environment}
        return options

    def _environment(self, inner: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
        try:
            return merged(self.application.runtime_env, inner, self.file.path.parent)
        except InvalidOption as error:
            own = inner.get("pip")
            where = (*place, "ray_actor_options") if own else self.place
            self._note((*where, "runtime_env", "pip"), str(error))
            return {}
