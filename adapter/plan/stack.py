"""Applications that are deployed together, as one plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from adapter.plan.event_sources import refuse_shared_sources
from adapter.plan.names import refuse_collisions
from adapter.plan.payloads import with_large_payloads
from adapter.plan.queues import QUEUES, joined_queues
from adapter.plan.sharing import SHARED, joined_variables
from adapter.plan.values import ApplicationPlan, FunctionPlan, StackPlan
from adapter.serve.names import function_name


def stack_plan(applications: Sequence[ApplicationPlan]) -> StackPlan:
    """Plan a stack of applications, at least one, that were planned each for itself.

    Handles between them become calls, and every entry point gets a module of the same name. Raises
    `PlanError` where two functions would share a name, a folder or a CloudFormation id.
    """
    functions = [function for plan in applications for function in plan.functions]
    refuse_collisions(functions)
    refuse_shared_sources(functions)
    names = {
        function_name(deployment, function.application): function.name
        for function in functions
        for deployment in function.deployments
    }
    shared = joined_variables(function.environment.get(SHARED, "") for function in functions)
    queues = joined_queues(function.environment.get(QUEUES, "") for function in functions)
    module = max((function.module for function in functions), key=len)  # "entry_point" over "app"
    stack = StackPlan(
        target=applications[0].target,
        applications=tuple(
            replace(
                plan,
                functions=tuple(
                    _joined(function, names, module, {**queues, **shared})
                    for function in plan.functions
                ),
            )
            for plan in applications
        ),
    )
    return with_large_payloads(stack)


def _joined(
    function: FunctionPlan,
    names: Mapping[str, str],
    module: str,
    variables: Mapping[str, str],
) -> FunctionPlan:
    outside = {
        callee: function_name(callee.deployment, callee.application)
        for callee in function.outside_calls
    }
    calls = {*function.calls, *(names[name] for name in outside.values() if name in names)}
    missing = (callee for callee, name in outside.items() if name not in names)
    notes = (
        f"{function.deployment}: asks for a handle to {callee.deployment!r} of application "
        f"{callee.application!r}, which is not in the stack."
        for callee in missing
    )
    return replace(
        function,
        calls=tuple(sorted(calls)),
        environment=dict(sorted({**function.environment, **variables}.items())),
        module=module,
        notes=_distinct([*function.notes, *notes]),
        outside_calls=(),
    )


def _distinct(notes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))
