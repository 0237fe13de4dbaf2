"""The programming model of Ray Serve, for AWS Lambda: `from adapter import serve`.

Importing this package loads nothing but the standard library, and of the package itself what a
name needs when it is used: inside a function every import is paid for at each cold start.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapter.serve.autoscaling import AutoscalingConfig
    from adapter.serve.batching import batch
    from adapter.serve.deployments import Application, Deployment, deployment
    from adapter.serve.handles import DeploymentHandle, get_app_handle, get_deployment_handle
    from adapter.serve.ingresses import ingress
    from adapter.serve.lambda_options import LambdaOptions
    from adapter.serve.responses import DeploymentResponse, DeploymentResponseGenerator
    from adapter.serve.running import run, shutdown, start

__all__ = [
    "Application",
    "AutoscalingConfig",
    "Deployment",
    "DeploymentHandle",
    "DeploymentResponse",
    "DeploymentResponseGenerator",
    "LambdaOptions",
    "batch",
    "deployment",
    "get_app_handle",
    "get_deployment_handle",
    "ingress",
    "run",
    "shutdown",
    "start",
]

_MODULES = {
    "autoscaling": ("AutoscalingConfig",),
    "batching": ("batch",),
    "deployments": ("Application", "Deployment", "deployment"),
    "handles": ("DeploymentHandle", "get_app_handle", "get_deployment_handle"),
    "ingresses": ("ingress",),
    "lambda_options": ("LambdaOptions",),
    "responses": ("DeploymentResponse", "DeploymentResponseGenerator"),
    "running": ("run", "shutdown", "start"),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            found = getattr(importlib.import_module(f"{__name__}.{module}"), name)
            globals()[name] = found  # the next time it is found without coming here
            return found
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
