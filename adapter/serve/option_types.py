"""The options of a deployment as type checkers and editors see them. Never loaded at run time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypedDict, overload

from adapter.serve.autoscaling import AutoscalingConfig
from adapter.serve.backpressure import BackpressureConfig
from adapter.serve.cluster import DeploymentActorConfig, GangSchedulingConfig, RequestRouterConfig
from adapter.serve.deployments import Deployment
from adapter.serve.lambda_options import LambdaOptions
from adapter.serve.schema import LoggingConfig
from adapter.serve.type_variables import Class, Parameters, Result


class Options(TypedDict, total=False):
    """The keywords of `serve.deployment` and `Deployment.options`."""

    name: str | None
    num_replicas: int | Literal["auto"] | None
    ray_actor_options: Mapping[str, Any] | None
    placement_group_bundles: Sequence[Mapping[str, float]] | None
    placement_group_strategy: str | None
    placement_group_bundle_label_selector: Sequence[Mapping[str, str]] | None
    max_replicas_per_node: int | None
    user_config: Any
    max_ongoing_requests: int
    max_queued_requests: int
    backpressure_config: BackpressureConfig | Mapping[str, Any] | None
    autoscaling_config: AutoscalingConfig | Mapping[str, Any] | None
    graceful_shutdown_wait_loop_s: float
    graceful_shutdown_timeout_s: float
    health_check_period_s: float
    health_check_timeout_s: float
    logging_config: LoggingConfig | Mapping[str, Any] | None
    request_router_config: RequestRouterConfig | Mapping[str, Any] | None
    max_constructor_retry_count: int
    gang_scheduling_config: GangSchedulingConfig | Mapping[str, Any] | None
    deployment_actors: Sequence[DeploymentActorConfig | Mapping[str, Any]] | None
    rolling_update_percentage: float
    max_surge_percent: int
    lambda_options: LambdaOptions
    _init_args: Sequence[Any]
    _init_kwargs: Mapping[str, Any]
    # The older form.
    version: str
    prev_version: str
    init_args: Sequence[Any]
    init_kwargs: Mapping[str, Any]
    route_prefix: str | None
    max_concurrent_queries: int


class Decorator(Protocol):
    """What `serve.deployment(...)` with options returns."""

    @overload
    def __call__(self, func_or_class: Class, /) -> Deployment[Class]: ...
    @overload
    def __call__(
        self,
        func_or_class: Callable[Parameters, Result],
        /,
    ) -> Deployment[Callable[..., Callable[Parameters, Result]]]: ...


class HandleOptions(TypedDict, total=False):
    """The keywords of `DeploymentHandle.options` that do not change what a call returns."""

    multiplexed_model_id: str
    session_id: str
    _prefer_local_routing: bool
    _by_reference: bool
    request_serialization: str
    response_serialization: str
