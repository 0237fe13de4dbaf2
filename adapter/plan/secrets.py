"""Secrets of a deployment: its function gets references, and reads them when it starts."""

import json
from collections.abc import Collection, Mapping

from adapter.errors import PlanError

SECRETS = "ADAPTER_SECRETS"


def secret_variables(
    secrets: Mapping[str, str],
    deployment: str,
    others: Collection[str] = (),
) -> dict[str, str]:
    """Return the variable that tells a function its references; none where it has none.

    Raises `PlanError` for a name that `others`, the variables of a `runtime_env`, have as well.
    """
    for name in secrets:
        if name in others:
            raise PlanError(
                f"{deployment}: {name} is in secrets and in runtime_env['env_vars']; remove it "
                "from env_vars.",
            )
    return {SECRETS: secret_text(secrets)} if secrets else {}


def secret_text(secrets: Mapping[str, str]) -> str:
    """Write references as `adapter.calls.secrets` reads them."""
    return json.dumps(dict(sorted(secrets.items())), separators=(",", ":"))


def reading_secrets(entry_point: str) -> str:
    """Return an entry point that reads the secrets before it imports the user's modules."""
    head, _, rest = entry_point.partition("\n\n")
    lines = [
        f"{line}  # noqa: E402" if line.startswith("from ") else line for line in rest.split("\n")
    ]
    first = (
        "from adapter.function import read_secrets\n\nread_secrets()  # before all other imports"
    )
    return "\n\n".join([head, first, "\n".join(lines)])
