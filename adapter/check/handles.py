"""Handles whose deployment the source does not name."""

from collections.abc import Iterator

from adapter.check.stack import Stack
from adapter.check.values import Fault


def unknown_names(stack: Stack) -> Iterator[Fault]:
    """A function may invoke what it is known to call, and nothing else."""
    for function in stack.plan.functions:
        for place in function.dynamic_handles:
            yield Fault(
                stack.name(function),
                f"{place} asks for a handle by a name that is known only when it runs, so the "
                "function may not be allowed to invoke it.",
                'List what it may be: LambdaOptions(calls=("Model", ...)).',
                function.logical_id,
            )
