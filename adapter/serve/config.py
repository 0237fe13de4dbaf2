"""What Ray Serve has in `ray.serve.config`, loaded when it is used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapter.serve.autoscaling import (
        AggregationFunction,
        AutoscalingConfig,
        AutoscalingPolicy,
    )
    from adapter.serve.backpressure import BackpressureConfig
    from adapter.serve.cluster import (
        ControllerOptions,
        DeploymentActorConfig,
        GangPlacementStrategy,
        GangRuntimeFailurePolicy,
        GangSchedulingConfig,
        RequestRouterConfig,
        gRPCOptions,
    )
    from adapter.serve.http_options import HTTPOptions, ProxyLocation

__all__ = [
    "AggregationFunction",
    "AutoscalingConfig",
    "AutoscalingPolicy",
    "BackpressureConfig",
    "ControllerOptions",
    "DeploymentActorConfig",
    "GangPlacementStrategy",
    "GangRuntimeFailurePolicy",
    "GangSchedulingConfig",
    "HTTPOptions",
    "ProxyLocation",
    "RequestRouterConfig",
    "gRPCOptions",
]

_MODULES = {
    "autoscaling": ("AggregationFunction", "AutoscalingConfig", "AutoscalingPolicy"),
    "backpressure": ("BackpressureConfig",),
    "cluster": (
        "ControllerOptions",
        "DeploymentActorConfig",
        "GangPlacementStrategy",
        "GangRuntimeFailurePolicy",
        "GangSchedulingConfig",
        "RequestRouterConfig",
        "gRPCOptions",
    ),
    "http_options": ("HTTPOptions", "ProxyLocation"),
}


if not TYPE_CHECKING:  # where it would make any name a good one

    def __getattr__(name: str) -> Any:
        for module, names in _MODULES.items():
            if name in names:
                return getattr(importlib.import_module(f"adapter.serve.{module}"), name)
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
