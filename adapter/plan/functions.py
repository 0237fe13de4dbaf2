"""From a walked application to the plans of its functions."""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from adapter.deadline import DEFAULT_MARGIN_MS
from adapter.errors import InvalidOption, PlanError
from adapter.plan import capacity, logs
from adapter.plan.arguments import Imports, expression
from adapter.plan.calls import literal_calls
from adapter.plan.graph import Graph, Node
from adapter.plan.http import function_url, ingress_notes
from adapter.plan.references import deployment_expression
from adapter.plan.values import FunctionPlan
from adapter.serve import start_options
from adapter.serve.lambda_options import LambdaOptions
from adapter.serve.names import function_name

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

    `import_path` is where the application was found, `target` how the user named it.

    Raises `PlanError` for names that Lambda cannot carry or tell apart, for constructor arguments
    that cannot be written as code, and for options that exclude each other.
    """
    plans = [
        _function_plan(node, graph, _Source(import_path, target), route_prefix)
        for node in graph.nodes
    ]
    plans.sort(key=lambda plan: (not plan.is_ingress, plan.name))
    refuse_collisions(plans)
    return tuple(plans)


class _Source(NamedTuple):
    import_path: str
    target: str


def _function_plan(
    node: Node,
    graph: Graph,
    source: _Source,
    route_prefix: str | None,
) -> FunctionPlan:
    options = node.deployment.settings
    on_lambda = options.lambda_options
    _require_loop(node.name, on_lambda)
    name = check_name(node.name, function_name(node.name, graph.application))
    calls, foreign = _calls(node, graph)
    return FunctionPlan(
        name=name,
        deployment=node.name,
        application=graph.application,
        is_ingress=node is graph.ingress,
        folder=folder(name),
        logical_id=logical_id(name),
        entry_point=_entry_point(node, source),
        module=entry_module(source.import_path),
        calls=calls,
        environment=_environment(node, graph, route_prefix),
        requirements=_requirements(node),
        memory_mb=capacity.memory_mb(node.name, options),
        timeout_s=on_lambda.timeout_s,
        ephemeral_storage_mb=on_lambda.ephemeral_storage_mb,
        exec_wrapper=on_lambda.exec_wrapper,
        concurrency=capacity.concurrency(options),
        max_ongoing_requests=options.max_ongoing_requests,
        max_concurrency=capacity.max_concurrency(node.name, options),
        capacity_provider=on_lambda.capacity_provider or "",
        url=function_url(node.name, node.deployment.func_or_class, on_lambda),
        shutdown_extension=on_lambda.shutdown_extension,
        log_format=logs.log_format(options),
        log_level=logs.log_level(options),
        notes=(
            *capacity.notes(node.name, options),
            *logs.log_notes(node.name, options),
            *_http_notes(node, graph, route_prefix),
            *foreign,
        ),
    )


def _require_loop(name: str, options: LambdaOptions) -> None:
    if options.capacity_provider is not None and not options.exec_wrapper:
        raise PlanError(
            f"{name}: capacity_provider with exec_wrapper=False: AWS's own Python runtime client "
            "starts a process, with a model of its own, for each request that an environment takes "
            "at once. Remove exec_wrapper=False.",
        )


_ABOUT_HTTP = {
    "max_body_bytes": "bounds",
    "raise_errors": "is about",
    "request_timeout_s": "bounds",
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
                    f"deployments {other.deployment!r} and {plan.deployment!r} would both become "
                    f"the {key}. Rename one with .options(name=...).",
                )


def _entry_point(node: Node, source: _Source) -> str:
    imports = Imports()
    call = imports.add("adapter.function", "entry_point")
    arguments = [deployment_expression(node, source.import_path.partition(":")[0], imports)]
    for number, value in enumerate(node.args):
        where = f"{node.name}: constructor argument {number + 1}"
        arguments.append(expression(value, imports, where))
    for name, value in node.kwargs.items():
        where = f"{node.name}: constructor argument {name!r}"
        arguments.append(f"{name}={expression(value, imports, where)}")
    return entry_point_text(f"deployment {node.name}", source.target, imports, call, arguments)


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
        **_env_vars(node),
        **options.environment,
        **place(graph.application, graph.ingress.name, prefix),
        **_behaviour(options),
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


def _env_vars(node: Node) -> dict[str, str]:
    found: Any = capacity.runtime_environment(node.deployment.settings).get("env_vars") or {}
    if not isinstance(found, Mapping):
        raise PlanError(f"{node.name}: runtime_env['env_vars']={found!r} must be a dict.")
    variables = {str(name): str(value) for name, value in found.items()}
    try:
        LambdaOptions(environment=variables)  # the same rules
    except InvalidOption as error:
        raise PlanError(f"{node.name}: runtime_env['env_vars']: {error}") from error
    return variables


def _requirements(node: Node) -> tuple[str, ...]:
    pip: Any = capacity.runtime_environment(node.deployment.settings).get("pip") or ()
    if isinstance(pip, dict):
        pip = pip.get("packages") or ()
    if not isinstance(pip, (list, tuple)) or not all(isinstance(line, str) for line in pip):
        raise PlanError(
            f"{node.name}: runtime_env['pip']={pip!r} must be a list of requirements, "
            "for example ['scikit-learn==1.7'].",
        )
    return tuple(pip)


def _calls(node: Node, graph: Graph) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the functions that a deployment may invoke, and notes about unknown ones."""
    known = {other.name for other in graph.nodes}
    wanted = [(name, graph.application) for name in node.calls]
    wanted += literal_calls(node.deployment.func_or_class, graph.application)
    wanted += [(name, graph.application) for name in node.deployment.settings.lambda_options.calls]
    calls, notes = [], []
    for name, application in dict.fromkeys(wanted):
        if application != graph.application:
            notes.append(
                f"{node.name}: the handle to {name!r} of application {application!r} works on AWS "
                "only where that application is deployed in the same stack, which it is not yet.",
            )
        elif name not in known:
            notes.append(
                f"{node.name}: asks for a handle to {name!r}, which is not in the application.",
            )
        else:
            calls.append(function_name(name, application))
    return tuple(sorted(calls)), tuple(notes)
