"""Which functions may have arguments and results that are too large for an event."""

from dataclasses import replace

from adapter.plan.graph import Graph
from adapter.plan.values import ApplicationPlan, StackPlan


def large_payloads(graph: Graph) -> bool:
    """Whether a deployment of the application asks for them: then they are all its calls'."""
    return any(node.deployment.settings.lambda_options.large_payloads for node in graph.nodes)


def with_large_payloads(stack: StackPlan) -> StackPlan:
    """Return the stack with functions of other applications that are called with such arguments."""
    called = {
        name for function in stack.functions if function.large_payloads for name in function.calls
    }
    return replace(stack, applications=tuple(_with(plan, called) for plan in stack.applications))


def _with(plan: ApplicationPlan, called: set[str]) -> ApplicationPlan:
    functions = (
        replace(function, large_payloads=function.large_payloads or function.name in called)
        for function in plan.functions
    )
    return replace(plan, functions=tuple(functions))
