"""What may be written in a config file: Ray Serve's `ServeDeploySchema`, in its newest form.

https://docs.ray.io/en/latest/serve/api/doc/ray.serve.schema.ServeDeploySchema.html

Limits are those of the options in code. `Default` marks what was not written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

from adapter.errors import InvalidOption
from adapter.plan.target import check_application_name
from adapter.serve.autoscaling import AutoscalingConfig, AutoscalingPolicy
from adapter.serve.backpressure import BackpressureConfig
from adapter.serve.checks import require_number
from adapter.serve.cluster import (
    ControllerOptions,
    DeploymentActorConfig,
    GangSchedulingConfig,
    RequestRouterConfig,
    gRPCOptions,
)
from adapter.serve.http_options import HTTPOptions, ProxyLocation
from adapter.serve.lambda_options import LambdaOptions
from adapter.serve.names import DEFAULT_APPLICATION
from adapter.serve.options import DEFAULT, Default, DeploymentOptions
from adapter.serve.records import Record
from adapter.serve.running import check_route_prefix
from adapter.serve.schema import LoggingConfig
from adapter.serve.start_options import TracingConfig

# A mapping that stays what was written; its fields are those of the class behind it.
Written = Mapping[str, Any]


def _as(kind: type[Record], option: str) -> Callable[[Any], object]:
    return lambda written: kind.of(option, written)


def _check_name(name: str) -> None:
    DeploymentOptions(name="").changed(name=name)


def _check_import_path(path: str) -> None:
    module, separator, attribute = path.partition(":")
    if not separator:
        module, _, attribute = path.rpartition(".")
    if not module or not attribute or ":" in attribute:
        raise InvalidOption(
            f"import_path={path!r} must have the form module:attribute or module.attribute, for "
            "example main:app.",
        )


def _check_some(applications: tuple[Any, ...]) -> None:
    if not applications:
        raise InvalidOption("applications must name at least one application.")


def _check_capacity(percent: float) -> None:
    if not 0 <= percent <= 100:
        raise InvalidOption(f"target_capacity={percent!r} must be a number from 0 to 100.")


def _check_variables(variables: Mapping[str, str]) -> None:
    LambdaOptions(environment=variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipConfig:
    """Ray's longer form of `pip`. Only `packages` mean something to `sam build`."""

    packages: tuple[str, ...] | str
    pip_check: bool = False
    pip_version: str | None = None
    pip_install_options: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeEnvironment:
    """Ray's `runtime_env`. On Lambda `env_vars`, `pip` and a local `working_dir` have a place."""

    env_vars: Annotated[Mapping[str, str], _check_variables] | None = None
    pip: tuple[str, ...] | str | Annotated[Written, PipConfig] | None = None
    working_dir: str | None = None
    conda: Any = None
    config: Any = None
    container: Any = None
    excludes: Any = None
    image_uri: Any = None
    java_jars: Any = None
    py_executable: Any = None
    py_modules: Any = None
    uv: Any = None
    worker_process_setup_hook: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorOptions:
    """Ray's `ray_actor_options`: what one replica needs."""

    runtime_env: Annotated[Written, RuntimeEnvironment] | None = None
    num_cpus: float | None = None
    num_gpus: float | None = None
    memory: float | None = None
    resources: Mapping[str, Any] | None = None
    accelerator_type: str | None = None
    label_selector: Mapping[str, str] | None = None
    fallback_strategy: tuple[Mapping[str, Any], ...] | None = None
    object_store_memory: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentConfig:
    """Options of one deployment, which take the place of those in its code."""

    name: Annotated[str, _check_name]
    num_replicas: int | Literal["auto"] | Default | None = DEFAULT
    autoscaling_config: Annotated[Written, AutoscalingConfig] | Default | None = DEFAULT
    max_ongoing_requests: int | Default = DEFAULT
    max_concurrent_queries: int | Default = DEFAULT  # as releases before 2.10 called it
    max_queued_requests: int | Default = DEFAULT
    backpressure_config: Annotated[Written, BackpressureConfig] | Default | None = DEFAULT
    user_config: Mapping[Any, Any] | Default | None = DEFAULT
    ray_actor_options: Annotated[Written, ActorOptions] | Default | None = DEFAULT
    lambda_options: Annotated[Written, LambdaOptions] | Default = DEFAULT
    logging_config: Annotated[Written, LoggingConfig] | Default | None = DEFAULT
    health_check_period_s: float | Default = DEFAULT
    health_check_timeout_s: float | Default = DEFAULT
    graceful_shutdown_wait_loop_s: float | Default = DEFAULT
    graceful_shutdown_timeout_s: float | Default = DEFAULT
    max_constructor_retry_count: int | Default = DEFAULT
    max_replicas_per_node: int | Default | None = DEFAULT
    placement_group_bundles: tuple[Mapping[str, float], ...] | Default | None = DEFAULT
    placement_group_strategy: str | Default | None = DEFAULT
    placement_group_bundle_label_selector: tuple[Mapping[str, str], ...] | Default | None = DEFAULT
    request_router_config: Annotated[Written, RequestRouterConfig] | Default = DEFAULT
    gang_scheduling_config: Annotated[Written, GangSchedulingConfig] | Default | None = DEFAULT
    deployment_actors: tuple[Annotated[Written, DeploymentActorConfig], ...] | Default | None = (
        DEFAULT
    )
    rolling_update_percentage: float | Default = DEFAULT
    max_surge_percent: int | Default = DEFAULT

    @staticmethod
    def check(written: Mapping[str, Any]) -> None:
        """Raise `InvalidOption` for a value outside its range, whatever the code says."""
        options = _options(written)
        if "placement_group_bundles" not in options:  # the code may have them
            options.pop("placement_group_strategy", None)
            options.pop("placement_group_bundle_label_selector", None)
        resources = options.get("ray_actor_options") or {}
        for name in {"num_cpus", "num_gpus", "memory"} & resources.keys():
            if resources[name] is not None:
                require_number(f"ray_actor_options.{name}", resources[name], zero=True)
        DeploymentOptions(name="deployment").changed(**options)

    @property
    def options(self) -> dict[str, Any]:
        """What was written, as `Deployment.options` takes it."""
        return _options({one.name: getattr(self, one.name) for one in fields(self)})


