"""Settings of a Ray cluster. Programs that write them run; on Lambda they have no effect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from adapter.errors import InvalidOption
from adapter.serve.checks import require_int, require_number, require_seconds, require_text
from adapter.serve.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRouterConfig(Record):
    """How Ray Serve chooses a replica. Lambda chooses the environment itself."""

    request_router_class: str | Callable[..., Any] = (
        "ray.serve._private.request_router:PowerOfTwoChoicesRequestRouter"
    )
    request_router_kwargs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    request_routing_stats_period_s: float = 10
    request_routing_stats_timeout_s: float = 30
    initial_backoff_s: float = 0.025
    backoff_multiplier: float = 2
    max_backoff_s: float = 0.5

    def __post_init__(self) -> None:
        for name in ("request_routing_stats_period_s", "request_routing_stats_timeout_s"):
            require_seconds(f"request_router_config.{name}", getattr(self, name))
        for name in ("initial_backoff_s", "backoff_multiplier", "max_backoff_s"):
            require_number(f"request_router_config.{name}", getattr(self, name))


class GangPlacementStrategy(StrEnum):
    """Where Ray places the replicas of a gang."""

    PACK = "PACK"
    SPREAD = "SPREAD"


class GangRuntimeFailurePolicy(StrEnum):
    """What Ray restarts when a replica of a gang fails."""

    RESTART_GANG = "RESTART_GANG"
    RESTART_REPLICA = "RESTART_REPLICA"


@dataclass(frozen=True, slots=True, kw_only=True)
class GangSchedulingConfig(Record):
    """Replicas that Ray starts together. Lambda starts each environment by itself."""

    gang_size: int
    gang_placement_strategy: GangPlacementStrategy | str = GangPlacementStrategy.PACK
    runtime_failure_policy: GangRuntimeFailurePolicy | str = GangRuntimeFailurePolicy.RESTART_GANG

    def __post_init__(self) -> None:
        require_int("gang_scheduling_config.gang_size", self.gang_size, least=1)
        self._choose("gang_placement_strategy", GangPlacementStrategy)
        self._choose("runtime_failure_policy", GangRuntimeFailurePolicy)

    def _choose(self, name: str, choices: type[StrEnum]) -> None:
        written = getattr(self, name)
        try:
            object.__setattr__(self, name, choices(written))
        except ValueError:
            allowed = ", ".join(map(repr, map(str, choices)))
            raise InvalidOption(
                f"gang_scheduling_config.{name}={written!r} must be one of {allowed}.",
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentActorConfig(Record):
    """A Ray actor that all replicas of a deployment share. There are no actors on Lambda."""

    name: str
    actor_class: Any
    init_args: tuple[Any, ...] = ()
    init_kwargs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    actor_options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        require_text("deployment_actors.name", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerOptions(Record):
    """Options of the actor that controls Ray Serve. Lambda needs none."""

    runtime_env: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class gRPCOptions(Record):  # noqa: N801 - Ray Serve's name
    """Options of Ray Serve's gRPC proxy. Lambda's front doors speak HTTP."""

    port: int = 9000
    grpc_servicer_functions: tuple[str, ...] = ()
    request_timeout_s: float | None = None
    enable_reflection: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "grpc_servicer_functions", tuple(self.grpc_servicer_functions))
