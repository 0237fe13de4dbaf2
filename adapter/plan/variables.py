"""The environment variables of a function: the user's, and those that `Settings` reads."""

from adapter.deadline import DEFAULT_MARGIN_MS
from adapter.plan.event_sources import event_variables
from adapter.plan.graph import Graph, Node
from adapter.plan.logs import log_variables
from adapter.plan.queues import queue_variables
from adapter.plan.runtime_env import environment_variables
from adapter.plan.secrets import secret_variables
from adapter.plan.sharing import shared_variables
from adapter.serve import start_options
from adapter.serve.lambda_options import LambdaOptions


def function_variables(node: Node, graph: Graph, route_prefix: str | None) -> dict[str, str]:
    """Return the environment of the function whose main deployment is `node`, by name."""
    options = node.deployment.settings.lambda_options
    prefix = route_prefix if node is graph.ingress else None
    found = {
        **environment_variables(node),
        **options.environment,
        **secret_variables(options.secrets, node.name, environment_variables(node)),
        **event_variables(options.events),
        **place(graph.application, graph.ingress.name, prefix),
        **_behaviour(options),
        **queue_variables(graph),
        **shared_variables(graph),
        **log_variables(node.deployment.settings),
    }
    return dict(sorted(found.items()))


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
