"""Graphs of deployments, the older form of Ray Serve: `InputNode`, and what a graph becomes.

    with InputNode() as request:
        both = combine.bind(first.predict.bind(request), second.predict.bind(request))
    app = DAGDriver.bind(both)

The driver's constructor gets a `GraphHandle`, as it gets a handle of a single deployment:

    GraphHandle(
        Step(DeploymentHandle("First", method_name="predict"), Input()),
        Step(DeploymentHandle("Second", method_name="predict"), Input()),
        Step(DeploymentHandle("combine"), Output(0), Output(1)),
    )
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from adapter.errors import ServeError
from adapter.serve.handles import DeploymentHandle
from adapter.serve.nodes import InputNode

__all__ = [
    "GraphHandle",
    "Input",
    "InputAttribute",
    "InputItem",
    "InputNode",
    "Output",
    "Step",
]


class Input(NamedTuple):
    """Stands for the argument of a graph's call."""


class InputItem(NamedTuple):
    """Stands for an item of the argument, or one of several arguments: `request[key]`."""

    key: int | str


class InputAttribute(NamedTuple):
    """Stands for an attribute of the argument, or a keyword argument: `request.name`."""

    name: str


class Output(NamedTuple):
    """Stands for what a step returns; the first step has number 0."""

    step: int


PLACEHOLDERS = (Input, InputItem, InputAttribute, Output)


class Step:
    """One call of a graph, as it would be written: `Step(handle, *args, **kwargs)`.

    Its arguments may hold inputs and outputs, also in lists, tuples and dicts.
    """

    def __init__(self, handle: DeploymentHandle, /, *args: Any, **kwargs: Any) -> None:
        self.handle = handle
        self.args = args
        self.kwargs = kwargs

    @property
    def name(self) -> str:
        """The deployment and its method: "Model.forward", or "combine" where it is `__call__`."""
        method = self.handle._method_name  # noqa: SLF001 - a public name would hide a method
        deployment = self.handle.deployment_name
        return deployment if method == "__call__" else f"{deployment}.{method}"


class GraphHandle:
    """Calls a graph of deployments: `await graph.remote(request)`.

    Each of the `steps` comes after those whose outputs it takes; the result is that of the last.
    Steps that do not wait for each other run at the same time. Each is called once, however many
    others take its output.
    """

    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    async def remote(self, *args: Any, **kwargs: Any) -> Any:
        """Call the graph and return the result of its last step.

        Raises what a deployment raises, and what Python raises where the input has no such part.
        """
        return (await self.outputs(*args, **kwargs))[-1]

    async def outputs(self, *args: Any, **kwargs: Any) -> Sequence[Any]:
        """Call the graph and return the results of all steps. Raises as `remote` does."""
        given = _Given(args, kwargs)
        running: list[asyncio.Task[Any]] = []
        for step in self.steps:
            running.append(asyncio.create_task(_call(step, given, running)))
        try:
            return await asyncio.gather(*running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _call(step: Step, given: "_Given", running: Sequence[asyncio.Task[Any]]) -> Any:
    args = [await _resolve(value, given, running) for value in step.args]
    kwargs = {name: await _resolve(value, given, running) for name, value in step.kwargs.items()}
    return await step.handle.remote(*args, **kwargs)


async def _resolve(value: Any, given: "_Given", running: Sequence[asyncio.Task[Any]]) -> Any:
    if isinstance(value, Output):
        return await running[value.step]
    if isinstance(value, (Input, InputItem, InputAttribute)):
        return given.part(value)
    if type(value) in (list, tuple):
        return type(value)([await _resolve(item, given, running) for item in value])
    if type(value) is dict:
        return {key: await _resolve(item, given, running) for key, item in value.items()}
    return value


class _Given(NamedTuple):
    """The arguments of one call of a graph."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def part(self, wanted: Input | InputItem | InputAttribute) -> Any:
        if len(self.args) == 1 and not self.kwargs:
            return _part(self.args[0], wanted)
        if isinstance(wanted, InputAttribute):
            return self.kwargs[wanted.name]
        if isinstance(wanted, InputItem):
            return self.args[wanted.key] if isinstance(wanted.key, int) else self.kwargs[wanted.key]
        raise ServeError(
            "the graph takes its input as a whole, so it is called with one argument, not with "
            f"{len(self.args)} and {sorted(self.kwargs)}.",
        )


def _part(whole: Any, wanted: Input | InputItem | InputAttribute) -> Any:
    if isinstance(wanted, InputItem):
        return whole[wanted.key]
    return getattr(whole, wanted.name) if isinstance(wanted, InputAttribute) else whole
