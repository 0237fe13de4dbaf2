"""Handles: the caller's side of a deployment."""

# So many annotations take half a millisecond of each cold start, where nobody reads them.
from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, Literal, Never, overload

from adapter.errors import ServeError
from adapter.serve import in_flight, transport
from adapter.serve.channel import Channel
from adapter.serve.names import DEFAULT_APPLICATION
from adapter.serve.options import DEFAULT, Default
from adapter.serve.responses import (
    AcceptedResponse,
    DeploymentResponse,
    DeploymentResponseGenerator,
    as_argument,
)
from adapter.serve.transport import Call
from adapter.serve.type_variables import Held_co, Parameters, Result

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from adapter.serve.handle_types import EventDeploymentHandle, StreamingDeploymentHandle
    from adapter.serve.option_types import HandleOptions


class DeploymentHandle(Generic[Held_co]):
    """Calls the methods of another deployment: `await handle.remote(...)`.

    A handle is a plain value: two names and the method to call. Inside a function a call is a
    Lambda invoke; under `serve.run` it stays in the process. `handle.predict.remote(...)` calls
    the method `predict`, `handle.remote(...)` calls `__call__`. A method that yields is called with
    `handle.options(stream=True)`: `async for item in handle.options(stream=True).tokens.remote()`.

    To type checkers `DeploymentHandle[Model]` is a handle to a deployment of the class `Model`.
    """

    _is_initialized = False

    def __init__(
        self,
        deployment_name: str,
        app_name: str = DEFAULT_APPLICATION,
        *,
        method_name: str = "__call__",
        stream: bool = False,
        multiplexed_model_id: str = "",
        invocation_type: Literal["RequestResponse", "Event"] = "RequestResponse",
    ) -> None:
        self._deployment_name = deployment_name
        self._app_name = app_name
        self._method_name = method_name
        self._stream = stream
        self._multiplexed_model_id = multiplexed_model_id
        self._invocation_type = invocation_type

    @property
    def deployment_name(self) -> str:
        """The deployment that is called."""
        return self._deployment_name

    @property
    def app_name(self) -> str:
        """The application that the deployment belongs to."""
        return self._app_name

    @property
    def is_initialized(self) -> bool:
        """Whether it has been used, by `options`, `remote` or a method's name."""
        return self._is_initialized

    def _init(self, **_options: Any) -> None:
        """Set options of Ray's router, which have no effect, before the handle is used.

        Raises RuntimeError afterwards, as Ray Serve does.
        """
        if self._is_initialized:
            raise RuntimeError(
                "Handle has already been initialized. Note that a handle is implicitly initialized "
                "when you call `.options()` or `.remote()`.",
            )
        self._is_initialized = True

    @overload
    def options(
        self,
        *,
        method_name: str,
        invocation_type: Literal["Event"],
        **options: Unpack[HandleOptions],
    ) -> EventDeploymentHandle[Any]: ...
    @overload
    def options(
        self,
        *,
        invocation_type: Literal["Event"],
        **options: Unpack[HandleOptions],
    ) -> EventDeploymentHandle[Held_co]: ...
    @overload
    def options(
        self,
        *,
        method_name: str,
        stream: Literal[True],
        **options: Unpack[HandleOptions],
    ) -> StreamingDeploymentHandle[Any]: ...
    @overload
    def options(
        self,
        *,
        stream: Literal[True],
        **options: Unpack[HandleOptions],
    ) -> StreamingDeploymentHandle[Held_co]: ...
    @overload
    def options(
        self,
        *,
        method_name: str,
        invocation_type: Literal["RequestResponse"] = ...,
        stream: bool = ...,
        **options: Unpack[HandleOptions],
    ) -> DeploymentHandle[Any]: ...
    @overload
    def options(
        self,
        *,
        invocation_type: Literal["RequestResponse"] = ...,
        stream: bool = ...,
        **options: Unpack[HandleOptions],
    ) -> DeploymentHandle[Held_co]: ...
    def options(
        self,
        *,
        method_name: str | Default = DEFAULT,
        multiplexed_model_id: str | Default = DEFAULT,
        session_id: str | Default = DEFAULT,
        stream: bool | Default = DEFAULT,
        invocation_type: Literal["RequestResponse", "Event"] | Default = DEFAULT,
        _prefer_local_routing: bool | Default = DEFAULT,
        _by_reference: bool | Default = DEFAULT,
        request_serialization: str | Default = DEFAULT,
        response_serialization: str | Default = DEFAULT,
    ) -> DeploymentHandle[Any]:
        """Return a handle with other options; those that are left out stay as they are.

        `method_name` is the method to call. `stream=True` is for methods that yield: `remote` then
        returns a `DeploymentResponseGenerator`. `multiplexed_model_id` is what
        `serve.get_multiplexed_model_id()` returns in the callee. The others steer Ray's own router
        and have no effect: Lambda chooses the environment, and calls travel as JSON.

        `invocation_type="Event"` is Lambda's asynchronous invocation: awaiting the response gives
        None as soon as Lambda has accepted the call, which runs in the background then, and again
        where it fails. Its event may have 1 MB.
        https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html

        Raises `ServeError` for a value of another type, and for a stream of an "Event".
        """
        _require_ignored(session_id, request_serialization, response_serialization)
        del _prefer_local_routing, _by_reference
        written = {
            "_method_name": method_name,
            "_stream": stream,
            "_multiplexed_model_id": multiplexed_model_id,
            "_invocation_type": invocation_type,
        }
        changed = self._changed(
            **{name: value for name, value in written.items() if value is not DEFAULT},
        )
        changed._require_valid()  # noqa: SLF001 - another one of its own class
        return changed

    def _changed(self, **attributes: Any) -> DeploymentHandle[Any]:
        self._is_initialized = True
        changed = object.__new__(type(self))
        vars(changed).update(vars(self), **attributes)
        return changed

    def _require_valid(self) -> None:
        method, stream, model = self._method_name, self._stream, self._multiplexed_model_id
        if not isinstance(method, str) or not method:
            raise ServeError(f"method_name={method!r} must be the name of a method.")
        if not isinstance(stream, bool):
            raise ServeError(f"stream={stream!r} must be True or False.")
        if not isinstance(model, str):
            raise ServeError(f"multiplexed_model_id={model!r} must be the id of a model.")
        if self._invocation_type not in ("RequestResponse", "Event"):
            kind = self._invocation_type
            raise ServeError(f"invocation_type={kind!r} must be 'RequestResponse' or 'Event'.")
        if stream and self._invocation_type == "Event":
            raise ServeError(
                "stream=True with invocation_type='Event': nobody waits for the items of a call "
                "that runs in the background. Leave one of them out.",
            )

    def __getattr__(self, name: str) -> DeploymentHandle[Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._changed(_method_name=name)

    @overload
    def remote(
        self: DeploymentHandle[Callable[Parameters, Coroutine[Any, Any, Result]]],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> DeploymentResponse[Result]: ...
    @overload
    def remote(
        self: DeploymentHandle[Callable[Parameters, Result]],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> DeploymentResponse[Result]: ...
    def remote(self, *args: Any, **kwargs: Any) -> Any:
        """Call the method. The call leaves now; the response is waited for later.

        Returns a `DeploymentResponse`, or with `stream=True` a `DeploymentResponseGenerator`. A
        response of another call may be passed as an argument: its result is sent. A value that
        cannot travel raises `NotSerializable`, a response inside a list or dict `ServeError`, and a
        generator of responses anywhere RuntimeError.
        """
        self._is_initialized = True
        call = Call(
            deployment=self._deployment_name,
            application=self._app_name,
            method=self._method_name,
            args=tuple(as_argument(value) for value in args),
            kwargs={name: as_argument(value) for name, value in kwargs.items()},
            stream=self._stream,
            multiplexed_model_id=self._multiplexed_model_id,
            invocation_type=self._invocation_type,
        )
        return _generator(call) if call.stream else _response(call)

    def broadcast(self, method_name: str, *_args: Any, **_kwargs: Any) -> Never:
        """Refuse: a call reaches one environment, which Lambda chooses. Raises `ServeError`."""
        raise ServeError(
            f"broadcast({method_name!r}) is to reach every replica, but Lambda's environments have "
            "no addresses: a call reaches one of them, which Lambda chooses. Keep what all of them "
            "must know outside, for example in a parameter of SSM, and read it when it is needed.",
        )

    def choose_replica(self, *_args: Any, **_kwargs: Any) -> Never:
        """Refuse: Lambda chooses the environment. Raises `ServeError`."""
        raise ServeError(
            "choose_replica() is not to be had: Lambda chooses the environment of each call. Use "
            "handle.remote(...).",
        )

    def dispatch(self, *_args: Any, **_kwargs: Any) -> Never:
        """Refuse: it needs what `choose_replica` returns. Raises `ServeError`."""
        self.choose_replica()

    def shutdown(self) -> None:
        """Do nothing: a handle holds nothing that would have to be closed."""

    async def shutdown_async(self) -> None:
        """Do nothing, as `shutdown`."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(deployment={self._deployment_name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeploymentHandle) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_is_initialized"}

    def _key(self) -> tuple[Any, ...]:
        return (
            self._app_name,
            self._deployment_name,
            self._method_name,
            self._stream,
            self._multiplexed_model_id,
            self._invocation_type,
        )


_SERIALIZATIONS = (DEFAULT, "cloudpickle", "pickle", "msgpack", "orjson")


def _require_ignored(session_id: object, request: object, response: object) -> None:
    if session_id is not DEFAULT and not isinstance(session_id, str):
        raise ServeError(f"session_id={session_id!r} must be a string.")
    for name, value in {"request": request, "response": response}.items():
        if value not in _SERIALIZATIONS:
            allowed = ", ".join(map(repr, _SERIALIZATIONS[1:]))
            raise ServeError(f"{name}_serialization={value!r} must be one of {allowed}.")


def _response(call: Call) -> DeploymentResponse[Any]:
    future = transport.current().send(call)
    in_flight.add(future, is_event=call.is_event)
    return AcceptedResponse(future) if call.is_event else DeploymentResponse(future)


def _generator(call: Call) -> DeploymentResponseGenerator[Any]:
    items: Channel[Any] = Channel()
    future = transport.current().stream(call, items)
    in_flight.add(future)
    return DeploymentResponseGenerator(future, items)
