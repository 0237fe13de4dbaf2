"""Settings of one Lambda function that Ray Serve has no word for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapter.deadline import DEFAULT_MARGIN_MS
from adapter.errors import InvalidOption

_VARIABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
RESERVED_VARIABLES = ("AWS_", "LAMBDA_", "_HANDLER", "_X_AMZN_", "ADAPTER_")


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaOptions:
    """How Lambda runs one deployment: `serve.deployment(lambda_options=LambdaOptions(...))`.

    `memory_mb` buys CPU too (1,769 MB is one vCPU) and is at least what `ray_actor_options` ask
    for; None means 512 MB or that. `timeout_s` bounds one invocation; `deadline_margin_ms` before
    its end, or a tenth of it where that is less, what still runs is cancelled, so that it can clean
    up and answer 504. `ephemeral_storage_mb` is the size of `/tmp`. `environment` holds plain
    environment variables, never secrets. `calls` names deployments that are reached through handles
    the source does not show, so that the function may invoke them. `exec_wrapper=False` runs the
    function under AWS's own Python runtime client instead of the adapter's loop.

    Raises `InvalidOption` for a value outside Lambda's limits
    (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
    """

    memory_mb: int | None = None
    timeout_s: int = 30
    deadline_margin_ms: int = DEFAULT_MARGIN_MS
    ephemeral_storage_mb: int = 512
    environment: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[str, ...] = ()
    exec_wrapper: bool = True

    def __post_init__(self) -> None:
        if self.memory_mb is not None:
            _require_range("memory_mb", self.memory_mb, 128, 10_240)
        _require_range("timeout_s", self.timeout_s, 1, 900)
        _require_range("deadline_margin_ms", self.deadline_margin_ms, 0, 60_000)
        _require_range("ephemeral_storage_mb", self.ephemeral_storage_mb, 512, 10_240)
        calls: object = self.calls
        if not isinstance(calls, tuple) or not all(isinstance(name, str) for name in calls):
            raise InvalidOption(f"calls={self.calls!r} must be a tuple of deployment names.")
        environment: object = self.environment
        if not isinstance(environment, Mapping):
            raise InvalidOption(f"environment={environment!r} must be a dict of strings.")
        for name, value in environment.items():
            _require_variable(name, value)


def _require_range(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidOption(f"{name}={value!r} must be a whole number from {least} to {most}.")


def _require_variable(name: object, value: object) -> None:
    if not isinstance(name, str) or not _VARIABLE_NAME.fullmatch(name):
        raise InvalidOption(
            f"environment variable {name!r} must be two or more letters, digits and underscores, "
            "the first one a letter.",
        )
    if name.startswith(RESERVED_VARIABLES):
        raise InvalidOption(
            f"environment variable {name!r} is reserved; choose a name that does not start with "
            f"one of {', '.join(RESERVED_VARIABLES)}.",
        )
    if not isinstance(value, str):
        raise InvalidOption(f"environment variable {name}={value!r} must be a string.")
