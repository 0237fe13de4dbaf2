"""An application that has been imported, as a plan."""

from typing import Any

from adapter.plan.arguments import Imports
from adapter.plan.entry_points import entry_module, entry_point_text
from adapter.plan.fronts import api_plan, fronted, has_own_cors, ingress_has_cors
from adapter.plan.functions import function_plans
from adapter.plan.graph import Graph
from adapter.plan.names import check_name, folder, logical_id
from adapter.plan.routes import application_routes, ingress_routes
from adapter.plan.sharing import with_joined_options
from adapter.plan.socket_routes import ingress_socket_routes, socket_routes
from adapter.plan.sockets import with_sockets
from adapter.plan.values import ApplicationPlan, FunctionPlan, RoutePlan
from adapter.plan.variables import place
from adapter.serve.ingresses import ingress_of, is_factory
from adapter.serve.lambda_options import LambdaOptions
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
    graph = with_joined_options(graph)
    functions = function_plans(graph, import_path, route_prefix, target)
    deployment = graph.ingress.deployment
    func_or_class, options = deployment.func_or_class, deployment.settings.lambda_options
    ingress = functions[0].name
    routes: tuple[RoutePlan, ...] = ()
    if route_prefix:
        routes = ingress_routes(ingress_of(func_or_class), func_or_class, route_prefix, ingress)
    plan = ApplicationPlan(
        name=graph.application,
        target=target,
        route_prefix=route_prefix,
        ingress=ingress,
        functions=functions,
        routes=routes,
        socket_routes=(
            ingress_socket_routes(ingress_of(func_or_class), route_prefix) if route_prefix else ()
        ),
        api=api_plan(graph.ingress.name, options),
        own_cors=ingress_has_cors(func_or_class),
    )
    return with_sockets(fronted(plan, options), options)


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
    plan = ApplicationPlan(
        name=application,
        target=target,
        route_prefix=route_prefix,
        ingress=name,
        functions=(function,),
        routes=routes,
        socket_routes=socket_routes(app, route_prefix),
        own_cors=not is_factory(app) and has_own_cors(app),
    )
    return with_sockets(fronted(plan, LambdaOptions()), LambdaOptions())
