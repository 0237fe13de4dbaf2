"""`@serve.deployment`: a class or function that becomes one Lambda function."""

# So many annotations take half a millisecond of each cold start, where nobody reads them.
from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Literal, Never, overload

from adapter.errors import InvalidOption, UnknownOption
from adapter.serve.older import OlderDeployment
from adapter.serve.options import DEFAULT, Default, DeploymentOptions
from adapter.serve.type_variables import (
    Class,
    Held,
    Held_co,
    Makes_co,
    Parameters,
    Result,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from adapter.serve.autoscaling import AutoscalingConfig
    from adapter.serve.backpressure import BackpressureConfig
    from adapter.serve.cluster import (
        DeploymentActorConfig,
        GangSchedulingConfig,
        RequestRouterConfig,
    )
    from adapter.serve.handles import DeploymentHandle
    from adapter.serve.lambda_options import LambdaOptions
    from adapter.serve.option_types import Decorator, Options
    from adapter.serve.schema import LoggingConfig

    # To a type checker an application is the handle that a constructor gets in its place.
    _Bound = DeploymentHandle
else:
    _Bound = Generic


class Application(_Bound[Held_co]):
    """A deployment bound to its constructor arguments, made by `Deployment.bind(...)`.

    Arguments may hold further applications, also inside lists, dicts and other objects: each
    becomes a handle. Pass it to `serve.run`, or name it as TARGET of `adapter run` and
    `adapter build`.
    """

    def __init__(
        self,
        bound_deployment: Deployment[Any],
        args: tuple[Any, ...] | None = None,
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.deployment = bound_deployment
        self.args = bound_deployment.init_args if args is None else args
        self.kwargs = dict(bound_deployment.init_kwargs if kwargs is None else kwargs)

    def __getattr__(self, name: str) -> Any:
        """Return a method to bind in a deployment graph, the older form: `app.predict.bind(x)`."""
        if name in ("deployment", "args", "kwargs"):  # a copy that has none yet
            raise AttributeError(name)
        from adapter.serve.nodes import method_node  # noqa: PLC0415 - an older form

        return method_node(self, name)

    def __repr__(self) -> str:
        return f"Application(deployment={self.deployment.name!r})"


class Deployment(OlderDeployment, Generic[Makes_co]):
    """A class or function with its options. Make one with `@serve.deployment`."""

    def __init__(self, func_or_class: Callable[..., Any], options: DeploymentOptions) -> None:
        self._func_or_class = func_or_class
        self.settings = options

    @property
    def func_or_class(self) -> Any:
        """The class or function that was decorated."""
        return self._func_or_class

    @property
    def name(self) -> str:
        """The name that handles and the Lambda function carry."""
        return self.settings.name

    @property
    def version(self) -> str | None:
        """As written in the older form; nothing depends on it."""
        return self.settings.version

    @property
    def num_replicas(self) -> int:
        """As written, 1 where it was not or where the number scales."""
        replicas = self.settings.num_replicas
        return replicas if isinstance(replicas, int) else 1

    @property
    def user_config(self) -> Any:
        """What `reconfigure(user_config)` is called with."""
        return self.settings.user_config

    @property
    def max_ongoing_requests(self) -> int:
        """How many requests one environment may serve at a time, where the platform can."""
        return self.settings.max_ongoing_requests

    @property
    def max_queued_requests(self) -> int:
        """As written; Lambda has no queue in front of a function."""
        return self.settings.max_queued_requests

    @property
    def backpressure_config(self) -> BackpressureConfig:
        """How a request is refused when too many wait."""
        from adapter.serve.backpressure import BackpressureConfig  # noqa: PLC0415 - rarely read

        return self.settings.backpressure_config or BackpressureConfig()

    @property
    def ray_actor_options(self) -> dict[str, Any]:
        """As written."""
        return dict(self.settings.ray_actor_options)

    @property
    def logging_config(self) -> LoggingConfig | None:
        """As written, None where it was not."""
        return self.settings.logging_config

    @property
    def init_args(self) -> tuple[Any, ...]:
        """Positional constructor arguments, where they were not given to `bind`."""
        return self.settings.init_args

    @property
    def init_kwargs(self) -> Mapping[str, Any]:
        """Constructor arguments by name, where they were not given to `bind`."""
        return MappingProxyType(dict(self.settings.init_kwargs))

    @overload
    def options(
        self,
        func_or_class: None = None,
        **options: Unpack[Options],
    ) -> Deployment[Makes_co]: ...
    @overload
    def options(
        self,
        func_or_class: Class,
        **options: Unpack[Options],
    ) -> Deployment[Class]: ...
    # Its parameters are those of `deployment`, written out a second time: Ray Serve takes them by
    # position, and has three more here, in the midst of them. Editors, help() and `inspect` show
    # them from here, too.
    def options(  # noqa: PLR0913, PLR0917 - Ray Serve's signature
        self,
        func_or_class: Callable[..., Any] | None = None,
        name: str | Default | None = DEFAULT,
        version: str | Default = DEFAULT,
        num_replicas: int | Literal["auto"] | Default | None = DEFAULT,
        ray_actor_options: Mapping[str, Any] | Default | None = DEFAULT,
        placement_group_bundles: Sequence[Mapping[str, float]] | Default | None = DEFAULT,
        placement_group_strategy: str | Default | None = DEFAULT,
        placement_group_bundle_label_selector: Sequence[Any] | Default | None = DEFAULT,
        max_replicas_per_node: int | Default | None = DEFAULT,
        user_config: Any = DEFAULT,
        max_ongoing_requests: int | Default = DEFAULT,
        max_queued_requests: int | Default = DEFAULT,
        backpressure_config: BackpressureConfig | Mapping[str, Any] | Default | None = DEFAULT,
        autoscaling_config: AutoscalingConfig | Mapping[str, Any] | Default | None = DEFAULT,
        graceful_shutdown_wait_loop_s: float | Default = DEFAULT,
        graceful_shutdown_timeout_s: float | Default = DEFAULT,
        health_check_period_s: float | Default = DEFAULT,
        health_check_timeout_s: float | Default = DEFAULT,
        logging_config: LoggingConfig | Mapping[str, Any] | Default | None = DEFAULT,
        request_router_config: RequestRouterConfig | Mapping[str, Any] | Default | None = DEFAULT,
        _init_args: Sequence[Any] | Default = DEFAULT,
        _init_kwargs: Mapping[str, Any] | Default = DEFAULT,
        _internal: bool = False,  # noqa: FBT001, FBT002 - Ray Serve's signature
        max_constructor_retry_count: int | Default = DEFAULT,
        gang_scheduling_config: GangSchedulingConfig | Mapping[str, Any] | Default | None = (
            DEFAULT
        ),
        deployment_actors: Sequence[DeploymentActorConfig | Any] | Default | None = DEFAULT,
        rolling_update_percentage: float | Default = DEFAULT,
        max_surge_percent: int | Default = DEFAULT,
        *,
        lambda_options: LambdaOptions | Default = DEFAULT,
        **older: Any,
    ) -> Deployment[Any]:
        """Return a copy with other options; they are those of `serve.deployment`.

        Raises `InvalidOption` for an unknown option or a value outside its range.
        """
        changed = _changed(self.settings, _written(locals()))
        return Deployment(func_or_class or self._func_or_class, changed)

    def bind(
        self: Deployment[Callable[Parameters, Held]],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Application[Held]:
        """Bind constructor arguments. Nothing is constructed yet.

        Where the constructor wants a handle, give the application that it is to be a handle of.
        """
        return Application(self, args, kwargs)

    def __call__(self, *_args: Any, **_kwargs: Any) -> Never:
        raise RuntimeError(
            "Deployments cannot be constructed directly. Use `deployment.deploy() instead.` "
            f"Today that is `serve.run({self.name}.bind(...))`; in a unit test, construct "
            f"`{self.name}.func_or_class(...)`.",
        )

    def __repr__(self) -> str:
        return f"Deployment(name={self.name})"


if TYPE_CHECKING:

    class DecoratedClass(type, Deployment[Any]):
        """What mypy takes the class of a decorated class for; see `adapter.mypy_plugin`."""

        def bind(
            cls: Callable[Parameters, Held],
            *args: Parameters.args,
            **kwargs: Parameters.kwargs,
        ) -> Application[Held]: ...

        @overload
        def options(
            cls: Class,
            func_or_class: None = None,
            **options: Unpack[Options],
        ) -> Deployment[Class]: ...
        @overload
        def options(cls, func_or_class: Class, **options: Unpack[Options]) -> Deployment[Class]: ...
        def options(cls, func_or_class: Any = None, **options: Any) -> Any: ...


@overload
def deployment(_func_or_class: Class) -> Deployment[Class]: ...
@overload
def deployment(
    _func_or_class: Callable[Parameters, Result],
) -> Deployment[Callable[..., Callable[Parameters, Result]]]: ...
@overload
def deployment(_func_or_class: None = None, **options: Unpack[Options]) -> Decorator: ...
def deployment(  # noqa: PLR0913, PLR0917 - Ray Serve's signature
    _func_or_class: Callable[..., Any] | None = None,
    name: str | Default | None = DEFAULT,
    version: str | Default = DEFAULT,
    num_replicas: int | Literal["auto"] | Default | None = DEFAULT,
    ray_actor_options: Mapping[str, Any] | Default | None = DEFAULT,
    placement_group_bundles: Sequence[Mapping[str, float]] | Default | None = DEFAULT,
    placement_group_strategy: str | Default | None = DEFAULT,
    placement_group_bundle_label_selector: Sequence[Any] | Default | None = DEFAULT,
    max_replicas_per_node: int | Default | None = DEFAULT,
    user_config: Any = DEFAULT,
    max_ongoing_requests: int | Default = DEFAULT,
    max_queued_requests: int | Default = DEFAULT,
    backpressure_config: BackpressureConfig | Mapping[str, Any] | Default | None = DEFAULT,
    autoscaling_config: AutoscalingConfig | Mapping[str, Any] | Default | None = DEFAULT,
    graceful_shutdown_wait_loop_s: float | Default = DEFAULT,
    graceful_shutdown_timeout_s: float | Default = DEFAULT,
    health_check_period_s: float | Default = DEFAULT,
    health_check_timeout_s: float | Default = DEFAULT,
    logging_config: LoggingConfig | Mapping[str, Any] | Default | None = DEFAULT,
    request_router_config: RequestRouterConfig | Mapping[str, Any] | Default | None = DEFAULT,
    max_constructor_retry_count: int | Default = DEFAULT,
    gang_scheduling_config: GangSchedulingConfig | Mapping[str, Any] | Default | None = DEFAULT,
    deployment_actors: Sequence[DeploymentActorConfig | Any] | Default | None = DEFAULT,
    rolling_update_percentage: float | Default = DEFAULT,
    max_surge_percent: int | Default = DEFAULT,
    *,
    lambda_options: LambdaOptions | Default = DEFAULT,
    **older: Any,
) -> Deployment[Any] | Callable[[Any], Deployment[Any]]:
    """Make a class or function a deployment, bare or with options.

    Every parameter of Ray Serve's `serve.deployment` is taken; `lambda_options` adds what only
    Lambda has. `num_replicas` and `autoscaling_config` become concurrency settings,
    `ray_actor_options` memory. Options that have no meaning on Lambda are named once by
    `adapter build`. Also taken are the options of older releases, `route_prefix` and others.

    Raises `InvalidOption` (a ValueError) for an unknown option or a value outside its range.
    """
    written = _written(locals())

    def decorate(func_or_class: Callable[..., Any]) -> Deployment[Any]:
        if not (inspect.isclass(func_or_class) or inspect.isroutine(func_or_class)):
            raise UnknownOption(
                "@serve.deployment must be called on a class or function, "
                f"not on {func_or_class!r}.",
            )
        return Deployment(func_or_class, _options_of(func_or_class, written))

    return decorate if _func_or_class is None else decorate(_func_or_class)


def _written(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options among a function's parameters, those of older releases with them."""
    own = {"self", "func_or_class", "_func_or_class", "_internal", "older"}
    options = {name: value for name, value in parameters.items() if name not in own}
    return {**options, **parameters["older"]}


def _options_of(func_or_class: Callable[..., Any], options: dict[str, Any]) -> DeploymentOptions:
    if options["name"] is None:
        options = {**options, "name": DEFAULT}
    return _changed(DeploymentOptions(name=func_or_class.__name__), options)


def _changed(settings: DeploymentOptions, options: dict[str, Any]) -> DeploymentOptions:
    try:
        return settings.changed(**options)
    except InvalidOption as error:
        raise type(error)(f"deployment {settings.name}: {error}") from None
