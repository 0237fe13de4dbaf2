"""Handles: the caller's side of a deployment."""

from typing import Any

from adapter.errors import ServeError
from adapter.serve import context, in_flight, transport
from adapter.serve.channel import Channel
from adapter.serve.names import DEFAULT_APPLICATION
from adapter.serve.options import DEFAULT, Default
from adapter.serve.responses import DeploymentResponse, DeploymentResponseGenerator
from adapter.serve.transport import Call


class DeploymentHandle:
    """Calls the methods of another deployment: `await handle.remote(...)`.

    A handle is a plain value: two names and the method to call. Inside a function a call is a
    Lambda invoke; under `serve.run` it stays in the process. `handle.predict.remote(...)` calls
    the method `predict`, `handle.remote(...)` calls `__call__`. A method that yields is called with
    `handle.options(stream=True)`: `async for item in handle.options(stream=True).tokens.remote()`.
    """

    def __init__(
        self,
        deployment_name: str,
        app_name: str = DEFAULT_APPLICATION,
        *,
        method_name: str = "__call__",
        stream: bool = False,
    ) -> None:
        self.deployment_name = deployment_name
        self.app_name = app_name
        self._method_name = method_name
        self._stream = stream

    def options(
        self,
        *,
        method_name: str | Default = DEFAULT,
        stream: bool | Default = DEFAULT,
    ) -> "DeploymentHandle":
        """Return a handle with other options; those that are left out stay as they are.

        `method_name` is the method to call. `stream=True` is for methods that yield: `remote` then
        returns a `DeploymentResponseGenerator`. Raises `ServeError` for a value of another type.
        """
        method = self._method_name if method_name is DEFAULT else method_name
        streams = self._stream if stream is DEFAULT else stream
        if not isinstance(method, str) or not method:
            raise ServeError(f"method_name={method!r} must be the name of a method.")
        if not isinstance(streams, bool):
            raise ServeError(f"stream={streams!r} must be True or False.")
        return DeploymentHandle(
            self.deployment_name,
            self.app_name,
            method_name=method,
            stream=streams,
        )

    def __getattr__(self, name: str) -> "DeploymentHandle":
        if name.startswith("_"):
            raise AttributeError(name)
        return self.options(method_name=name)

    def remote(self, *args: Any, **kwargs: Any) -> Any:
        """Call the method. The call leaves now; the response is waited for later.

        Returns a `DeploymentResponse`, or with `stream=True` a `DeploymentResponseGenerator`. A
        response of another call may be passed as an argument: its result is sent. A value that
        cannot travel raises `NotSerializable`, a response inside a list or dict, and a generator
        anywhere, `ServeError`.
        """
        call = Call(
            deployment=self.deployment_name,
            application=self.app_name,
            method=self._method_name,
            args=tuple(_argument(value) for value in args),
            kwargs={name: _argument(value) for name, value in kwargs.items()},
            stream=self._stream,
        )
        return _generator(call) if call.stream else _response(call)

    def __repr__(self) -> str:
        return f"DeploymentHandle(deployment={self.deployment_name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeploymentHandle) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, str, str, bool]:
        return (self.app_name, self.deployment_name, self._method_name, self._stream)


def _response(call: Call) -> DeploymentResponse:
    future = transport.current().send(call)
    in_flight.add(future)
    return DeploymentResponse(future)


def _generator(call: Call) -> DeploymentResponseGenerator:
    items: Channel[Any] = Channel()
    future = transport.current().stream(call, items)
    in_flight.add(future)
    return DeploymentResponseGenerator(future, items)


def _argument(value: Any) -> Any:
    if isinstance(value, DeploymentResponse):
        return value._future  # noqa: SLF001 - the transport waits for it
    if isinstance(value, DeploymentResponseGenerator):
        value.__reduce__()
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
