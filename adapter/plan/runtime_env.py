"""What Ray's `runtime_env` asks for and Lambda has: variables and pip requirements."""

from collections.abc import Mapping
from typing import Any

from adapter.errors import InvalidOption, PlanError
from adapter.plan.capacity import runtime_environment
from adapter.plan.graph import Node
from adapter.serve.lambda_options import LambdaOptions


def environment_variables(node: Node) -> dict[str, str]:
    """Return `env_vars`. Raises `PlanError` for what is no variable that a function may have."""
    found: Any = runtime_environment(node.deployment.settings).get("env_vars") or {}
    if not isinstance(found, Mapping):
        raise PlanError(f"{node.name}: runtime_env['env_vars']={found!r} must be a dict.")
    variables = {str(name): str(value) for name, value in found.items()}
    try:
        LambdaOptions(environment=variables)  # the same rules
    except InvalidOption as error:
        raise PlanError(f"{node.name}: runtime_env['env_vars']: {error}") from error
    return variables


def requirements(node: Node) -> tuple[str, ...]:
    """Return what `pip` installs. Raises `PlanError` for what is no list of requirements."""
    pip: Any = runtime_environment(node.deployment.settings).get("pip") or ()
    if isinstance(pip, dict):
        pip = pip.get("packages") or ()
    if not isinstance(pip, (list, tuple)) or not all(isinstance(line, str) for line in pip):
        raise PlanError(
            f"{node.name}: runtime_env['pip']={pip!r} must be a list of requirements, "
            "for example ['scikit-learn==1.7'].",
        )
    return tuple(pip)
