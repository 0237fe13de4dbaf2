"""`serve.run` and its kin: serve applications from this process.

The programming model lies at the bottom of the package and the local server at the top. These
functions are the one door between them, opened when they are called, so that importing
`adapter.serve` inside a Lambda function loads no server.
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from adapter.errors import InvalidOption, ServeError
from adapter.serve import context
from adapter.serve.deployments import Application
from adapter.serve.handles import DeploymentHandle
from adapter.serve.names import DEFAULT_APPLICATION
from adapter.serve.type_variables import Held

if TYPE_CHECKING:
    from adapter.serve.http_options import HTTPOptions, ProxyLocation
    from adapter.serve.statuses import ServeStatus

# Set while TARGET is imported: `serve.run` would serve it a second time, from the wrong process.
importing = False

# For who has left an import of Ray in a program.
CHANGE_IMPORT = (
    "Change the import: `from ray import serve` is `from adapter import serve` here, and what else "
    "of ray.serve a program imports is in adapter.serve."
)

_LOCAL_TESTING = ("RAY_SERVE_FORCE_LOCAL_TESTING_MODE", "ADAPTER_LOCAL_TESTING_MODE")


@dataclass(frozen=True, slots=True)
class RunTarget:
    """One application of `serve.run_many`; the fields are parameters of `serve.run`."""

    target: Application[Any]
    name: str = DEFAULT_APPLICATION
    route_prefix: str | None = "/"
    logging_config: Any = None
    external_scaler_enabled: bool = False


def is_imported() -> bool:
    """Whether the user's module is being imported to be served or built, or by a function."""
    return importing or "AWS_LAMBDA_RUNTIME_API" in os.environ


def start(
    proxy_location: "ProxyLocation | str | None" = None,
    http_options: "HTTPOptions | Mapping[str, Any] | None" = None,
    grpc_options: Any = None,
    logging_config: Any = None,
    tracing_config: Any = None,
    controller_options: Any = None,
    **older: Any,
) -> None:
    """Choose how the HTTP server of `serve.run` listens, before the first one.

    `http_options` are an `HTTPOptions` or a dict of its fields: {"host": "0.0.0.0", "port": 80}.
    `proxy_location="Disabled"` serves no HTTP, handles only. Once the server runs, other options
    are ignored with a warning, until `serve.shutdown`. What has no meaning here is taken, and named
    once in a warning.

    A function, here and on AWS, has no server of its own: there `middlewares` go around its
    application, and `request_timeout_s` bounds its requests. Call it in the module of the ingress,
    at the top level, so that the function does too.

    Raises `InvalidOption`, a ValueError, for an unknown option or a value outside its range.
    """
    from adapter.serve import start_options  # noqa: PLC0415 - loaded when used

    start_options.check_older(older)
    start_options.check_unused(
        "serve.start",
        grpc_options=grpc_options,
        logging_config=logging_config,
        tracing_config=tracing_config,
        controller_options=controller_options,
    )
    options = start_options.http_options(http_options, proxy_location)
    start_options.keep(options)
    if is_imported():
        return
    from adapter.local import in_process  # noqa: PLC0415 - see the module's docstring

    in_process.configure(options)


def run(
    target: Application[Held],
    blocking: bool = False,  # noqa: FBT001, FBT002 - Ray Serve's signature
    name: str = DEFAULT_APPLICATION,
    route_prefix: str | None = "/",
    logging_config: Any = None,
    _local_testing_mode: bool = False,  # noqa: FBT001, FBT002 - Ray Serve's signature
    external_scaler_enabled: bool = False,  # noqa: FBT001, FBT002 - Ray Serve's signature
    controller_options: Any = None,
) -> DeploymentHandle[Held]:
    """Serve an application from this process and return a handle to its ingress.

    HTTP requests and handle calls go through the same events as on Lambda, but every deployment
    lives in this process, one instance each, so any object may be a constructor argument.
    `route_prefix=None` keeps the application off HTTP; an ingress with a `route_prefix` of its own,
    the older form, is served there where none is given. `blocking=True` returns at Ctrl-C. Running
    another application under a taken `name` replaces it. `logging_config` is for the deployments
    that have none of their own.

    `_local_testing_mode=True`, or the environment variable RAY_SERVE_FORCE_LOCAL_TESTING_MODE=1 or
    ADAPTER_LOCAL_TESTING_MODE=1, is for unit tests: no HTTP and no port, and an exception of a
    constructor comes out as it is.

    Raises TypeError where `target` is not bound, ValueError for a malformed prefix, `ServeError`
    for an empty name or a taken prefix, `LocalError` for a taken port, and `DeployFailed`, a
    RuntimeError, where a constructor or a lifespan startup raises.
    """
    [handle] = run_many(
        [RunTarget(target, name, route_prefix, logging_config, external_scaler_enabled)],
        blocking=blocking,
        _local_testing_mode=_local_testing_mode,
        controller_options=controller_options,
    )
    return handle


