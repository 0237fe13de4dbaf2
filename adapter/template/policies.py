"""The policies that the user adds to a function's role."""

from collections.abc import Mapping
from typing import Any

from adapter.plan.values import FunctionPlan
from adapter.serve.aws_names import is_reference
from adapter.template.cloudformation import Sub, with_references


def managed_policies(function: FunctionPlan) -> list[str | Sub]:
    """Return the ARNs of the managed policies; a bare name is one of AWS's."""
    return [_arn(policy) for policy in function.policies if isinstance(policy, str)]


def policy_statements(function: FunctionPlan) -> list[dict[str, Any]]:
    """Return the statements that the user wrote."""
    return [with_references(policy) for policy in function.policies if isinstance(policy, Mapping)]


def _arn(policy: str) -> str | Sub:
    if policy.startswith("arn:") or is_reference(policy):
        found: str | Sub = with_references(policy)
        return found
    return Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{policy}")
