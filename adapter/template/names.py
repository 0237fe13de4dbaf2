"""Names that AWS limits: those of functions, which carry the stack's, and those of resources."""

import re
from collections import Counter
from collections.abc import Iterable

from adapter.errors import BuildError
from adapter.plan.functions import MAX_NAME
from adapter.plan.values import ApplicationPlan, FunctionPlan

LAYERS = {
    "adapter": "AdapterLayer",
    "dependencies": "DependenciesLayer",
    "application": "ApplicationLayer",
}
SHUTDOWN_EXTENSION = "ShutdownExtensionLayer"


def default_stack_name(target: str) -> str:
    """Name a stack after the module of TARGET: `shop.api:app` gives `shop-api`.

    A config file, `shop.yaml`, gives its own name.
    """
    module = re.sub(r"\.ya?ml$", "", target.partition(":")[0])
    module = re.sub(r"[^A-Za-z0-9]+", "-", module).strip("-")
    return module if module[:1].isalpha() else f"app-{module}".rstrip("-")


def check_function_names(plan: ApplicationPlan, stack_names: Iterable[str]) -> None:
    """Raise `BuildError` for a function whose name is too long behind one of the stack names."""
    for stack_name in stack_names:
        for function in plan.functions:
            name = f"{stack_name}-{function.name}"
            if len(name) > MAX_NAME:
                raise BuildError(
                    f"deployment {function.deployment!r}: its function would be called {name!r}, "
                    f"which has {len(name)} characters; Lambda allows {MAX_NAME}. "
                    "Shorten the name of the deployment or that of the stack (--stack-name).",
                )


def check_logical_ids(plan: ApplicationPlan) -> None:
    """Raise `BuildError` where two resources would share a CloudFormation id."""
    owners = Counter([*layers_of(plan).values(), api_id(plan)])
    owners.update(found for function in plan.functions for found in _logical_ids(function))
    for function in plan.functions:
        for found in _logical_ids(function):
            if owners[found] > 1:
                raise BuildError(
                    f"deployment {function.deployment!r}: the CloudFormation id {found!r} is "
                    "taken by another resource of the stack; give the deployment another name.",
                )


def layers_of(plan: ApplicationPlan) -> dict[str, str]:
    """Return the logical ids of the layers that an application needs, by folder."""
    if any(function.shutdown_extension for function in plan.functions):
        return {**LAYERS, "shutdown-extension": SHUTDOWN_EXTENSION}
    return LAYERS


def api_id(plan: ApplicationPlan) -> str:
    """Return the logical id of the application's HTTP API."""
    return f"{application_id(plan)}HttpApi"


def application_id(plan: ApplicationPlan) -> str:
    """Return what ids that belong to an application start with; nothing for "default"."""
    words = re.findall(r"[A-Za-z0-9]+", plan.name)
    return "" if plan.name == "default" else "".join(word[0].upper() + word[1:] for word in words)


def _logical_ids(function: FunctionPlan) -> tuple[str, ...]:
    """List the function's ids, those that the SAM transform adds included."""
    suffixes = ["", "Role"]
    if function.is_ingress:
        suffixes += ["RootPermission", "ProxyPermission"]
    if alias := function.concurrency.alias:
        suffixes += [f"Alias{alias}", "ScalableTarget", "ScalingPolicy"]
    if function.url is not None:
        suffixes += ["Url", "UrlPublicPermissions", "URLInvokeAllowPublicAccess"]
    return tuple(f"{function.logical_id}{suffix}" for suffix in suffixes)