def run_many(
    targets: Sequence[RunTarget],
    blocking: bool = False,  # noqa: FBT001, FBT002 - Ray Serve's signature
    wait_for_ingress_deployment_creation: bool = True,  # noqa: FBT001, FBT002 - Ray Serve's signature
    wait_for_applications_running: bool = True,  # noqa: FBT001, FBT002 - Ray Serve's signature
    _local_testing_mode: bool = False,  # noqa: FBT001, FBT002 - Ray Serve's signature
    controller_options: Any = None,
) -> list[DeploymentHandle[Any]]:
    """Serve several applications and return the handles to their ingresses, in the same order.

    They start one after the other; where one fails the others start all the same, and the first
    failure is raised. Nothing begins where one of them is malformed. It returns when all of them
    run, whatever it is told to wait for. See `run` for the rest.
    """
    from adapter.serve import start_options  # noqa: PLC0415 - loaded when used

    del wait_for_ingress_deployment_creation, wait_for_applications_running
    if not targets:
        raise InvalidOption("No applications provided.")
    for target in targets:
        check_target(target)
    names = [target.name for target in targets]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise InvalidOption(f"two applications are called {doubled.pop()!r}; names must differ.")
    if is_imported():
        raise ServeError(
            "serve.run was called while the module was imported to be served or built; put it "
            "under `if __name__ == '__main__':`.",
        )
    scaled = any(target.external_scaler_enabled for target in targets)
    start_options.check_unused(
        "serve.run",
        external_scaler_enabled=scaled,
        controller_options=controller_options,
    )
    from adapter.local import in_process  # noqa: PLC0415 - see the module's docstring

    prefixed = [replace(target, route_prefix=_prefix(target)) for target in targets]
    testing = _local_testing_mode or any(os.environ.get(name) == "1" for name in _LOCAL_TESTING)
    handles = in_process.run(prefixed, local_testing=testing)
    if blocking:
        in_process.wait()
    return handles


def _prefix(target: RunTarget) -> str | None:
    from adapter.serve import older  # noqa: PLC0415 - it is loaded already, by the deployments

    return older.prefix(target.target.deployment, target.route_prefix)


def check_target(target: RunTarget) -> None:
    """Raise what `run` does for a malformed name, application or prefix."""
    if not target.name:
        raise ServeError("Application name must be a non-empty string.")
    if not isinstance(target.target, Application):
        raise TypeError(
            "`serve.run` expects an `Application` returned by `Deployment.bind()`, "
            f"not {target.target!r}." + f" {CHANGE_IMPORT}" * is_rays(target.target),
        )
    check_route_prefix(target.route_prefix)


def delete(name: str, _blocking: bool = True) -> None:  # noqa: FBT001, FBT002 - Ray Serve's signature
    """End the application `name`. Nothing happens where there is none.

    Returns when its lifespan shutdown and its `__del__` are done; with `_blocking=False` at once.
    """
    if (in_process := _in_process()) is not None:
        in_process.delete(name, blocking=_blocking)


def shutdown() -> None:
    """End every application of `serve.run` in this process, and forget `serve.start`.

    Nothing happens where none runs.
    """
    if (in_process := _in_process()) is not None:
        in_process.shutdown()
    if (start_options := sys.modules.get("adapter.serve.start_options")) is not None:
        start_options.keep(None)


async def shutdown_async() -> None:
    """Do what `shutdown` does, without blocking the event loop."""
    import asyncio  # noqa: PLC0415 - loaded when used

    await asyncio.to_thread(shutdown)


def status() -> "ServeStatus":
    """Tell how the applications of this process fare, those that failed to deploy included.

    Inside a function those are the deployments that the environment holds, mostly one.
    """
    from adapter.serve import statuses  # noqa: PLC0415 - loaded when used

    if (in_process := _in_process()) is not None:
        found: ServeStatus = in_process.status()
        return found
    here = context.current()
    if here is None:
        return statuses.ServeStatus()
    names = (here.deployment,) if here.neighbours is None else here.neighbours.deployments
    application = statuses.ApplicationStatusOverview(
        statuses.ApplicationStatus.RUNNING,
        deployments=dict.fromkeys(names, statuses.DeploymentStatusOverview.running()),
    )
    return statuses.ServeStatus(applications={here.application: application})


def url() -> str:
    """Return the address of the HTTP server of `serve.run`. Raises `LocalError` without one."""
    from adapter.local import in_process  # noqa: PLC0415 - see the module's docstring

    return in_process.url()


def _in_process() -> Any:
    """Return the server's module where it has been used: what never ran has no state."""
    return sys.modules.get("adapter.local.in_process")


def is_rays(found: object) -> bool:
    """Whether something was made by Ray itself."""
    return type(found).__module__.partition(".")[0] == "ray"


def check_route_prefix(route_prefix: str | None) -> None:
    """Raise `InvalidOption` unless `route_prefix` is None, "/" or like "/api"."""
    if route_prefix is None or route_prefix == "/":
        return
    if not isinstance(route_prefix, str) or not route_prefix.startswith("/"):
        raise _malformed(route_prefix, "must start with a forward slash ('/'), like '/api'")
    if route_prefix.endswith("/"):
        raise _malformed(route_prefix, "may not end with a trailing '/'")
    if "{" in route_prefix or "}" in route_prefix:
        raise _malformed(route_prefix, "may not contain wildcards")
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", route_prefix):
        raise _malformed(
            route_prefix,
            "must hold letters, digits, '.', '_', '~' and '-' only between its slashes, like "
            "'/api/v1'",
        )


def _malformed(route_prefix: object, why: str) -> InvalidOption:
    return InvalidOption(f"Invalid route_prefix {route_prefix!r}, {why}.")
