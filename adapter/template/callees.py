"""The functions that a function calls: their names, and the right to invoke them."""

from typing import Any

from adapter.plan.values import FunctionPlan, StackPlan
from adapter.template.cloudformation import Sub


def callees(stack: StackPlan, function: FunctionPlan) -> dict[str, str | None]:
    """Return the functions that one calls, with their aliases; one elsewhere has none we know."""
    aliases = {other.name: other.alias for other in stack.functions}
    return {name: aliases.get(name) for name in sorted(function.calls)}


def callee_statements(stack: StackPlan, function: FunctionPlan) -> list[dict[str, Any]]:
    """Return the permission to invoke exactly the functions that one holds handles to."""
    arns = [arn for name, alias in callees(stack, function).items() for arn in _arns(name, alias)]
    if not arns:
        return []
    return [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arns}]


def function_arn(name: str) -> Sub:
    """Name a function without referring to it: handles may go in circles, references may not."""
    return Sub(
        "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
        f"${{AWS::StackName}}-{name}",
    )


def _arns(name: str, alias: str | None) -> list[Sub]:
    """A function with an alias is named without it as well, for callers of the version before."""
    arn = function_arn(name)
    return [arn, Sub(f"{arn.text}:{alias}")] if alias else [arn]
