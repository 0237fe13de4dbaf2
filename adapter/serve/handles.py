"""Handles: the caller's side of a deployment."""

import asyncio
from collections.abc import Generator
from concurrent.futures import Future
from typing import Any

from adapter.errors import ServeError
from adapter.loop_thread import loop_is_running
from adapter.serve import context, transport
from adapter.serve.names import DEFAULT_APPLICATION
from adapter.serve.transport import Call


class DeploymentHandle:
    """Calls the methods of another deployment: `await handle.remote(...)`.

    A handle is a plain value: two names and the method to call. Inside a function a call is a
    Lambda invoke; under `serve.run` it stays in the process. `handle.predict.remote(...)` calls
    the method `predict`, `handle.remote(...)` calls `__call__`.
    """

    def __init__(
        self,
        deployment_name: str,
        app_name: str = DEFAULT_APPLICATION,
        *,
        method_name: str = "__call__",
    ) -> None:
        self.deployment_name = deployment_name
        self.app_name = app_name
        self._method_name = method_name

    def options(self, *, method_name: str) -> "DeploymentHandle":
        """Return a handle that calls another method."""
        if not isinstance(method_name, str) or not method_name:
            raise ServeError(f"method_name={method_name!r} must be the name of a method.")
        return DeploymentHandle(self.deployment_name, self.app_name, method_name=method_name)

    def __getattr__(self, name: str) -> "DeploymentHandle":
        if name.startswith("_"):
            raise AttributeError(name)
        return self.options(method_name=name)

    def remote(self, *args: Any, **kwargs: Any) -> "DeploymentResponse":
        """Call the method. The call leaves now; the response is waited for later.

        A response of another call may be passed as an argument: its result is sent. A value that
        cannot travel raises `NotSerializable`, a response inside a list or dict `ServeError`.
        """
        call = Call(
            deployment=self.deployment_name,
            application=self.app_name,
            method=self._method_name,
            args=tuple(_argument(value) for value in args),
            kwargs={name: _argument(value) for name, value in kwargs.items()},
        )
        return DeploymentResponse(transport.current().send(call))

    def __repr__(self) -> str:
        return f"DeploymentHandle(deployment={self.deployment_name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeploymentHandle) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, str, str]:
        return (self.app_name, self.deployment_name, self._method_name)


class DeploymentResponse:
    """The result of a handle call, on its way: `await response`, or `response.result()`."""

    def __init__(self, future: Future[Any]) -> None:
        self._future = future

    def __await__(self) -> Generator[Any, None, Any]:
        return asyncio.wrap_future(self._future).__await__()

    def result(self, *, timeout_s: float | None = None) -> Any:
        """Wait for the result, outside of any event loop.

        Raises the callee's exception (`RemoteError`, and the builtin type it had), TimeoutError
        after `timeout_s` seconds, RuntimeError inside a running event loop.
        """
        if loop_is_running():
            raise RuntimeError(
                "Sync methods should not be called from within an `asyncio` event loop. "
                "Use `await response` instead.",
            )
        return self._future.result(timeout_s)

    def cancel(self) -> None:
        """Stop waiting. A Lambda function that has started runs on."""
        self._future.cancel()

    def cancelled(self) -> bool:
        """Whether `cancel` came before the result."""
        return self._future.cancelled()

    def __reduce__(self) -> Any:
        raise ServeError(
            "`DeploymentResponse` is not serializable. Pass it as an argument of its own, not "
            "inside a list or dict, or await it first.",
        )


def _argument(value: Any) -> Any:
    if isinstance(value, DeploymentResponse):
        return value._future  # noqa: SLF001 - the transport waits for it
    return value


def get_deployment_handle(
    deployment_name: str,
    app_name: str | None = None,
    _check_exists: bool = True,  # noqa: FBT001, FBT002 - Ray Serve's signature
) -> DeploymentHandle:
    """Return a handle to a deployment by name; `app_name` defaults to the caller's application.

    Raises `ServeError` where `app_name` is left out outside of a deployment, and KeyError where
    the deployment is known not to exist (Lambda itself is not asked).
    """
    application = app_name or _current_application()
    if _check_exists:
        transport.current().check(deployment_name, application)
    return DeploymentHandle(deployment_name, application)


def get_app_handle(name: str) -> DeploymentHandle:
    """Return a handle to the ingress of the application `name`.

    Raises `ServeError` where there is no such application.
    """
    return DeploymentHandle(transport.current().ingress(name), name)


def _current_application() -> str:
    deployment = context.current()
    if deployment is None:
        raise ServeError(
            "get_deployment_handle needs app_name outside of a deployment, for example "
            'serve.get_deployment_handle("Model", app_name="default").',
        )
    return deployment.application
