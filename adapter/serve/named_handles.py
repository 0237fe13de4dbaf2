"""Handles that are asked for by name."""

from typing import Any

from adapter.errors import ServeError
from adapter.serve import context, transport
from adapter.serve.handles import DeploymentHandle


def get_deployment_handle(
    deployment_name: str,
    app_name: str | None = None,
    _check_exists: bool = True,  # noqa: FBT001, FBT002 - Ray Serve's signature
    _record_telemetry: bool = True,  # noqa: FBT001, FBT002 - Ray Serve's signature
) -> DeploymentHandle[Any]:
    """Return a handle to a deployment by name; `app_name` defaults to the caller's application.

    Raises `ServeError` where `app_name` is left out outside of a deployment, and KeyError where
    the deployment is known not to exist (Lambda itself is not asked).
    """
    del _record_telemetry  # there is none
    application = app_name or _current_application()
    if _check_exists:
        transport.current().check(deployment_name, application)
    return DeploymentHandle(deployment_name, application)


def get_app_handle(name: str) -> DeploymentHandle[Any]:
    """Return a handle to the ingress of the application `name`.

    Raises `ServeError` where there is no such application.
    """
    return DeploymentHandle(transport.current().ingress(name), name)


def _current_application() -> str:
    deployment = context.current()
    if deployment is None:
        raise ServeError(
            "Please specify an application name when getting a deployment handle outside of a "
            'Serve application, for example serve.get_deployment_handle("Model", '
            'app_name="default").',
        )
    return deployment.application
