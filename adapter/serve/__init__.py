"""The programming model of Ray Serve, for AWS Lambda: `from adapter import serve`.

Importing this package loads nothing but the standard library, and of the package itself what a
name needs when it is used: inside a function every import is paid for at each cold start.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapter.serve import config as config
    from adapter.serve import event_sources as event_sources
    from adapter.serve import exceptions as exceptions
    from adapter.serve import handle as handle
    from adapter.serve import metrics as metrics
    from adapter.serve import schema as schema
    from adapter.serve.autoscaling import AutoscalingConfig
    from adapter.serve.batching import batch
    from adapter.serve.capacity_providers import CapacityProvider
    from adapter.serve.cluster import ControllerOptions
    from adapter.serve.cors import Cors
    from adapter.serve.deployments import Application, Deployment, deployment
    from adapter.serve.event_sources import EventBridgeRule, S3Bucket, Schedule, SQSQueue
    from adapter.serve.handles import DeploymentHandle
    from adapter.serve.http_options import HTTPOptions
    from adapter.serve.ingresses import ingress
    from adapter.serve.lambda_options import LambdaOptions
    from adapter.serve.multiplexing import get_multiplexed_model_id, multiplexed
    from adapter.serve.named_handles import get_app_handle, get_deployment_handle
    from adapter.serve.older import get_deployment, list_deployments
    from adapter.serve.replica import get_replica_context
    from adapter.serve.responses import DeploymentResponse, DeploymentResponseGenerator
    from adapter.serve.running import (
        RunTarget,
        delete,
        run,
        run_many,
        shutdown,
        shutdown_async,
        start,
        status,
    )
    from adapter.serve.start_options import TracingConfig
    from adapter.serve.vpc import VpcConfig

__all__ = [
    "Application",
    "AutoscalingConfig",
    "CapacityProvider",
    "ControllerOptions",
    "Cors",
    "Deployment",
    "DeploymentHandle",
    "DeploymentResponse",
    "DeploymentResponseGenerator",
    "EventBridgeRule",
    "HTTPOptions",
    "LambdaOptions",
    "RunTarget",
    "S3Bucket",
    "SQSQueue",
    "Schedule",
    "TracingConfig",
    "VpcConfig",
    "batch",
    "delete",
    "deployment",
    "get_app_handle",
    "get_deployment",
    "get_deployment_handle",
    "get_multiplexed_model_id",
    "get_replica_context",
    "ingress",
    "list_deployments",
    "multiplexed",
    "run",
    "run_many",
    "shutdown",
    "shutdown_async",
    "start",
    "status",
]

_MODULES = {
    "autoscaling": ("AutoscalingConfig",),
    "batching": ("batch",),
    "capacity_providers": ("CapacityProvider",),
    "cluster": ("ControllerOptions",),
    "cors": ("Cors",),
    "deployments": ("Application", "Deployment", "deployment"),
    "event_sources": ("EventBridgeRule", "S3Bucket", "SQSQueue", "Schedule"),
    "handles": ("DeploymentHandle",),
    "http_options": ("HTTPOptions",),
    "ingresses": ("ingress",),
    "lambda_options": ("LambdaOptions",),
    "multiplexing": ("get_multiplexed_model_id", "multiplexed"),
    "named_handles": ("get_app_handle", "get_deployment_handle"),
    "older": ("get_deployment", "list_deployments"),
    "replica": ("get_replica_context",),
    "responses": ("DeploymentResponse", "DeploymentResponseGenerator"),
    "running": (
        "RunTarget",
        "delete",
        "run",
        "run_many",
        "shutdown",
        "shutdown_async",
        "start",
        "status",
    ),
    "start_options": ("TracingConfig",),
    "vpc": ("VpcConfig",),
}

_SUBMODULES = ("config", "event_sources", "exceptions", "handle", "metrics", "schema")


if not TYPE_CHECKING:  # where it would make any name a good one

    def __getattr__(name: str) -> Any:
        if name in _SUBMODULES:
            return importlib.import_module(f"{__name__}.{name}")
        for module, names in _MODULES.items():
            if name in names:
                found = getattr(importlib.import_module(f"{__name__}.{module}"), name)
                globals()[name] = found  # the next time it is found without coming here
                return found
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
