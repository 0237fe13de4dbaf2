"""The options of a deployment: Ray Serve's parameters, checked, as frozen values."""

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from adapter.errors import InvalidOption
from adapter.serve.checks import require_int, require_number, require_seconds
from adapter.serve.records import refuse_unknown

if TYPE_CHECKING:
    from adapter.serve.autoscaling import AutoscalingConfig
    from adapter.serve.backpressure import BackpressureConfig
    from adapter.serve.cluster import (
        DeploymentActorConfig,
        GangSchedulingConfig,
        RequestRouterConfig,
    )
    from adapter.serve.lambda_options import LambdaOptions
    from adapter.serve.schema import LoggingConfig


class Default(Enum):
    """Marks a parameter that was not given, as `DEFAULT.VALUE` does in Ray Serve."""

    VALUE = "default"


DEFAULT: Final = Default.VALUE


_NONE: Mapping[str, Any] = MappingProxyType({})


class _Written(NamedTuple):
    """The fields of `DeploymentOptions`, as the user wrote them."""

    name: str
    num_replicas: int | Literal["auto"] | None = None
    autoscaling_config: "AutoscalingConfig | None" = None
    max_ongoing_requests: int = 5
    max_queued_requests: int = -1
    backpressure_config: "BackpressureConfig | None" = None
    ray_actor_options: Mapping[str, Any] = _NONE
    user_config: Any = None
    health_check_period_s: float = 10
    health_check_timeout_s: float = 30
    graceful_shutdown_wait_loop_s: float = 2
    graceful_shutdown_timeout_s: float = 20
    logging_config: "LoggingConfig | None" = None
    lambda_options: "LambdaOptions | None" = None
    placement_group_bundles: Any = None
    placement_group_strategy: str | None = None
    placement_group_bundle_label_selector: Any = None
    max_replicas_per_node: int | None = None
    max_constructor_retry_count: int = 20
    rolling_update_percentage: float = 0.2
    max_surge_percent: int = 0
    request_router_config: "RequestRouterConfig | None" = None
    gang_scheduling_config: "GangSchedulingConfig | None" = None
    deployment_actors: "tuple[DeploymentActorConfig, ...] | None" = None
    init_args: tuple[Any, ...] = ()
    init_kwargs: Mapping[str, Any] = _NONE
    route_prefix: str | Default | None = DEFAULT
    version: str | None = None
    prev_version: str | None = None
    given: frozenset[str] = frozenset()


class DeploymentOptions(_Written):
    """What `@serve.deployment(...)` and `.options(...)` were given; `changed` checks it.

    `given` names the options that the user wrote, so that `adapter build` can say which of them
    have no meaning on Lambda. Times end in `_s` and are seconds. Defaults are Ray Serve's; where
    that is a configuration object, it is None, and made by who reads it.

    `init_args` and `init_kwargs` are constructor arguments of the older form, `route_prefix` is
    where `deploy()` serves it, `version` and `prev_version` are kept to be shown.
    """

    __slots__ = ()

    @property
    def lambda_options(self) -> "LambdaOptions":
        """As written, or the defaults: a function that runs never asks."""
        from adapter.serve.lambda_options import LambdaOptions  # noqa: PLC0415 - for who asks

        written: LambdaOptions | None = super().lambda_options
        return LambdaOptions() if written is None else written

    @property
    def ignored(self) -> Mapping[str, Any]:
        """The options that the user wrote and that mean something to Ray's cluster only."""
        return {name: getattr(self, name) for name in sorted(IGNORED_OPTIONS & self.given)}

    def changed(self, **options: Any) -> "DeploymentOptions":
        """Return a copy with the given options replaced; `DEFAULT` leaves an option as it is.

        Raises `InvalidOption` for an unknown option or a value outside its range.
        """
        written = {name: value for name, value in options.items() if value is not DEFAULT}
        if not OLDER_OPTIONS.isdisjoint(written):
            from adapter.serve import older  # noqa: PLC0415 - a form that few programs have

            written = older.rewritten(self, written)
        for name in ("init_args", "init_kwargs"):
            if f"_{name}" in written:
                written[name] = written.pop(f"_{name}")
        refuse_unknown("serve.deployment", written, OPTIONS)
        given = self.given | written.keys()
        _refuse_none(written)
        _refuse_contradictions(written)
        if "lambda_options" in written:
            _check_lambda_options(written["lambda_options"])
        written = {**_replaced_scaling(written), **_converted(written)}
        return _checked(self._replace(**written, given=given))


