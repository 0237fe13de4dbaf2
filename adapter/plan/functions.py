"""From a walked application to the plans of its functions."""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from adapter.deadline import DEFAULT_MARGIN_MS
from adapter.errors import PlanError
from adapter.plan import capacity, logs
from adapter.plan.arguments import Imports, expression, quoted
from adapter.plan.calls import dynamic_handles, literal_calls
from adapter.plan.event_sources import event_variables, subscriptions
from adapter.plan.fronts import refuse_cors_twice
from adapter.plan.graph import Graph, Node
from adapter.plan.http import function_url, ingress_notes
from adapter.plan.payloads import large_payloads
from adapter.plan.queues import queue_variables
from adapter.plan.references import deployment_expression
from adapter.plan.resources import with_resources
from adapter.plan.runtime_env import environment_variables
from adapter.plan.secrets import reading_secrets, secret_variables
from adapter.plan.sharing import (
    Group,
    function_names,
    groups,
    joined_requirements,
    shared_variables,
)
from adapter.plan.values import Callee, FunctionPlan
from adapter.serve import start_options
from adapter.serve.lambda_options import LambdaOptions

# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
MAX_NAME = 64
_NAME = re.compile(r"[A-Za-z0-9_-]+")


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
        _function_plan(group, graph, _Source(import_path, target), route_prefix)
        for group in groups(graph)
    ]
    plans.sort(key=lambda plan: (not plan.is_ingress, plan.name))
    refuse_collisions(plans)
    return tuple(plans)


class _Source(NamedTuple):
    import_path: str
    target: str


