"""Deployments that share a function, and what their options become together."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, replace
from functools import partial
from typing import Any, NamedTuple

from adapter.errors import InvalidOption, PlanError
from adapter.plan import capacity
from adapter.plan.graph import Graph, Node
from adapter.plan.runtime_env import environment_variables, requirements
from adapter.serve.deployments import Deployment
from adapter.serve.lambda_options import LambdaOptions
from adapter.serve.names import function_name

SHARED = "ADAPTER_SHARED"
# About what reaches the main deployment: what the others say of HTTP requests has no effect.
_OF_MAIN = frozenset(
    {"api", "cors", "events", "max_body_bytes", "raise_errors", "request_timeout_s", "socket"}
    | {"socket_paths", "trusted_hops", "url"},
)


class Group(NamedTuple):
    """The deployments of one function: mostly one, several where they share it.

    `name` is the function's behind the stack's. `nodes` are in the order in which they are
    constructed, callees first. `main` is what HTTP reaches, and calls that name no deployment: the
    ingress, else the first by name.
    """

    name: str
    nodes: tuple[Node, ...]
    main: Node

    @property
    def others(self) -> tuple[Node, ...]:
        """The deployments besides the main one, by name."""
        others = (node for node in self.nodes if node is not self.main)
        return tuple(sorted(others, key=lambda node: node.name))


def groups(graph: Graph) -> tuple[Group, ...]:
    """Return the functions of an application as groups of its deployments."""
    found: dict[tuple[str, bool], list[Node]] = {}
    for node in graph.nodes:
        wanted = node.deployment.settings.lambda_options.function
        # A name that one deployment asks for and another one has by itself is a collision.
        found.setdefault((wanted or node.name, wanted is not None), []).append(node)
    return tuple(
        Group(function_name(name, graph.application), tuple(nodes), _main(nodes, graph))
        for (name, _), nodes in found.items()
    )


def _main(nodes: Sequence[Node], graph: Graph) -> Node:
    ingress = (node for node in nodes if node is graph.ingress)
    return next(ingress, None) or min(nodes, key=lambda node: node.name)


def function_names(graph: Graph) -> dict[str, str]:
    """Return the function of each deployment of an application."""
    return {node.name: group.name for group in groups(graph) for node in group.nodes}


def shared_variables(graph: Graph) -> dict[str, str]:
    """Return the variable that tells which deployments have no function that is called as they are.

    It is empty where all have one. `adapter.calls.client` reads it.
    """
    named = {
        function_name(deployment, graph.application): function
        for deployment, function in function_names(graph).items()
    }
    return _variable(f"{name}:{function}" for name, function in named.items() if name != function)


def joined_variables(values: Iterable[str]) -> dict[str, str]:
    """Return the variable of applications that are deployed together, of those of each."""
    return _variable(entry for value in values for entry in value.split(",") if entry)


def _variable(entries: Iterable[str]) -> dict[str, str]:
    found = sorted(set(entries))
    return {SHARED: ",".join(found)} if found else {}


def with_joined_options(graph: Graph) -> Graph:
    """Return the graph in which the main deployment of each function says what all say of it.

    Raises `PlanError` where two contradict each other.
    """
    joined = {
        group.main.name: _with(group.main, _joined(group))
        for group in groups(graph)
        if group.others
    }
    return replace(graph, nodes=tuple(joined.get(node.name, node) for node in graph.nodes))


def _with(node: Node, options: Mapping[str, Any]) -> Node:
    deployment = node.deployment
    settings = deployment.settings._replace(**options)
    return replace(node, deployment=Deployment(deployment.func_or_class, settings))


def _joined(group: Group) -> dict[str, Any]:
    on_lambda = _lambda_options(group)
    scaling = _same(group, "num_replicas or autoscaling_config", _scaling)
    return {
        "num_replicas": None if scaling is None else scaling[0],
        "autoscaling_config": None if scaling is None else scaling[1],
        "logging_config": _same(group, "logging_config", _logging_config),
        "lambda_options": on_lambda,
    }


def _scaling(node: Node) -> Any:
    said = node.deployment.settings.num_replicas, node.deployment.settings.autoscaling_config
    return None if said == (None, None) else said


def _logging_config(node: Node) -> Any:
    return node.deployment.settings.logging_config


def _lambda_options(group: Group) -> LambdaOptions:
    """Join the options field by field: tuples and mappings are put together."""
    main = group.main.deployment.settings.lambda_options
    values = {}
    for option in fields(LambdaOptions):
        if option.name in _OF_MAIN:
            values[option.name] = getattr(main, option.name)
        elif option.name == "environment":
            values[option.name] = _mapping(group, "environment", _environment)
        else:
            values[option.name] = _value(group, option)
    _refuse_doors(group)
    try:
        joined = LambdaOptions(**{**values, "memory_mb": None})
        return replace(joined, memory_mb=_memory_mb(group, joined))
    except InvalidOption as error:
        raise PlanError(
            f"function {_called(group)!r}, shared by {_names(group)}: {error}"
        ) from error


def _value(group: Group, option: Field[Any]) -> Any:
    default = option.default if option.default is not MISSING else _made(option)
    of = partial(_option, name=option.name)
    if option.name == "memory_mb":
        return None
    if isinstance(default, tuple):
        return tuple(_distinct(item for node in group.nodes for item in of(node)))
    if isinstance(default, Mapping):
        return _mapping(group, option.name, of)
    said = _same(group, option.name, lambda node: None if of(node) == default else of(node))
    return default if said is None else said


def _made(option: Field[Any]) -> Any:
    return None if option.default_factory is MISSING else option.default_factory()


def _option(node: Node, *, name: str) -> Any:
    return getattr(node.deployment.settings.lambda_options, name)


def _distinct(items: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if item not in found:  # statements of policies are dicts, which no set takes
            found.append(item)
    return found


def _environment(node: Node) -> Mapping[str, str]:
    return {**environment_variables(node), **_option(node, name="environment")}


def _memory_mb(group: Group, joined: LambdaOptions) -> int:
    """Return the most that any of them asks for: they are in memory together."""
    settings = [(node.name, node.deployment.settings) for node in group.nodes]
    return max(
        capacity.memory_mb(
            name,
            one._replace(
                lambda_options=replace(joined, memory_mb=one.lambda_options.memory_mb),
            ),
        )
        for name, one in settings
    )


def _mapping(group: Group, option: str, of: Callable[[Node], Mapping[str, Any]]) -> dict[str, Any]:
    said: dict[str, tuple[Node, Any]] = {}
    for node in group.nodes:
        for key, value in of(node).items():
            first, known = said.setdefault(key, (node, value))
            if known != value:
                raise _contradiction(group, f"{option}[{key!r}]", (first, known), (node, value))
    return {key: value for key, (_, value) in said.items()}


def _same(group: Group, option: str, of: Callable[[Node], Any]) -> Any:
    """Return what is said, None where nothing is; all who say something have to say the same."""
    said = [(node, value) for node in group.nodes if (value := of(node)) is not None]
    for found in said[1:]:
        if found[1] != said[0][1]:
            raise _contradiction(group, option, said[0], found)
    return said[0][1] if said else None


def _contradiction(
    group: Group,
    option: str,
    first: tuple[Node, Any],
    second: tuple[Node, Any],
) -> PlanError:
    return PlanError(
        f"{first[0].name} and {second[0].name} share the function {_called(group)!r}, but "
        f"{option} is {_shown(first[1])} for the one and {_shown(second[1])} for the other. Say it "
        "once, or the same, or give one of them a function of its own.",
    )


def _shown(value: Any) -> str:
    return " and ".join(map(repr, value)) if isinstance(value, tuple) else repr(value)


def _refuse_doors(group: Group) -> None:
    """Refuse what would bring others than calls to a deployment that is not the main one."""
    for node in group.others:
        if _option(node, name="events"):
            raise PlanError(
                f"{node.name}: events, but it shares the function {_called(group)!r}, whose events "
                f"{group.main.name} handles. Give {group.main.name} the events, or {node.name} a "
                "function of its own.",
            )
        url = _option(node, name="url")
        if url not in (None, "none"):
            raise PlanError(
                f"{node.name}: url={url!r}, but it shares the function {_called(group)!r}, whose "
                f"requests {group.main.name} answers. Give {group.main.name} the URL, or "
                f"{node.name} a function of its own.",
            )


def _called(group: Group) -> str:
    return str(_option(group.main, name="function"))


def joined_requirements(group: Group) -> tuple[str, ...]:
    """Return the requirements of all deployments of a function.

    Raises `PlanError` where two want another version, or other extras, of the same distribution.
    """
    said: dict[str, tuple[Node, str]] = {}
    for node in group.nodes:
        for line in requirements(node):
            first, known = said.setdefault(_distribution(line), (node, line))
            if known != line:
                raise _contradiction(group, "runtime_env['pip']", (first, known), (node, line))
    return tuple(line for _, line in said.values())


def _distribution(line: str) -> str:
    """Return what a requirement is of, by its normalized name; a path or an option is itself."""
    named = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*(?=$|[\s\[<>=!~;@(])", line.strip())
    return re.sub(r"[-_.]+", "-", named[0]).lower() if named else line


def _names(group: Group) -> str:
    return ", ".join(node.name for node in group.nodes)
