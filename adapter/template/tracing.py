"""X-Ray: what a function sends of each invocation."""

from typing import Any

from adapter.plan.values import FunctionPlan


def tracing_property(function: FunctionPlan) -> dict[str, Any]:
    """Return the property that turns tracing on; none where it is off."""
    return {"Tracing": "Active"} if function.tracing else {}


def tracing_statements(function: FunctionPlan) -> list[dict[str, Any]]:
    """Return the permission to send segments. X-Ray has no resources that could be named.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
    """
    if not function.tracing:
        return []
    actions = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    return [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