def _options(written: Mapping[str, Any]) -> dict[str, Any]:
    options = {
        name: value for name, value in written.items() if name != "name" and value is not DEFAULT
    }
    if "lambda_options" in options:
        options["lambda_options"] = LambdaOptions.of("lambda_options", options["lambda_options"])
    return options


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationConfig:
    """One application: what is imported, what it is called, and where HTTP reaches it.

    `args` are those of an application builder. `host`, `port`, `autoscaling_policy` and
    `external_scaler_enabled` are Ray's.
    """

    import_path: Annotated[str, _check_import_path]
    name: Annotated[str, check_application_name] = DEFAULT_APPLICATION
    route_prefix: Annotated[str, check_route_prefix] | None = "/"
    args: Mapping[Any, Any] = field(default_factory=dict)
    deployments: tuple[DeploymentConfig, ...] = ()
    runtime_env: Annotated[Written, RuntimeEnvironment] = field(default_factory=dict)
    logging_config: (
        Annotated[Written, LoggingConfig, _as(LoggingConfig, "logging_config")] | None
    ) = None
    host: str | Default = DEFAULT
    port: int | Default = DEFAULT
    autoscaling_policy: Annotated[Written, AutoscalingPolicy] | None = None
    external_scaler_enabled: bool = False

    @property
    def target(self) -> str:
        """The import path as module:attribute."""
        if ":" in self.import_path:
            return self.import_path
        module, _, attribute = self.import_path.rpartition(".")
        return f"{module}:{attribute}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConfig:
    """The keys of `http_options`; `HTTPOptions` says what they mean."""

    host: str = ""
    port: int = 0
    root_path: str = ""
    request_timeout_s: float | None = None
    keep_alive_timeout_s: float = 0
    ssl_keyfile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile_password: str | None = None
    ssl_ca_certs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig:
    """A whole config file.

    `proxy_location: Disabled` serves no HTTP; `logging_config` is for applications that have none.
    `http_options` holds what was written. `target_capacity` and the options of gRPC, of the
    controller and of tracing are Ray's.
    """

    applications: Annotated[tuple[ApplicationConfig, ...], _check_some]
    proxy_location: ProxyLocation = ProxyLocation.EveryNode
    http_options: Annotated[Written, HttpConfig, _as(HTTPOptions, "http_options")] = field(
        default_factory=dict,
    )
    logging_config: (
        Annotated[Written, LoggingConfig, _as(LoggingConfig, "logging_config")] | None
    ) = None
    grpc_options: Annotated[Written, gRPCOptions, _as(gRPCOptions, "grpc_options")] | None = None
    controller_options: Annotated[Written, ControllerOptions] | None = None
    tracing_config: (
        Annotated[Written, TracingConfig, _as(TracingConfig, "tracing_config")] | None
    ) = None
    target_capacity: Annotated[float, _check_capacity] | None = None
