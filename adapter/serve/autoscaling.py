"""`AutoscalingConfig`: a module of its own, because most functions write none."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from adapter.errors import InvalidOption
from adapter.serve.options import require_int

AUTO_MAX_REPLICAS = 100  # Ray Serve: num_replicas="auto" scales between 1 and 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoscalingConfig:
    """How many environments a deployment keeps and may grow to, in Ray Serve's words.

    On Lambda `min_replicas` is kept warm (provisioned concurrency) and `max_replicas` is a cap
    (reserved concurrency). The remaining fields tune Ray's own autoscaler; they are accepted, and
    `adapter build` says that they have no meaning on Lambda.
    """

    min_replicas: int = 1
    max_replicas: int = 1
    initial_replicas: int | None = None
    target_ongoing_requests: float = 2
    metrics_interval_s: float | None = None
    look_back_period_s: float | None = None
    smoothing_factor: float | None = None
    upscale_smoothing_factor: float | None = None
    downscale_smoothing_factor: float | None = None
    upscaling_factor: float | None = None
    downscaling_factor: float | None = None
    downscale_delay_s: float | None = None
    downscale_to_zero_delay_s: float | None = None
    upscale_delay_s: float | None = None
    aggregation_function: Any = None
    policy: Any = None

    def __post_init__(self) -> None:
        require_int("autoscaling_config.min_replicas", self.min_replicas, least=0)
        require_int("autoscaling_config.max_replicas", self.max_replicas, least=1)
        if self.max_replicas < self.min_replicas:
            raise InvalidOption(
                f"autoscaling_config.max_replicas={self.max_replicas} is below "
                f"min_replicas={self.min_replicas}; give max_replicas >= min_replicas.",
            )
        if self.initial_replicas is None:
            return
        require_int("autoscaling_config.initial_replicas", self.initial_replicas, least=0)
        if not self.min_replicas <= self.initial_replicas <= self.max_replicas:
            raise InvalidOption(
                f"autoscaling_config.initial_replicas={self.initial_replicas} must lie between "
                f"min_replicas={self.min_replicas} and max_replicas={self.max_replicas}.",
            )

    @classmethod
    def of(
        cls,
        value: "AutoscalingConfig | Mapping[str, Any]",
        *,
        auto: bool = False,
    ) -> "AutoscalingConfig":
        """Take the value as written by the user: an instance or a dict of its fields.

        `auto` says that `num_replicas="auto"` stands beside it, which has defaults of its own.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise InvalidOption(
                f"autoscaling_config={value!r} must be a dict or an AutoscalingConfig, "
                'for example {"min_replicas": 0, "max_replicas": 10}.',
            )
        allowed = {known.name for known in fields(cls)}
        unknown = sorted(set(value) - allowed)
        if unknown:
            raise InvalidOption(
                f"autoscaling_config has no option {unknown[0]!r}; known are {sorted(allowed)}.",
            )
        return cls(**({"max_replicas": AUTO_MAX_REPLICAS, **value} if auto else value))