# Ray Serve's parameters that steer Ray's own cluster: accepted, and named once by `adapter build`.
IGNORED_OPTIONS = frozenset(
    {
        "placement_group_bundles",
        "placement_group_strategy",
        "placement_group_bundle_label_selector",
        "max_replicas_per_node",
        "graceful_shutdown_wait_loop_s",
        "graceful_shutdown_timeout_s",
        "request_router_config",
        "max_constructor_retry_count",
        "gang_scheduling_config",
        "deployment_actors",
        "rolling_update_percentage",
        "max_surge_percent",
    },
)
# What older releases of Ray Serve took; `adapter.serve.older` puts it into today's words.
OLDER_OPTIONS = frozenset(
    {
        "version",
        "prev_version",
        "init_args",
        "init_kwargs",
        "route_prefix",
        "max_concurrent_queries",
        "is_driver_deployment",
        "_autoscaling_config",
        "_graceful_shutdown_wait_loop_s",
        "_graceful_shutdown_timeout_s",
        "_health_check_period_s",
        "_health_check_timeout_s",
    },
)
OPTIONS = frozenset(DeploymentOptions._fields) - {"given"}
# https://docs.ray.io/en/latest/serve/api/doc/ray.serve.deployment_decorator.html
_ACTOR_OPTIONS = frozenset(
    {"accelerator_type", "memory", "num_cpus", "num_gpus", "resources", "runtime_env"}
    | {"label_selector", "fallback_strategy", "object_store_memory"},
)


def _refuse_none(written: Mapping[str, Any]) -> None:
    if written.get("max_ongoing_requests", 1) is None:
        raise InvalidOption("`max_ongoing_requests` must be non-null, got None.")


def _refuse_contradictions(written: Mapping[str, Any]) -> None:
    said = {name for name, value in written.items() if value is not None}
    if "autoscaling_config" in said and "num_replicas" in said and not _is_auto(written):
        raise InvalidOption(
            "Manually setting num_replicas is not allowed when autoscaling_config is provided.",
        )
    if "gang_scheduling_config" in said and "max_replicas_per_node" in said:
        raise InvalidOption(
            "Setting max_replicas_per_node is not allowed when gang_scheduling_config is provided. "
            "Please set max_replicas_per_node to None.",
        )
    if "gang_scheduling_config" in said and "placement_group_strategy" in said:
        raise InvalidOption(
            "Setting placement_group_strategy is not allowed when gang_scheduling_config is "
            "provided. Use gang_scheduling_config.gang_placement_strategy instead.",
        )


def _is_auto(written: Mapping[str, Any]) -> bool:
    return bool(written.get("num_replicas") == "auto")


def _replaced_scaling(written: Mapping[str, Any]) -> dict[str, Any]:
    """A fixed number of replicas replaces a range that was said before, and the other way round."""
    if written.get("num_replicas") is not None:
        return {"autoscaling_config": None}
    if written.get("autoscaling_config") is not None:
        return {"num_replicas": None}
    return {}


