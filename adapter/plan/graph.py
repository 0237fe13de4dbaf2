"""The walk over a bound application: names for all deployments, handles for nested ones."""

import copy
import inspect
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from adapter.errors import InvalidOption, PlanError, SeveralIngresses
from adapter.plan.dags import Graphs, is_node
from adapter.serve.deployments import Application, Deployment
from adapter.serve.handles import DeploymentHandle
from adapter.serve.ingresses import ingress_of
from adapter.serve.nodes import InputAttributeNode, InputNode, MethodNode, UnboundMethodNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One deployment of an application, its nested applications replaced by handles.

    `name` is unique in the application; `calls` are the names of the deployments it holds.
    """

    name: str
    deployment: Deployment[Any]
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


def walk(application: Application[Any], name: str) -> Graph:
    """Name every deployment and replace every nested application by a handle.

    As in Ray Serve, children come first and a repeated name gets `_1`, `_2`; the same object bound
    twice is one deployment. Applications are found anywhere inside of arguments: in lists, dicts,
    and attributes of objects, of which the constructor then gets a copy.

    Raises `PlanError` for a cycle, `SeveralIngresses` where there are, `InvalidOption` for a
    function with constructor arguments.
    """
    walker = _Walk(name)
    walker.visit(application)
    ingresses = [node.name for node in walker.nodes if ingress_of(node.deployment.func_or_class)]
    if len(ingresses) > 1:
        raise SeveralIngresses(
            f'Found multiple FastAPI deployments in application "{name}": {", ".join(ingresses)}. '
            "Keep @serve.ingress on the one that HTTP reaches and call the others by handle.",
        )
    return Graph(application=name, nodes=tuple(walker.nodes))


@dataclass
class _Walk:
    application: str
    nodes: list[Node] = field(default_factory=list)
    graphs: Graphs = field(default_factory=Graphs)
    _names: dict[int, str] = field(default_factory=dict)
    _kept: list[Application[Any]] = field(default_factory=list)
    _open: list[Application[Any]] = field(default_factory=list)

    def visit(self, application: Application[Any]) -> str:
        """Add an application's nodes and return the name of its deployment."""
        if id(application) in self._names:
            return self._names[id(application)]
        deployment = application.deployment
        _refuse_arguments_of_function(application)
        self._enter(application)
        arguments = _Arguments(self, deployment.name)
        args = tuple(arguments.replaced(value) for value in application.args)
        kwargs = {key: arguments.replaced(value) for key, value in application.kwargs.items()}
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
                calls=tuple(dict.fromkeys(arguments.calls)),
            ),
        )
        return name

    def _enter(self, application: Application[Any]) -> None:
        if any(opened is application for opened in self._open):
            label = application.deployment.name
            path = " → ".join([*(opened.deployment.name for opened in self._open), label])
            raise PlanError(
                f"{label} is among its own constructor arguments ({path}). Break the cycle: let "
                "one of them ask for the other with serve.get_deployment_handle(...) when it "
                "is used.",
            )
        self._open.append(application)

    def _unique(self, name: str) -> str:
        taken = {node.name for node in self.nodes}
        if name not in taken:
            return name
        number = 1
        while f"{name}_{number}" in taken:
            number += 1
        return f"{name}_{number}"


def _refuse_arguments_of_function(application: Application[Any]) -> None:
    deployment = application.deployment
    if inspect.isclass(deployment.func_or_class) or not (application.args or application.kwargs):
        return
    raise InvalidOption(
        f"deployment {deployment.name}: init_args not supported for function deployments. Make it "
        f"a class, or write {deployment.name}.bind() and pass the arguments when it is called.",
    )


@dataclass
class _Arguments:
    """The constructor arguments of one deployment; `calls` are those it gets handles to."""

    walk: _Walk
    deployment: str
    calls: list[str] = field(default_factory=list)
    _copies: dict[int, Any] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)

    def replaced(self, value: Any) -> Any:
        """Return a value with handles in place of applications, the value itself without any."""
        if is_node(value):
            return self.walk.graphs.handle(value, self.deployment, self.replaced)
        if isinstance(value, Application):
            name = self.walk.visit(value)
            self.calls.append(name)
            return DeploymentHandle(name, self.walk.application)
        if isinstance(value, DeploymentHandle):
            if value.app_name == self.walk.application:
                self.calls.append(value.deployment_name)
            return value
        if not _holds(value):
            return value
        if id(value) not in self._copies:
            self._kept.append(value)  # keeps the id from being reused
            self._copies[id(value)] = None
            self._copies[id(value)] = self._copied(value)
        return self._copies[id(value)]

    def _copied(self, value: Any) -> Any:
        kind = type(value)
        if issubclass(kind, tuple):
            items = [self.replaced(item) for item in value]
            return kind(*items) if hasattr(value, "_fields") else kind(items)
        if issubclass(kind, (set, frozenset)):
            return kind([self.replaced(item) for item in value])
        changed = self._copies[id(value)] = self._shallow(value)
        if issubclass(kind, (dict, list)):
            for key, item in value.items() if issubclass(kind, dict) else enumerate(value):
                changed[key] = self.replaced(item)
        for name, item in _attributes(value).items():
            object.__setattr__(changed, name, self.replaced(item))
        return changed

    def _shallow(self, value: Any) -> Any:
        try:
            return copy.copy(value)
        except Exception as error:
            raise PlanError(
                f"{self.deployment}: a constructor argument of {type(value).__qualname__} holds a "
                f"bound deployment and cannot be copied ({error}). Pass the deployment as an "
                "argument of its own.",
            ) from error


_NODES = (InputAttributeNode, InputNode, MethodNode, UnboundMethodNode)
_BOUND = (Application, DeploymentHandle, *_NODES)
_PLAIN = frozenset({bool, bytes, float, int, str, type(None)})
_DEFINITIONS = (type, ModuleType, type(walk))  # what a program consists of: functions, too


def _holds(value: Any) -> bool:
    """Whether a bound deployment, a handle or a graph of them is anywhere inside.

    The types are asked, not the values: to ask a proxy may be the same as to use it.
    """
    waiting, seen = [value], dict[int, Any]()
    while waiting:
        found = waiting.pop()
        kind = type(found)
        if kind in _PLAIN or id(found) in seen:
            continue
        if issubclass(kind, _BOUND):
            return True
        seen[id(found)] = found
        waiting += _parts(found)
    return False


def _parts(value: Any) -> Iterable[Any]:
    kind = type(value)
    if issubclass(kind, _DEFINITIONS):
        return ()
    items: Iterable[Any] = ()
    if issubclass(kind, dict):
        items = value.values()
    elif issubclass(kind, (list, tuple, set, frozenset)):
        items = value
    return itertools.chain(items, _attributes(value).values())


def _attributes(value: Any) -> Mapping[str, Any]:
    """Return an object's own attributes, those in slots too, as pickling would find them."""
    try:
        state = object.__getstate__(value)
    except Exception:  # noqa: BLE001 - an object may refuse in any way, and then holds nothing
        return {}
    states = state if isinstance(state, tuple) else (state,)
    return {name: item for found in states if found for name, item in found.items()}
