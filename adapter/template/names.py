"""Names that AWS limits: those of functions, which carry the stack's, and those of resources."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

from adapter.errors import BuildError
from adapter.plan.names import MAX_NAME
from adapter.plan.values import ApplicationPlan, FunctionPlan, SocketRoute, StackPlan
from adapter.serve.lambda_options import ARCHITECTURES, RUNTIMES
from adapter.template.capacity_providers import capacity_provider_id
from adapter.template.event_sources import event_source_ids, made_ids
from adapter.template.payload_bucket import payload_resources
from adapter.template.platforms import Platform

LAYERS = {
    "adapter": "AdapterLayer",
    "dependencies": "DependenciesLayer",
    "application": "ApplicationLayer",
}
SHUTDOWN_EXTENSION = "ShutdownExtensionLayer"
REST_STAGE = "live"  # a REST API has to have one


def default_stack_name(target: str) -> str:
    """Name a stack after the module of TARGET: `shop.api:app` gives `shop-api`.

    A config file, `shop.yaml`, gives its own name.
    """
    module = re.sub(r"\.ya?ml$", "", target.partition(":")[0])
    module = re.sub(r"[^A-Za-z0-9]+", "-", module).strip("-")
    return module if module[:1].isalpha() else f"app-{module}".rstrip("-")


def check_function_names(plan: StackPlan, stack_names: Iterable[str]) -> None:
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


def check_logical_ids(plan: StackPlan) -> None:
    """Raise `BuildError` where two resources would share a CloudFormation id."""
    owners = Counter(
        [*layers_of(plan).values(), *set(api_ids(plan).values()), *payload_resources(plan)]
    )
    owners.update(_socket_ids(plan))
    owners.update(_ids_of_platforms(plan))
    owners.update(made_ids(plan))
    owners.update(found for function in plan.functions for found in _logical_ids(function))
    _check_application_ids(plan.applications)
    for function in plan.functions:
        for found in _logical_ids(function):
            if owners[found] > 1:
                raise BuildError(
                    f"deployment {function.deployment!r}: the CloudFormation id {found!r} is "
                    "taken by another resource of the stack; give the deployment another name.",
                )
    for found in made_ids(plan):
        if owners[found] > 1:
            raise BuildError(
                f"the CloudFormation id {found!r} of a queue or bucket in events=(...) is taken by "
                "another resource of the stack; give the queue or bucket another name.",
            )


def _ids_of_platforms(plan: StackPlan) -> set[str]:
    """List what may be called after a platform, and the capacity providers that are made."""
    found = {
        f"{LAYERS['dependencies']}{Platform(*pair).identifier}"
        for pair in product(RUNTIMES, ARCHITECTURES)
    }
    return found | set(_provider_ids(plan))


def _check_application_ids(plans: Iterable[ApplicationPlan]) -> None:
    seen: dict[str, str] = {}
    for plan in plans:
        other = seen.setdefault(application_id(plan), plan.name)
        if other != plan.name:
            raise BuildError(
                f"applications {other!r} and {plan.name!r} have the same name without hyphens and "
                "underscores, which CloudFormation does not allow; rename one.",
            )


def layers_of(plan: StackPlan) -> dict[str, str]:
    """Return the logical ids of the layers that a stack needs, by folder; images need none."""
    zipped = [function for function in plan.functions if function.package == "zip"]
    if any(function.shutdown_extension for function in zipped):
        return {**LAYERS, "shutdown-extension": SHUTDOWN_EXTENSION}
    return LAYERS if zipped else {}


def api_ids(plan: StackPlan) -> dict[str, str]:
    """Return the logical id of each application's API, by the name of the application.

    Applications share one, unless their fronts differ. What belongs to one application bears its
    name.
    """
    fronts = {one.name: one.front for one in plan.applications if one.front is not None}
    shared = len({replace(front, chosen=False) for front in fronts.values()}) == 1
    several = len(plan.applications) > 1
    kinds = {"http": "HttpApi", "rest": "RestApi"}
    return {
        name: ("" if several and shared else application_id(plan.application(name)))
        + kinds[front.kind]
        for name, front in fronts.items()
    }


def socket_api_id(plan: ApplicationPlan, route: SocketRoute) -> str:
    """Return the logical id of the API of a WebSocket route."""
    return f"{application_id(plan)}{route.stage[0].upper()}{route.stage[1:]}SocketApi"


def application_id(plan: ApplicationPlan) -> str:
    """Return what ids that belong to an application start with; nothing for "default"."""
    words = re.findall(r"[A-Za-z0-9]+", plan.name)
    return "" if plan.name == "default" else "".join(word[0].upper() + word[1:] for word in words)


def taken_ids(plan: StackPlan) -> frozenset[str]:
    """Return the ids of everything that we and the SAM transform make of a stack."""
    own = {found for function in plan.functions for found in _logical_ids(function)}
    own |= {*_socket_ids(plan), *_front_ids(plan), *_provider_ids(plan)}
    return frozenset({*own, *layers_of(plan).values()})


def _front_ids(plan: StackPlan) -> Iterator[str]:
    """Yield the ids of the APIs, and of what the SAM transform adds for them."""
    ids = api_ids(plan)
    for application in plan.applications:
        if application.front is None:
            continue
        api = ids[application.name]
        yield api
        if application.front.kind == "rest":
            ingress = application.function(application.ingress).logical_id
            yield f"{api}{REST_STAGE}Stage"
            yield from (f"{ingress}{way}Permission{REST_STAGE}" for way in ("Root", "Proxy"))
        else:
            yield f"{api}ApiGatewayDefaultStage"


def _provider_ids(plan: StackPlan) -> Iterator[str]:
    """Yield the ids of the capacity providers that are made, and of their roles."""
    for function in plan.functions:
        if function.new_capacity_provider is not None:
            logical_id = capacity_provider_id(function.new_capacity_provider)
            yield from (logical_id, f"{logical_id}OperatorRole")


def _socket_ids(plan: StackPlan) -> Iterator[str]:
    """Yield the ids of the WebSocket APIs, those that the SAM transform adds included."""
    keys, kinds = ("Connect", "Default", "Disconnect"), ("Route", "Integration", "Permission")
    added = [f"{key}{kind}" for key in keys for kind in kinds]
    for application in plan.applications:
        routes = () if application.socket_api is None else application.socket_api.routes
        for route in routes:
            for suffix in ("", f"{route.stage}Stage", *added):
                yield socket_api_id(application, route) + suffix


def _logical_ids(function: FunctionPlan) -> tuple[str, ...]:
    """List the function's ids, those that the SAM transform adds included."""
    suffixes = ["", "Role", "LogGroup", "EventInvokeConfig", "FailureQueue"]
    if function.is_ingress:
        suffixes += ["RootPermission", "ProxyPermission"]
        suffixes += ["RootPreflightPermission", "ProxyPreflightPermission"]
    if alias := function.alias:
        suffixes += [f"Alias{alias}", "ScalableTarget", "ScalingPolicy"]
    if function.url is not None:
        suffixes += ["Url", "UrlPublicPermissions", "URLInvokeAllowPublicAccess"]
    own = (f"{function.logical_id}{suffix}" for suffix in suffixes)
    return (*own, *event_source_ids(function))
