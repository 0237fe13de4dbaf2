"""`serve.run` and its kin: serve an application from this process.

The programming model lies at the bottom of the package and the local server at the top. These
functions are the one door between them, opened when they are called, so that importing
`adapter.serve` inside a Lambda function loads no server.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

from adapter.errors import InvalidOption, LocalError, ServeError
from adapter.serve.deployments import Application
from adapter.serve.handles import DeploymentHandle
from adapter.serve.names import DEFAULT_APPLICATION

# Set while TARGET is imported: `serve.run` would serve it a second time, from the wrong process.
importing = False


def start(http_options: Mapping[str, Any] | None = None) -> None:
    """Choose where `serve.run` listens, before the first one: `{"host": ..., "port": ...}`.

    The default is 127.0.0.1:8000; port 0 picks a free port. `"request_timeout_s"` bounds an HTTP
    request: one that takes longer is cancelled and answered with 408. Raises `LocalError` where the
    server runs already, an option is unknown or its value wrong.
    """
    from adapter.local import in_process  # noqa: PLC0415 - see the module's docstring

    in_process.configure(dict(http_options or {}))


def run(
    target: Application,
    blocking: bool = False,  # noqa: FBT001, FBT002 - Ray Serve's signature
    name: str = DEFAULT_APPLICATION,
    route_prefix: str | None = "/",
) -> DeploymentHandle:
    """Serve an application from this process and return a handle to its ingress.

    HTTP requests and handle calls go through the same events as on Lambda, but every deployment
    lives in this process, one instance each, so any object may be a constructor argument.
    `route_prefix=None` keeps the application off HTTP. `blocking=True` returns at Ctrl-C. Running
    another application under a taken `name` replaces it.

    Raises TypeError where `target` is not bound, ValueError for a malformed prefix, `LocalError`
    where the prefix or the port is taken, and the constructor's own exception where one fails.
    """
    if not isinstance(target, Application):
        raise TypeError(
            "`serve.run` expects an `Application` returned by `Deployment.bind()`, "
            f"not {target!r}.",
        )
    if not name:
        raise LocalError("name='' must be a non-empty string.")
    check_route_prefix(route_prefix)
    if importing or "AWS_LAMBDA_RUNTIME_API" in os.environ:
        raise ServeError(
            "serve.run was called while the module was imported to be served or built; put it "
            "under `if __name__ == '__main__':`.",
        )
    from adapter.local import in_process  # noqa: PLC0415 - see the module's docstring

    handle = in_process.run(target, name, route_prefix)
    if blocking:
        in_process.wait()
    return handle


def shutdown() -> None:
    """End every application of `serve.run` in this process. Nothing happens where none runs."""
    from adapter.local import in_process  # noqa: PLC0415 - see the module's docstring

    in_process.shutdown()


def check_route_prefix(route_prefix: str | None) -> None:
    """Raise `InvalidOption` unless `route_prefix` is None, "/" or like "/api"."""
    if route_prefix is None or route_prefix == "/":
        return
    if not isinstance(route_prefix, str) or not route_prefix.startswith("/"):
        raise InvalidOption(f"route_prefix={route_prefix!r} must start with '/', like '/api'.")
    if route_prefix.endswith("/"):
        raise InvalidOption(f"route_prefix={route_prefix!r} must not end with '/'.")
    if "{" in route_prefix or "}" in route_prefix:
        raise InvalidOption(f"route_prefix={route_prefix!r} must not contain wildcards.")
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", route_prefix):
        raise InvalidOption(
            f"route_prefix={route_prefix!r} must hold letters, digits, '.', '_', '~' and '-' only "
            "between its slashes, like '/api/v1'.",
        )
