"""All that a function may do: each module that needs a permission says which."""

from typing import Any

from adapter.plan.values import FunctionPlan, StackPlan
from adapter.template.asynchronous import asynchronous_statements
from adapter.template.callees import callee_statements
from adapter.template.event_sources import event_source_statements
from adapter.template.log_group import log_statements
from adapter.template.payload_bucket import payload_statements
from adapter.template.policies import policy_statements
from adapter.template.secrets import secret_statements
from adapter.template.socket_api import socket_statements
from adapter.template.tracing import tracing_statements
from adapter.template.vpc import vpc_statements


def statements(stack: StackPlan, function: FunctionPlan) -> list[dict[str, Any]]:
    """Return the IAM statements of a function's role."""
    return [
        *log_statements(function),
        *callee_statements(stack, function),
        *asynchronous_statements(function),
        *payload_statements(function),
        *event_source_statements(function),
        *secret_statements(function),
        *socket_statements(stack, function),
        *tracing_statements(function),
        *vpc_statements(function),
        *policy_statements(function),
    ]
