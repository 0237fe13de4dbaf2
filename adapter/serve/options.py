"""The options of a deployment: Ray Serve's parameters, checked, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import Any, Final, Literal

from adapter.errors import InvalidOption
from adapter.serve.lambda_options import LambdaOptions


class Default(Enum):
    """Marks a parameter that was not given, as `DEFAULT.VALUE` does in Ray Serve."""

    VALUE = "default"


DEFAULT: Final = Default.VALUE

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
        _require_int("autoscaling_config.min_replicas", self.min_replicas, least=0)
        _require_int("autoscaling_config.max_replicas", self.max_replicas, least=1)
        if self.max_replicas < self.min_replicas:
            raise InvalidOption(
                f"autoscaling_config.max_replicas={self.max_replicas} is below "
                f"min_replicas={self.min_replicas}; give max_replicas >= min_replicas.",
            )
        if self.initial_replicas is None:
            return
        _require_int("autoscaling_config.initial_replicas", self.initial_replicas, least=0)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentOptions:
    """What `@serve.deployment(...)` and `.options(...)` were given, after checking.

    `given` names the options that the user wrote, so that `adapter build` can say which of them
    have no meaning on Lambda. Times end in `_s` and are seconds.
    """

    name: str
    num_replicas: int | Literal["auto"] | None = None
    autoscaling_config: AutoscalingConfig | None = None
    max_ongoing_requests: int = 5
    max_queued_requests: int = -1
    ray_actor_options: Mapping[str, Any] = field(default_factory=dict)
    user_config: Any = None
    health_check_period_s: float = 10
    health_check_timeout_s: float = 30
    lambda_options: LambdaOptions = field(default_factory=LambdaOptions)
    ignored: Mapping[str, Any] = field(default_factory=dict)
    given: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InvalidOption(f"name={self.name!r} must be a non-empty string.")
        if "#" in self.name:
            raise InvalidOption(f"name={self.name!r} must not contain '#'.")
        if self.num_replicas is not None and self.num_replicas != "auto":
            _require_int("num_replicas", self.num_replicas, least=1)
        if isinstance(self.num_replicas, int) and self.autoscaling_config is not None:
            raise InvalidOption(
                "Manually setting num_replicas is not allowed when autoscaling_config is provided.",
            )
        _require_int("max_ongoing_requests", self.max_ongoing_requests, least=1)
        _require_int("max_queued_requests", self.max_queued_requests, least=-1)
        _require_seconds("health_check_period_s", self.health_check_period_s)
        _require_seconds("health_check_timeout_s", self.health_check_timeout_s)
        if not isinstance(self.ray_actor_options, Mapping):
            raise InvalidOption(f"ray_actor_options={self.ray_actor_options!r} must be a dict.")
        lambda_options: object = self.lambda_options
        if not isinstance(lambda_options, LambdaOptions):
            raise InvalidOption(
                f"lambda_options={lambda_options!r} must be a LambdaOptions, "
                "for example LambdaOptions(memory_mb=1024).",
            )

    def changed(self, **options: Any) -> "DeploymentOptions":
        """Return a copy with the given options replaced; `DEFAULT` leaves an option as it is.

        Raises `InvalidOption` for an unknown option or a value outside its range.
        """
        written = {name: value for name, value in options.items() if value is not DEFAULT}
        if "version" in written:
            raise InvalidOption(
                "version has been removed; CloudFormation sees changes by itself, delete it.",
            )
        ignored = {name: written.pop(name) for name in sorted(IGNORED_OPTIONS & written.keys())}
        unknown = sorted(written.keys() - _OWN_OPTIONS)
        if unknown:
            raise InvalidOption(
                f"serve.deployment has no option {unknown[0]!r}; "
                f"known are {sorted(_OWN_OPTIONS | IGNORED_OPTIONS)}.",
            )
        if (scaling := written.get("autoscaling_config")) is not None:
            auto = written.get("num_replicas", self.num_replicas) == "auto"
            written["autoscaling_config"] = AutoscalingConfig.of(scaling, auto=auto)
        if written.get("ray_actor_options", "") is None:
            written["ray_actor_options"] = {}
        given = self.given | {name for name in options if options[name] is not DEFAULT}
        return replace(self, ignored={**self.ignored, **ignored}, given=given, **written)


# Ray Serve's parameters that steer Ray's own cluster: accepted, and named once by `adapter build`.
IGNORED_OPTIONS = frozenset(
    {
        "placement_group_bundles",
        "placement_group_strategy",
        "placement_group_bundle_label_selector",
        "max_replicas_per_node",
        "backpressure_config",
        "graceful_shutdown_wait_loop_s",
        "graceful_shutdown_timeout_s",
        "logging_config",
        "request_router_config",
        "max_constructor_retry_count",
        "gang_scheduling_config",
        "deployment_actors",
        "rolling_update_percentage",
        "max_surge_percent",
    },
)
_OWN_OPTIONS = frozenset(
    known.name for known in fields(DeploymentOptions) if known.name not in {"ignored", "given"}
)


def _require_int(name: str, value: object, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidOption(f"{name}={value!r} must be a whole number, at least {least}.")


def _require_seconds(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise InvalidOption(f"{name}={value!r} must be a number of seconds, greater than 0.")
