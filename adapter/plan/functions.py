"""From a walked application to the plans of its functions."""

from collections.abc import Iterator

from adapter.errors import PlanError
from adapter.plan import capacity, logs
from adapter.plan.calls import dynamic_handles, literal_calls
from adapter.plan.entry_points import Source, entry_module, entry_point
from adapter.plan.event_sources import subscriptions
from adapter.plan.fronts import refuse_cors_twice
from adapter.plan.graph import Graph, Node
from adapter.plan.http import function_url, ingress_notes
from adapter.plan.names import check_name, folder, logical_id, refuse_collisions
from adapter.plan.payloads import large_payloads
from adapter.plan.resources import with_resources
from adapter.plan.sharing import Group, function_names, groups, joined_requirements
from adapter.plan.values import Callee, FunctionPlan
from adapter.plan.variables import function_variables
from adapter.serve.lambda_options import LambdaOptions


def function_plans(
    graph: Graph,
    import_path: str,
    route_prefix: str | None,
    target: str,
) -> tuple[FunctionPlan, ...]:
    """Plan every deployment as a function, the ingress first, the others by name.

    Deployments that share a function are planned as one, with the options of the main one, which
    `with_joined_options` has joined. `import_path` is where the application was found, `target` how
    the user named it.

    Raises `PlanError` for names that Lambda cannot carry or tell apart, for constructor arguments
    that cannot be written as code, and for options that exclude each other.
    """
    plans = [
        _function_plan(group, graph, Source(import_path, target), route_prefix)
        for group in groups(graph)
    ]
    plans.sort(key=lambda plan: (not plan.is_ingress, plan.name))
    refuse_collisions(plans)
    return tuple(plans)


def _function_plan(
    group: Group,
    graph: Graph,
    source: Source,
    route_prefix: str | None,
) -> FunctionPlan:
    node = group.main
    options = node.deployment.settings
    on_lambda = options.lambda_options
    _require_loop(node.name, on_lambda)
    refuse_cors_twice(node.name, node.deployment.func_or_class, on_lambda)
    name = check_name(node.name, group.name)
    calls, outside, unknown = _calls(group, graph)
    plan = FunctionPlan(
        name=name,
        deployment=node.name,
        application=graph.application,
        is_ingress=node is graph.ingress,
        folder=folder(name),
        logical_id=logical_id(name),
        entry_point=entry_point(group, source),
        module=entry_module(source.import_path),
        hosts=tuple(other.name for other in group.others),
        calls=calls,
        outside_calls=outside,
        environment=function_variables(node, graph, route_prefix),
        requirements=joined_requirements(group),
        memory_mb=capacity.memory_mb(node.name, options),
        timeout_s=on_lambda.timeout_s,
        ephemeral_storage_mb=on_lambda.ephemeral_storage_mb,
        exec_wrapper=on_lambda.exec_wrapper,
        large_payloads=large_payloads(graph),
        events=subscriptions(node),
        secrets=on_lambda.secrets,
        concurrency=capacity.concurrency(options),
        max_ongoing_requests=options.max_ongoing_requests,
        max_concurrency=_max_concurrency(group),
        url=function_url(node.name, node.deployment.func_or_class, on_lambda),
        shutdown_extension=on_lambda.shutdown_extension,
        log_format=logs.log_format(options),
        log_level=logs.log_level(options),
        dynamic_handles=() if on_lambda.calls else _dynamic_handles(group),
        ignore_checks=on_lambda.ignore_checks,
        notes=(
            *capacity.notes(node.name, options),
            *logs.log_notes(node.name, options),
            *_http_notes(node, graph, route_prefix),
            *_notes_of_others(group, graph),
            *unknown,
        ),
    )
    return with_resources(plan, on_lambda)


def _require_loop(name: str, options: LambdaOptions) -> None:
    if options.capacity_provider is not None and not options.exec_wrapper:
        raise PlanError(
            f"{name}: capacity_provider with exec_wrapper=False: AWS's own Python runtime client "
            "starts a process, with a model of its own, for each request that an environment takes "
            "at once. Remove exec_wrapper=False.",
        )


def _max_concurrency(group: Group) -> int:
    """Return how many invocations an environment takes: the most that any deployment of it does."""
    on_lambda = group.main.deployment.settings.lambda_options
    settings = ((node.name, node.deployment.settings) for node in group.nodes)
    return max(
        capacity.max_concurrency(name, options._replace(lambda_options=on_lambda))
        for name, options in settings
    )


def _dynamic_handles(group: Group) -> tuple[str, ...]:
    found = (dynamic_handles(node.deployment.func_or_class) for node in group.nodes)
    return tuple(dict.fromkeys(place for places in found for place in places))


def _notes_of_others(group: Group, graph: Graph) -> list[str]:
    """Say what of the others' options has no effect; the main deployment's tell the rest.

    Their max_ongoing_requests has one: it bounds the calls from inside the function.
    """
    notes: list[str] = []
    for node in group.others:
        own = node.deployment.settings._replace(num_replicas=None, autoscaling_config=None)
        own = own._replace(given=own.given - {"max_ongoing_requests"})
        notes += [*capacity.notes(node.name, own), *_unused(node, graph)]
    return notes


_ABOUT_HTTP = {
    "api": "is about",
    "cors": "is about",
    "max_body_bytes": "bounds",
    "raise_errors": "is about",
    "request_timeout_s": "bounds",
    "socket": "is about WebSockets, which begin as",
    "trusted_hops": "is about",
}


def _http_notes(node: Node, graph: Graph, route_prefix: str | None) -> list[str]:
    options = node.deployment.settings.lambda_options
    if node is not graph.ingress:
        return _unused(node, graph)
    if route_prefix is None:
        return []
    return ingress_notes(node.name, node.deployment.func_or_class, options)


def _unused(node: Node, graph: Graph) -> list[str]:
    """Tell which settings of HTTP a deployment has that no request reaches."""
    options = node.deployment.settings.lambda_options
    if options.url is not None:
        return []
    return [
        f"{node.name}: {name}={getattr(options, name)} has no effect; it {does} HTTP requests, "
        f"which reach {graph.ingress.name}."
        for name, does in _ABOUT_HTTP.items()
        if getattr(options, name)
    ]


def _calls(
    group: Group,
    graph: Graph,
) -> tuple[tuple[str, ...], tuple[Callee, ...], tuple[str, ...]]:
    """Return the functions that one may invoke, deployments elsewhere, and notes.

    Calls between deployments that share the function are none.
    """
    functions = function_names(graph)
    calls, outside, notes = set(), [], []
    for node, name, application in _wanted(group, graph):
        if application != graph.application:
            outside.append(Callee(deployment=name, application=application))
        elif name in functions:
            calls.add(functions[name])
        else:
            notes.append(
                f"{node.name}: asks for a handle to {name!r}, which is not in the application.",
            )
    called = tuple(sorted(calls - ({group.name} if group.others else set())))
    return called, tuple(dict.fromkeys(outside)), tuple(dict.fromkeys(notes))


def _wanted(group: Group, graph: Graph) -> Iterator[tuple[Node, str, str]]:
    """Yield which deployment asks for a handle to which other one, of which application."""
    application, ingress = graph.application, graph.ingress.name
    for node in group.nodes:
        options = node.deployment.settings.lambda_options
        literal = literal_calls(node.deployment.func_or_class, application, ingress)
        yield from ((node, name, application) for name in node.calls)
        yield from ((node, name, of) for name, of in literal)
        yield from ((node, name, application) for name in options.calls)
