"""A plan as JSON text, so that it can be made in another process."""

import dataclasses
import json
from typing import Any

from adapter.plan.values import ApplicationPlan, Concurrency, FunctionPlan, FunctionUrl, RoutePlan


def dump_plan(plan: ApplicationPlan) -> str:
    """Write a plan down."""
    return json.dumps(dataclasses.asdict(plan))


def load_plan(text: str) -> ApplicationPlan:
    """Read what `dump_plan` wrote."""
    values = json.loads(text)
    functions = tuple(_function(function) for function in values.pop("functions"))
    routes = tuple(RoutePlan(**_tuples(route)) for route in values.pop("routes"))
    return ApplicationPlan(**_tuples(values), functions=functions, routes=routes)


def _function(values: dict[str, Any]) -> FunctionPlan:
    concurrency = Concurrency(**values.pop("concurrency"))
    url = values.pop("url")
    return FunctionPlan(
        **_tuples(values),
        concurrency=concurrency,
        url=None if url is None else FunctionUrl(**url),
    )


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
