"""The walk over a bound application: names for all deployments, handles for nested ones."""

import copy
import dataclasses
from dataclasses import dataclass, field
from typing import Any

from adapter.errors import PlanError
from adapter.serve.deployments import Application, Deployment
from adapter.serve.handles import DeploymentHandle
from adapter.serve.ingresses import ingress_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One deployment of an application, its nested applications replaced by handles.

    `name` is unique in the application; `calls` are the names of the deployments it holds.
    """

    name: str
    deployment: Deployment
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """An application as nodes, children before parents; the last one is the ingress."""

    application: str
    nodes: tuple[Node, ...]

    @property
    def ingress(self) -> Node:
        """The deployment that was passed to `serve.run` or named as TARGET."""
        return self.nodes[-1]


def walk(application: Application, name: str) -> Graph:
    """Name every deployment and replace every nested application by a handle.

    As in Ray Serve, children come first and a repeated name gets `_1`, `_2`; the same object bound
    twice is one deployment. Raises `PlanError` for a cycle and for a second FastAPI ingress.
    """
    walker = _Walk(name)
    walker.visit(application)
    ingresses = [node.name for node in walker.nodes if ingress_of(node.deployment.func_or_class)]
    if len(ingresses) > 1:
        raise PlanError(
            f'Found multiple FastAPI deployments in application "{name}": {", ".join(ingresses)}. '
            "Keep @serve.ingress on the one that HTTP reaches and call the others by handle.",
        )
    return Graph(application=name, nodes=tuple(walker.nodes))


@dataclass
class _Walk:
    application: str
    nodes: list[Node] = field(default_factory=list)
    _names: dict[int, str] = field(default_factory=dict)
    _kept: list[Application] = field(default_factory=list)
    _open: list[tuple[object, str]] = field(default_factory=list)

    def visit(self, application: Application) -> str:
        """Add an application's nodes and return the name of its deployment."""
        if id(application) in self._names:
            return self._names[id(application)]
        deployment = application.deployment
        self._enter(application, deployment.name)
        calls: list[str] = []
        args = tuple(self._replace(value, calls) for value in application.args)
        kwargs = {key: self._replace(value, calls) for key, value in application.kwargs.items()}
        self._open.pop()
        name = self._unique(deployment.name)
        self._names[id(application)] = name
        self._kept.append(application)  # keeps the id from being reused
        self.nodes.append(
            Node(
                name=name,
                deployment=deployment if name == deployment.name else deployment.options(name=name),
                args=args,
                kwargs=kwargs,
                calls=tuple(dict.fromkeys(calls)),
            ),
        )
        return name

    def _enter(self, value: object, label: str) -> None:
        if any(opened is value for opened, _ in self._open):
            names = (name for opened, name in self._open if isinstance(opened, Application))
            path = " → ".join([*names, label])
            raise PlanError(
                f"{label} is among its own constructor arguments ({path}). Break the cycle: let "
                "one of them ask for the other with serve.get_deployment_handle(...) when it "
                "is used.",
            )
        self._open.append((value, label))

    def _replace(self, value: Any, calls: list[str]) -> Any:
        if isinstance(value, Application):
            name = self.visit(value)
            calls.append(name)
            return DeploymentHandle(name, self.application)
        if isinstance(value, DeploymentHandle):
            if value.app_name == self.application:
                calls.append(value.deployment_name)
            return value
        if isinstance(value, (dict, list, tuple)) or _is_dataclass(value):
            self._enter(value, self._open[-1][1])
            replaced = self._replace_inside(value, calls)
            self._open.pop()
            return replaced
        return value

    def _replace_inside(self, value: Any, calls: list[str]) -> Any:
        if isinstance(value, tuple):
            items = [self._replace(item, calls) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        changed = copy.copy(value)  # keeps the type where it is a dict or list of the user's own
        if isinstance(value, (dict, list)):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                changed[key] = self._replace(item, calls)
            return changed
        for known in dataclasses.fields(value):
            item = self._replace(getattr(value, known.name), calls)
            object.__setattr__(changed, known.name, item)
        return changed

    def _unique(self, name: str) -> str:
        taken = {node.name for node in self.nodes}
        if name not in taken:
            return name
        number = 1
        while f"{name}_{number}" in taken:
            number += 1
        return f"{name}_{number}"


def _is_dataclass(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)