def _converted(written: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what may be written as a dict into what it is."""
    converted = dict(written)
    for name, convert in _CONVERTED.items():
        if written.get(name) is not None:
            converted[name] = convert(written[name], written)
    if "ray_actor_options" in written and written["ray_actor_options"] is None:
        converted["ray_actor_options"] = {}
    return converted


def _autoscaling_config(value: Any, written: Mapping[str, Any]) -> "AutoscalingConfig":
    from adapter.serve import autoscaling  # noqa: PLC0415 - loaded when used

    if _is_auto(written):
        return autoscaling.beside_auto(value)
    return autoscaling.AutoscalingConfig.of("autoscaling_config", value)


def _backpressure_config(value: Any, _: Any) -> "BackpressureConfig":
    from adapter.serve.backpressure import BackpressureConfig  # noqa: PLC0415 - loaded when used

    return BackpressureConfig.of("backpressure_config", value)


def _logging_config(value: Any, _: Any) -> "LoggingConfig":
    from adapter.serve.schema import LoggingConfig  # noqa: PLC0415 - loaded when used

    return LoggingConfig.of("logging_config", value)


def _request_router_config(value: Any, _: Any) -> "RequestRouterConfig":
    from adapter.serve.cluster import RequestRouterConfig  # noqa: PLC0415 - loaded when used

    return RequestRouterConfig.of("request_router_config", value)


def _gang_scheduling_config(value: Any, _: Any) -> "GangSchedulingConfig":
    from adapter.serve.cluster import GangSchedulingConfig  # noqa: PLC0415 - loaded when used

    return GangSchedulingConfig.of("gang_scheduling_config", value)


def _deployment_actors(value: Any, _: Any) -> "tuple[DeploymentActorConfig, ...]":
    from adapter.serve.cluster import DeploymentActorConfig  # noqa: PLC0415 - loaded when used

    if not isinstance(value, (list, tuple)):
        raise InvalidOption(f"deployment_actors={value!r} must be a list.")
    return tuple(DeploymentActorConfig.of("deployment_actors", actor) for actor in value)


_CONVERTED: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "autoscaling_config": _autoscaling_config,
    "backpressure_config": _backpressure_config,
    "logging_config": _logging_config,
    "request_router_config": _request_router_config,
    "gang_scheduling_config": _gang_scheduling_config,
    "deployment_actors": _deployment_actors,
}


def _checked(options: DeploymentOptions) -> DeploymentOptions:
    _check_name(options.name)
    if options.num_replicas is not None and options.num_replicas != "auto":
        require_int("num_replicas", options.num_replicas, least=1)
    require_int("max_ongoing_requests", options.max_ongoing_requests, least=1)
    queued: Any = options.max_queued_requests
    if type(queued) is not int or (queued < 1 and queued != -1):
        raise InvalidOption(
            f"max_queued_requests={queued!r} must be -1 (no limit) or a positive integer.",
        )
    require_seconds("health_check_period_s", options.health_check_period_s)
    require_seconds("health_check_timeout_s", options.health_check_timeout_s)
    _check_actor_options(options.ray_actor_options)
    _check_cluster(options)
    return options


def _check_lambda_options(written: object) -> None:
    from adapter.serve.lambda_options import LambdaOptions  # noqa: PLC0415 - loaded when used

    if not isinstance(written, LambdaOptions):
        raise InvalidOption(
            f"lambda_options={written!r} must be a LambdaOptions, "
            "for example LambdaOptions(memory_mb=1024).",
        )


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name:
        raise InvalidOption(f"name={name!r} must be a non-empty string.")
    if "#" in name:
        raise InvalidOption(
            f"Deployment names must not contain the '#' character. Current name: {name}.",
        )


def _check_actor_options(options: object) -> None:
    if not isinstance(options, Mapping):
        raise InvalidOption(f"ray_actor_options={options!r} must be a dict.")
    refuse_unknown("ray_actor_options", options, _ACTOR_OPTIONS)


def _check_cluster(options: DeploymentOptions) -> None:
    """Check what has no effect on Lambda as Ray Serve checks it: the program may run there, too."""
    require_seconds(
        "graceful_shutdown_wait_loop_s",
        options.graceful_shutdown_wait_loop_s,
        zero=True,
    )
    require_seconds(
        "graceful_shutdown_timeout_s",
        options.graceful_shutdown_timeout_s,
        zero=True,
    )
    require_int("max_constructor_retry_count", options.max_constructor_retry_count, least=1)
    require_int("max_surge_percent", options.max_surge_percent, least=0, most=100)
    require_number("rolling_update_percentage", options.rolling_update_percentage)
    if options.rolling_update_percentage > 1:
        raise InvalidOption(
            f"rolling_update_percentage={options.rolling_update_percentage!r} is a share, at most "
            "1.0.",
        )
    if options.max_replicas_per_node is not None:
        require_int("max_replicas_per_node", options.max_replicas_per_node, least=1, most=100)
    _check_placement(options)


def _check_placement(options: DeploymentOptions) -> None:
    if options.placement_group_bundles is not None:
        if options.max_replicas_per_node is not None:
            raise InvalidOption(
                "Setting max_replicas_per_node is not allowed when placement_group_bundles is "
                "provided.",
            )
        return
    for name in ("placement_group_strategy", "placement_group_bundle_label_selector"):
        if getattr(options, name) is not None:
            raise InvalidOption(
                f"If `{name}` is provided, `placement_group_bundles` must also be provided.",
            )
