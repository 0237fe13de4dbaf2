"""`AutoscalingConfig`: a module of its own, because most functions write none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from adapter.errors import InvalidOption
from adapter.serve.checks import require_choice, require_int, require_number, require_seconds
from adapter.serve.records import Record

AUTO_MAX_REPLICAS = 100  # Ray Serve: num_replicas="auto" scales between 1 and 100


class AggregationFunction(StrEnum):
    """How Ray's autoscaler makes one figure of many."""

    MEAN = "mean"
    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoscalingPolicy(Record):
    """The function, or its import path, that decides for Ray's autoscaler."""

    policy_function: str | Callable[..., Any] = (
        "ray.serve.autoscaling_policy:default_autoscaling_policy"
    )
    policy_kwargs: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoscalingConfig(Record):
    """How many environments a deployment keeps and may grow to, in Ray Serve's words.

    On Lambda `min_replicas` is kept warm (provisioned concurrency) and `max_replicas` is a cap
    (reserved concurrency). The remaining fields tune Ray's own autoscaler; they have its defaults,
    are checked, and `adapter build` says that they have no meaning on Lambda. Fields that end in
    `_s` are seconds.

    Raises `InvalidOption` for a value outside its range.
    """

    min_replicas: int = 1
    initial_replicas: int | None = None
    max_replicas: int = 1
    target_ongoing_requests: float | None = 2
    metrics_interval_s: float = 10.0
    look_back_period_s: float = 30.0
    smoothing_factor: float = 1.0
    upscale_smoothing_factor: float | None = None
    downscale_smoothing_factor: float | None = None
    upscaling_factor: float | None = None
    downscaling_factor: float | None = None
    downscale_delay_s: float = 600.0
    downscale_to_zero_delay_s: float | None = None
    upscale_delay_s: float = 30.0
    aggregation_function: AggregationFunction | str = AggregationFunction.MEAN
    policy: AutoscalingPolicy | Mapping[str, Any] = AutoscalingPolicy()

    def __post_init__(self) -> None:
        self._check_replicas()
        for name in ("metrics_interval_s", "look_back_period_s"):
            require_seconds(f"autoscaling_config.{name}", getattr(self, name))
        for name in ("downscale_delay_s", "downscale_to_zero_delay_s", "upscale_delay_s"):
            if (seconds := getattr(self, name)) is not None:
                require_seconds(f"autoscaling_config.{name}", seconds, zero=True)
        for name in _FACTORS:
            if (factor := getattr(self, name)) is not None:
                require_number(f"autoscaling_config.{name}", factor)
        chosen = str(self.aggregation_function).lower()
        require_choice("autoscaling_config.aggregation_function", chosen, ("mean", "max", "min"))
        policy = AutoscalingPolicy.of("autoscaling_config.policy", self.policy)
        object.__setattr__(self, "aggregation_function", AggregationFunction(chosen))
        object.__setattr__(self, "policy", policy)

    def _check_replicas(self) -> None:
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


_FACTORS = (
    "target_ongoing_requests",
    "smoothing_factor",
    "upscale_smoothing_factor",
    "downscale_smoothing_factor",
    "upscaling_factor",
    "downscaling_factor",
)


def beside_auto(value: object) -> AutoscalingConfig:
    """Take an autoscaling_config that stands beside `num_replicas="auto"`.

    There the largest number of replicas, where it is not said, is 100 and not 1.
    """
    if isinstance(value, AutoscalingConfig):
        said = value.max_replicas != 1
        return value if said else replace(value, max_replicas=AUTO_MAX_REPLICAS)
    if isinstance(value, Mapping):
        value = {"max_replicas": AUTO_MAX_REPLICAS, **value}
    return AutoscalingConfig.of("autoscaling_config", value)
