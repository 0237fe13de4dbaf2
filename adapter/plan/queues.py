"""How many calls of a deployment may wait, as its callers are told."""

from collections.abc import Iterable

from adapter.plan.graph import Graph
from adapter.serve.names import function_name
from adapter.serve.options import DeploymentOptions

QUEUES = "ADAPTER_QUEUES"


def queue_variables(graph: Graph) -> dict[str, str]:
    """Return the variable that tells every function of an application what its callees allow.

    It is empty where all of them let any number wait. `adapter.calls.waiting` reads it.
    """
    entries = [
        _entry(function_name(node.name, graph.application), node.deployment.settings)
        for node in graph.nodes
        if node.deployment.settings.max_queued_requests != -1
    ]
    return _variable(entries)


def joined_queues(values: Iterable[str]) -> dict[str, str]:
    """Return the variable of applications that are deployed together, of those of each."""
    return _variable(entry for value in values for entry in value.split(",") if entry)


def _variable(entries: Iterable[str]) -> dict[str, str]:
    found = sorted(set(entries))
    return {QUEUES: ",".join(found)} if found else {}


def _entry(name: str, options: DeploymentOptions) -> str:
    entry = f"{name}:{options.max_queued_requests}"
    if (refusal := options.backpressure_config) is None:
        return entry
    seconds = refusal.retry_after_s
    return f"{entry}:{refusal.status_code}" + (f":{seconds:g}" if seconds is not None else "")
