"""From the nodes of a deployment graph, as a program binds them, to a `GraphHandle`."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from adapter.dag import GraphHandle, Input, InputAttribute, InputItem, Output, Step
from adapter.errors import PlanError
from adapter.serve.deployments import Application
from adapter.serve.handles import DeploymentHandle
from adapter.serve.nodes import InputAttributeNode, InputNode, MethodNode, UnboundMethodNode


def is_node(value: Any) -> bool:
    """Whether a constructor argument is a graph, or only a part of one."""
    if isinstance(value, Application):
        return _is_call(value) and bool(value.args or value.kwargs)
    return isinstance(value, (MethodNode, UnboundMethodNode, InputNode, InputAttributeNode))


def _is_call(value: Any) -> bool:
    """Whether it is called by a graph: a method, or a function, with its arguments."""
    if isinstance(value, Application):
        return not inspect.isclass(value.deployment.func_or_class)
    return isinstance(value, MethodNode)


class Graphs:
    """Makes handles of the graphs of one application."""

    def __init__(self) -> None:
        self._functions: dict[int, tuple[Application[Any], Application[Any]]] = {}
        self._building: list[Callable[[Any], Any]] = []

    def handle(self, node: Any, label: str, replace: Callable[[Any], Any]) -> GraphHandle:
        """Lay out a graph among the constructor arguments of the deployment `label`.

        `replace` is what becomes of any other argument there: of an application, its handle.
        Raises `PlanError` for a part of a graph that is no call, for two inputs, and for a call
        inside of an object.
        """
        if replace in self._building:
            raise PlanError(f"{label}: {node!r} is in an object; {_WHERE}")
        if not _is_call(node):
            raise PlanError(f"{label}: {_no_call(node)}")
        self._building.append(replace)
        builder = _Builder(self, label, replace)
        builder.add(node)
        self._building.pop()
        return GraphHandle(*builder.steps)

    def callee(self, node: Any) -> Application[Any]:
        """Return what a call calls: the bound class, or the function without its arguments.

        A function that is called in several graphs is one deployment.
        """
        if isinstance(node, MethodNode):
            return node.application
        _, function = self._functions.setdefault(id(node), (node, node.deployment.bind()))
        return function  # the node is kept with it, so that its id is not reused


_WHERE = "in the arguments of a graph's call, another one may be in lists, tuples and dicts only."


def _no_call(node: Any) -> str:
    if isinstance(node, UnboundMethodNode):
        return f"{node!r} is not called; write .bind(...) behind it."
    return (
        "InputNode stands for what a request brings, so it cannot be a constructor argument; bind "
        "it to a method, Model.bind().predict.bind(request), or to a function."
    )


@dataclass
class _Builder:
    graphs: Graphs
    label: str
    replace: Callable[[Any], Any]
    steps: list[Step] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)
    _input: InputNode | None = None

    def add(self, node: Any) -> Output:
        """Add the step of a call behind those whose outputs it takes."""
        if id(node) not in self._numbers:
            args = [self._argument(value) for value in node.args]
            kwargs = {name: self._argument(value) for name, value in node.kwargs.items()}
            handle: DeploymentHandle = self.replace(self.graphs.callee(node))
            if isinstance(node, MethodNode):
                handle = handle.options(method_name=node.method)
            self._numbers[id(node)] = len(self.steps)
            self.steps.append(Step(handle, *args, **kwargs))
        return Output(self._numbers[id(node)])

    def _argument(self, value: Any) -> Any:
        if _is_call(value):
            return self.add(value)
        if isinstance(value, UnboundMethodNode):
            raise PlanError(f"{self.label}: {_no_call(value)}")
        if isinstance(value, InputNode):
            return self._whole(value)
        if isinstance(value, InputAttributeNode):
            self._whole(value.whole)
            return InputAttribute(str(value.key)) if value.is_attribute else InputItem(value.key)
        if type(value) in (list, tuple):
            return type(value)(self._argument(item) for item in value)
        if type(value) is dict:
            return {key: self._argument(item) for key, item in value.items()}
        return self.replace(value)

    def _whole(self, node: InputNode) -> Input:
        if not node.is_entered:
            raise PlanError(
                f"{self.label}: InputNode must be used in a context manager: "
                "with InputNode() as request: ...",
            )
        if self._input not in (None, node):
            raise PlanError(f"{self.label}: Each DAG should only have one unique InputNode.")
        self._input = node
        return Input()
