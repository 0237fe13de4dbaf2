"""The options of a deployment: Ray Serve's parameters, checked, as frozen values."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from adapter.errors import InvalidOption
from adapter.serve.lambda_options import LambdaOptions

if TYPE_CHECKING:
    from adapter.serve.autoscaling import AutoscalingConfig


class Default(Enum):
    """Marks a parameter that was not given, as `DEFAULT.VALUE` does in Ray Serve."""

    VALUE = "default"


DEFAULT: Final = Default.VALUE


_NONE: Mapping[str, Any] = MappingProxyType({})


class DeploymentOptions(NamedTuple):
    """What `@serve.deployment(...)` and `.options(...)` were given; `changed` checks it.

    `given` names the options that the user wrote, so that `adapter build` can say which of them
    have no meaning on Lambda. Times end in `_s` and are seconds.
    """

    name: str
    num_replicas: int | Literal["auto"] | None = None
    autoscaling_config: "AutoscalingConfig | None" = None
    max_ongoing_requests: int = 5
    max_queued_requests: int = -1
    ray_actor_options: Mapping[str, Any] = _NONE
    user_config: Any = None
    health_check_period_s: float = 10
    health_check_timeout_s: float = 30
    lambda_options: LambdaOptions = LambdaOptions()
    ignored: Mapping[str, Any] = _NONE
    given: frozenset[str] = frozenset()

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
            from adapter.serve.autoscaling import AutoscalingConfig  # noqa: PLC0415 - loaded when used

            auto = written.get("num_replicas", self.num_replicas) == "auto"
            written["autoscaling_config"] = AutoscalingConfig.of(scaling, auto=auto)
        if written.get("ray_actor_options", "") is None:
            written["ray_actor_options"] = {}
        given = self.given | {name for name in options if options[name] is not DEFAULT}
        ignored = {**self.ignored, **ignored}
        return _checked(self._replace(ignored=ignored, given=given, **written))


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
_OWN_OPTIONS = frozenset(DeploymentOptions._fields) - {"ignored", "given"}


def _checked(options: DeploymentOptions) -> DeploymentOptions:
    if not isinstance(options.name, str) or not options.name:
        raise InvalidOption(f"name={options.name!r} must be a non-empty string.")
    if "#" in options.name:
        raise InvalidOption(f"name={options.name!r} must not contain '#'.")
    if options.num_replicas is not None and options.num_replicas != "auto":
        require_int("num_replicas", options.num_replicas, least=1)
    if isinstance(options.num_replicas, int) and options.autoscaling_config is not None:
        raise InvalidOption(
            "Manually setting num_replicas is not allowed when autoscaling_config is provided.",
        )
    require_int("max_ongoing_requests", options.max_ongoing_requests, least=1)
    require_int("max_queued_requests", options.max_queued_requests, least=-1)
    _require_seconds("health_check_period_s", options.health_check_period_s)
    _require_seconds("health_check_timeout_s", options.health_check_timeout_s)
    if not isinstance(options.ray_actor_options, Mapping):
        raise InvalidOption(f"ray_actor_options={options.ray_actor_options!r} must be a dict.")
    lambda_options: object = options.lambda_options
    if not isinstance(lambda_options, LambdaOptions):
        raise InvalidOption(
            f"lambda_options={lambda_options!r} must be a LambdaOptions, "
            "for example LambdaOptions(memory_mb=1024).",
        )
    return options


def require_int(name: str, value: object, *, least: int) -> None:
    """Raise `InvalidOption` unless `value` is a whole number and no less than `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidOption(f"{name}={value!r} must be a whole number, at least {least}.")


def _require_seconds(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise InvalidOption(f"{name}={value!r} must be a number of seconds, greater than 0.")
