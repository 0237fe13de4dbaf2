"""An application that has been imported, as a plan."""

from dataclasses import replace
from typing import Any

from adapter.plan.arguments import Imports
from adapter.plan.functions import (
    check_name,
    entry_module,
    entry_point_text,
    folder,
    function_plans,
    logical_id,
    place,
)
from adapter.plan.graph import Graph
from adapter.plan.http import streaming_note
from adapter.plan.routes import application_routes, ingress_routes
from adapter.plan.values import ApplicationPlan, FunctionPlan, RoutePlan
from adapter.serve.ingresses import ingress_of
from adapter.serve.names import function_name


def plan_graph(
    graph: Graph,
    *,
    import_path: str,
    target: str,
    route_prefix: str | None,
) -> ApplicationPlan:
    """Plan a bound application, which `import_path` has given.

    `target` is how the user named it. Raises `PlanError` where it cannot become Lambda functions.
    """
    functions = function_plans(graph, import_path, route_prefix, target)
    func_or_class = graph.ingress.deployment.func_or_class
    ingress = functions[0].name
    routes: tuple[RoutePlan, ...] = ()
    if route_prefix:
        routes = ingress_routes(ingress_of(func_or_class), func_or_class, route_prefix, ingress)
    return ApplicationPlan(
        name=graph.application,
        target=target,
        route_prefix=route_prefix,
        ingress=ingress,
        functions=(_noted(functions[0], routes), *functions[1:]),
        routes=routes,
    )


def _noted(
    function: FunctionPlan,
    routes: tuple[RoutePlan, ...],
    *,
    is_deployment: bool = True,
) -> FunctionPlan:
    note = streaming_note(function, routes, is_deployment=is_deployment)
    return replace(function, notes=(*function.notes, note)) if note else function


def plan_asgi(app: Any, target: str, application: str, route_prefix: str) -> ApplicationPlan:
    """Plan an ASGI application, or a factory of one, as the one function of an application."""
    module, _, attribute = target.partition(":")
    deployment = attribute.replace(".", "-")
    name = check_name(attribute, function_name(deployment, application))
    imports = Imports()
    call = imports.add("adapter", "lambda_handler")
    imported = imports.add(module, attribute)
    function = FunctionPlan(
        name=name,
        deployment=deployment,
        application=application,
        is_ingress=True,
        folder=folder(name),
        logical_id=logical_id(name),
        entry_point=entry_point_text(f"application {name}", target, imports, call, [imported]),
        module=entry_module(target),
        environment=place(application, deployment, route_prefix),
    )
    routes = application_routes(app, route_prefix, name)
    return ApplicationPlan(
        name=application,
        target=target,
        route_prefix=route_prefix,
        ingress=name,
        functions=(_noted(function, routes, is_deployment=False),),
        routes=routes,
    )
