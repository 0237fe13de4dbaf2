"""Where a function imports its deployment from."""

import sys
from collections.abc import Iterable
from typing import Any

from adapter.errors import PlanError
from adapter.plan.arguments import Imports, expression
from adapter.plan.graph import Node
from adapter.serve.deployments import Application, Deployment
from adapter.serve.options import DeploymentOptions

# The options that a function reads; the others are in its plan.
_READ = ("user_config", "health_check_period_s", "health_check_timeout_s")
# Where deployments share a function, the calls between them are bounded in it.
_READ_OF_SHARED = (*_READ, "max_ongoing_requests", "max_queued_requests", "backpressure_config")


def deployment_expression(
    node: Node,
    target_module: str,
    imports: Imports,
    *,
    shared: bool = False,
) -> str:
    """Write the expression that gives the node's deployment when its modules are imported.

    That may be a bare class or function; where it shares its function, it is a `Deployment`. Looks
    for it where the class is defined, so that a function imports little, then in TARGET's
    module. Raises `PlanError` where it is bound to no name there.
    """
    for module, name, found in _candidates(node, target_module):
        imported = imports.add(module, name)
        if shared:
            return _with_options(imported, found, node, imports, _READ_OF_SHARED, bare=False)
        return _with_options(imported, found, node, imports, _READ, bare=True)
    func_or_class = node.deployment.func_or_class
    raise PlanError(
        f"{node.name}: {func_or_class.__module__}.{func_or_class.__qualname__} cannot be imported "
        "by name, so its Lambda function could not find it; define it, or the deployment made of "
        "it, at the top level of a module.",
    )


def _candidates(node: Node, target_module: str) -> list[tuple[str, str, Any]]:
    func_or_class = node.deployment.func_or_class
    found = _qualified(func_or_class)
    for module in dict.fromkeys([func_or_class.__module__, target_module]):
        for name, value in vars(sys.modules[module]).items():
            found += _named_deployment(module, name, value, func_or_class)
    own = func_or_class.__module__
    return sorted(found, key=lambda found: (found[0] != own, _distance(found[2], node)))


def _qualified(func_or_class: Any) -> list[tuple[str, str, Any]]:
    """Find it under its own name, which is the deployment's after decoration."""
    module, name = func_or_class.__module__, func_or_class.__qualname__
    value: Any = sys.modules[module]
    for part in name.split("."):
        value = getattr(value, part, None)
    if value is func_or_class or _is_deployment_of(value, func_or_class):
        return [(module, name, value)]
    return []


def _named_deployment(
    module: str,
    name: str,
    value: Any,
    func_or_class: Any,
) -> list[tuple[str, str, Any]]:
    if _is_deployment_of(value, func_or_class):
        return [(module, name, value)]
    if isinstance(value, Application) and value.deployment.func_or_class is func_or_class:
        return [(module, f"{name}.deployment", value.deployment)]
    return []


def _is_deployment_of(value: Any, func_or_class: Any) -> bool:
    return isinstance(value, Deployment) and value.func_or_class is func_or_class


def _distance(found: Any, node: Node) -> int:
    """Prefer what needs no `.options(...)` behind it; the order is otherwise that of the module."""
    if not isinstance(found, Deployment):
        return 2 if node.name == node.deployment.func_or_class.__name__ else 3
    return 0 if not _differences(found.settings, node, _READ) else 1


def _differences(
    found: DeploymentOptions,
    node: Node,
    read: Iterable[str],
) -> dict[str, Any]:
    settings = node.deployment.settings
    wanted = {"name": node.name} | {option: getattr(settings, option) for option in read}
    return {name: value for name, value in wanted.items() if getattr(found, name) != value}


def _with_options(
    imported: str,
    found: Any,
    node: Node,
    imports: Imports,
    read: Iterable[str],
    *,
    bare: bool,
) -> str:
    where = f"{node.name}: user_config"
    if isinstance(found, Deployment):
        options = _options(_differences(found.settings, node, read), imports, where)
        return f"{imported}.options({options})" if options else imported
    wanted = _differences(DeploymentOptions(name=found.__name__), node, read)
    if not wanted and bare:
        return imported
    decorator = imports.add("adapter.serve", "deployment")
    if not wanted:
        return f"{decorator}({imported})"
    return f"{decorator}({_options(wanted, imports, where)})({imported})"


def _options(options: dict[str, Any], imports: Imports, where: str) -> str:
    return ", ".join(
        f"{name}={expression(value, imports, where)}" for name, value in options.items()
    )
