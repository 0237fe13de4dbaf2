"""The programming model of Ray Serve, for AWS Lambda: `from adapter import serve`.

Importing this package loads nothing but the standard library.
"""

from adapter.serve.batching import batch
from adapter.serve.deployments import Application, Deployment, deployment
from adapter.serve.handles import DeploymentHandle, get_app_handle, get_deployment_handle
from adapter.serve.ingresses import ingress
from adapter.serve.lambda_options import LambdaOptions
from adapter.serve.options import AutoscalingConfig
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
