"""The machines that functions on Lambda Managed Instances share."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from adapter.errors import InvalidOption
from adapter.serve.aws_names import require_ids
from adapter.serve.checks import require_int
from adapter.serve.records import Record
from adapter.serve.vpc import MAX_SECURITY_GROUPS, MAX_SUBNETS

_NAME = r"[A-Za-z][A-Za-z0-9-]{0,39}"
_INSTANCE_TYPE = r"[a-z0-9-]+\.[a-z0-9-]+"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityProvider(Record):
    """A capacity provider that is made in the stack: `LambdaOptions(capacity_provider=...)`.

    Deployments with the same value share one; values that differ need another `name` each.
    `subnet_ids` and `security_group_ids` say where its instances run. They need a way out (NAT or
    endpoints) to send logs. `allowed_types` are the only instance types that it may use, or
    `excluded_types` those that it may not, such as `m7g.large`. `max_vcpus` bounds all
    its instances together; `target_cpu_percent` is how busy they are kept, None leaves that to
    Lambda. Functions that share a provider are not isolated from each other as Lambda functions
    are otherwise, so let only those share one that trust each other. Raises `InvalidOption` for
    values out of range.
    https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-capacity-providers.html
    """

    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]
    name: str = "default"
    allowed_types: Sequence[str] = ()
    excluded_types: Sequence[str] = ()
    max_vcpus: int = 400
    target_cpu_percent: int | None = None

    def __post_init__(self) -> None:
        subnets = require_ids("subnet_ids", self.subnet_ids, "subnet", most=MAX_SUBNETS)
        groups = require_ids(
            "security_group_ids", self.security_group_ids, "sg", most=MAX_SECURITY_GROUPS
        )
        object.__setattr__(self, "subnet_ids", subnets)
        object.__setattr__(self, "security_group_ids", groups)
        for option in ("allowed_types", "excluded_types"):
            object.__setattr__(self, option, _types(option, getattr(self, option)))
        self._check()

    def _check(self) -> None:
        name: object = self.name
        if not isinstance(name, str) or not re.fullmatch(_NAME, name):
            raise InvalidOption(
                f"name={name!r} of a CapacityProvider must start with a letter and hold at most 40 "
                "letters, digits and hyphens.",
            )
        if self.allowed_types and self.excluded_types:
            raise InvalidOption("a CapacityProvider takes allowed_types or excluded_types.")
        require_int("max_vcpus", self.max_vcpus, least=2, most=15_000)
        if self.target_cpu_percent is not None:
            require_int("target_cpu_percent", self.target_cpu_percent, least=1, most=100)


def _types(option: str, values: object) -> tuple[str, ...]:
    types = tuple(values) if isinstance(values, (list, tuple)) else (None,)
    fits = [isinstance(one, str) and re.fullmatch(_INSTANCE_TYPE, one) for one in types]
    if not all(fits):
        raise InvalidOption(
            f"{option}={values!r} must be a list of instance types, such as 'm7g.large'.",
        )
    return types