def _function_plan(
    group: Group,
    graph: Graph,
    source: _Source,
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
        entry_point=_entry_point(group, source),
        module=entry_module(source.import_path),
        hosts=tuple(other.name for other in group.others),
        calls=calls,
        outside_calls=outside,
        environment=_environment(node, graph, route_prefix),
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


def check_name(deployment: str, name: str) -> str:
    """Return `name` where a Lambda function can be called so; raises `PlanError` otherwise."""
    if not _NAME.fullmatch(name):
        raise PlanError(
            f"deployment {deployment!r}: a Lambda function's name holds only letters, digits, "
            f"hyphens and underscores. Give it another name: .options(name={_suggestion(name)!r}).",
        )
    if len(name) > MAX_NAME:
        raise PlanError(
            f"deployment {deployment!r}: the function name {name!r} has {len(name)} characters, "
            f"Lambda allows {MAX_NAME}. Give it a shorter one with .options(name=...).",
        )
    return name


def _suggestion(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "Model"


def folder(name: str) -> str:
    """Return the folder of a function: `TextGateway` is in `functions/text_gateway`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return words.replace("-", "_").lower()


def logical_id(name: str) -> str:
    """Return the CloudFormation id, letters and digits only: `text-gateway` is `TextGateway`."""
    parts = re.split(r"[-_]+", name)
    joined = "".join(part[:1].upper() + part[1:] for part in parts)
    return joined if joined[:1].isalpha() else f"Function{joined}"


def refuse_collisions(plans: Iterable[FunctionPlan]) -> None:
    """Raise `PlanError` where two functions would share a folder or a CloudFormation id."""
    seen: dict[str, FunctionPlan] = {}
    for plan in plans:
        for key in (f"folder functions/{plan.folder}", f"template resource {plan.logical_id}"):
            other = seen.setdefault(key, plan)
            if other is not plan:
                raise PlanError(
                    f"deployments {_named(other, plan)} and {_named(plan, other)} would both "
                    f"become the {key}. Rename one with .options(name=...)"
                    f"{_or_share(other, plan)}.",
                )


def _or_share(plan: FunctionPlan, other: FunctionPlan) -> str:
    """Where the one is called as the function of others is, it may be meant to be among them."""
    if plan.name != other.name or not (plan.hosts or other.hosts):
        return ""
    return f', or let both have LambdaOptions(function="{plan.name}")'


def _named(plan: FunctionPlan, other: FunctionPlan) -> str:
    of = f" of application {plan.application!r}" if plan.application != other.application else ""
    return f"{plan.deployment!r}{of}"


def _entry_point(group: Group, source: _Source) -> str:
    text = _own_entry_point(group.main, source) if not group.others else _shared(group, source)
    secrets = group.main.deployment.settings.lambda_options.secrets
    return reading_secrets(text) if secrets else text


def _own_entry_point(node: Node, source: _Source) -> str:
    imports, module = Imports(), source.import_path.partition(":")[0]
    call = imports.add("adapter.function", "entry_point")
    deployment = deployment_expression(node, module, imports)
    arguments = [deployment, *_constructor_arguments(node, imports)]
    return entry_point_text(f"deployment {node.name}", source.target, imports, call, arguments)


def _shared(group: Group, source: _Source) -> str:
    imports, module = Imports(), source.import_path.partition(":")[0]
    call = imports.add("adapter.function", "shared_entry_point")
    arguments = []
    for node in group.nodes:
        deployment = deployment_expression(node, module, imports, shared=True)
        arguments.append(f"{deployment}.bind({', '.join(_constructor_arguments(node, imports))})")
    arguments.append(f"default={quoted(group.main.name)}")
    *names, last = sorted(node.name for node in group.nodes)
    what = f"deployments {', '.join(names)} and {last}"
    return entry_point_text(what, source.target, imports, call, arguments)


def _constructor_arguments(node: Node, imports: Imports) -> list[str]:
    arguments = []
    for number, value in enumerate(node.args):
        where = f"{node.name}: constructor argument {number + 1}"
        arguments.append(expression(value, imports, where))
    for name, value in node.kwargs.items():
        where = f"{node.name}: constructor argument {name!r}"
        arguments.append(f"{name}={expression(value, imports, where)}")
    return arguments


def entry_point_text(
    what: str,
    target: str,
    imports: Imports,
    call: str,
    arguments: list[str],
) -> str:
    """Write the whole of `functions/<folder>/app.py`, in the layout that formatters keep."""
    line = f"handler = {call}({', '.join(arguments)})"
    if len(line) > 88:
        inner = "".join(f"    {argument},\n" for argument in arguments)
        line = f"handler = {call}(\n{inner})"
    lines = imports.lines()
    head = f'"""Entry point of {what}. Written by `adapter build {target}`."""'
    text = "\n".join([head, "", *lines, "", line, ""])
    try:
        compile(text, "app.py", "exec")
    except SyntaxError as error:
        raise PlanError(f"{what} cannot be written as Python code: {error.text}") from error
    return text


def entry_module(import_path: str) -> str:
    """Return the name of the entry points' module: not one that the user's own code has."""
    own, app = sys.modules.get(import_path.partition(":")[0].split(".")[0]), sys.modules.get("app")
    return "entry_point" if app is not None and _folder(app) == _folder(own) else "app"


def _folder(module: ModuleType | None) -> Path | None:
    """Return the folder that a top-level module was imported from."""
    if module is None or module.__file__ is None:
        return None
    return Path(module.__file__).parents[1 if hasattr(module, "__path__") else 0]


def _environment(node: Node, graph: Graph, route_prefix: str | None) -> dict[str, str]:
    options = node.deployment.settings.lambda_options
    prefix = route_prefix if node is graph.ingress else None
    variables = {
        **environment_variables(node),
        **options.environment,
        **secret_variables(options.secrets, node.name, environment_variables(node)),
        **event_variables(options.events),
        **place(graph.application, graph.ingress.name, prefix),
        **_behaviour(options),
        **queue_variables(graph),
        **shared_variables(graph),
        **logs.log_variables(node.deployment.settings),
    }
    return dict(sorted(variables.items()))


def _behaviour(options: LambdaOptions) -> dict[str, str]:
    """Return the variables that say how a function serves, where that is not as usual."""
    variables = {}
    if options.deadline_margin_ms != DEFAULT_MARGIN_MS:
        variables["ADAPTER_DEADLINE_MARGIN_MS"] = str(options.deadline_margin_ms)
    if options.url is not None and options.url.endswith("stream"):
        variables["ADAPTER_STREAMS"] = "url"
    if options.background != "wait":
        variables["ADAPTER_BACKGROUND"] = options.background
    if options.trusted_hops:
        variables["ADAPTER_TRUSTED_HOPS"] = str(options.trusted_hops)
    if options.raise_errors:
        variables["ADAPTER_RAISE_ERRORS"] = "1"
    if options.cors is not None:
        variables["ADAPTER_CORS"] = "1"
    written = {
        "ADAPTER_MAX_BODY_BYTES": options.max_body_bytes,
        "ADAPTER_METRICS_NAMESPACE": options.metrics_namespace,
        "ADAPTER_REQUEST_TIMEOUT_S": options.request_timeout_s,
    }
    return variables | {name: str(value) for name, value in written.items() if value is not None}


def place(application: str, ingress: str, route_prefix: str | None) -> dict[str, str]:
    """Return the variables that tell a function where it belongs; `Settings` reads them.

    `route_prefix` is the application's for its ingress, None for the others.
    """
    variables = {"ADAPTER_APPLICATION": application, "ADAPTER_INGRESS": ingress}
    if route_prefix not in (None, "/"):
        variables["ADAPTER_ROUTE_PREFIX"] = str(route_prefix)
    if (told := start_options.told()) is not None and told.middlewares:
        variables["ADAPTER_MIDDLEWARES"] = str(len(told.middlewares))
    return variables


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
