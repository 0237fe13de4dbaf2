"""`@serve.deployment`: a class or function that becomes one Lambda function."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, overload

from adapter.errors import InvalidOption
from adapter.serve.lambda_options import LambdaOptions
from adapter.serve.options import DEFAULT, Default, DeploymentOptions

if TYPE_CHECKING:
    from adapter.serve.autoscaling import AutoscalingConfig


class Application:
    """A deployment bound to its constructor arguments, made by `Deployment.bind(...)`.

    Arguments may hold further applications, also inside lists, dicts and dataclasses: each
    becomes a handle. Pass it to `serve.run`, or name it as TARGET of `adapter run` and
    `adapter build`.
    """

    def __init__(self, deployment: "Deployment", args: tuple[Any, ...], kwargs: Any) -> None:
        self.deployment = deployment
        self.args = args
        self.kwargs: dict[str, Any] = kwargs

    def __repr__(self) -> str:
        return f"Application(deployment={self.deployment.name!r})"


class Deployment:
    """A class or function with its options. Make one with `@serve.deployment`."""

    def __init__(self, func_or_class: Callable[..., Any], options: DeploymentOptions) -> None:
        self.func_or_class = func_or_class
        self.settings = options

    @property
    def name(self) -> str:
        """The name that handles and the Lambda function carry."""
        return self.settings.name

    @property
    def num_replicas(self) -> int | Literal["auto"] | None:
        """As written, None where it was not."""
        return self.settings.num_replicas

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
    def ray_actor_options(self) -> dict[str, Any]:
        """As written."""
        return dict(self.settings.ray_actor_options)

    def options(
        self,
        func_or_class: Callable[..., Any] | None = None,
        **options: Any,
    ) -> "Deployment":
        """Return a copy with other options; they are those of `serve.deployment`.

        Raises `InvalidOption` for an unknown option or a value outside its range.
        """
        changed = _changed(self.settings, options)
        return Deployment(func_or_class or self.func_or_class, changed)

    def bind(self, *args: Any, **kwargs: Any) -> Application:
        """Bind constructor arguments. Nothing is constructed yet."""
        return Application(self, args, kwargs)

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError(
            "Deployments cannot be constructed directly. Bind the arguments with "
            f"`{self.name}.bind(...)` and pass that to `serve.run`, or use "
            f"`{self.name}.func_or_class(...)` in a unit test.",
        )

    def __repr__(self) -> str:
        return f"Deployment(name={self.name})"


@overload
def deployment(_func_or_class: Callable[..., Any]) -> Deployment: ...


@overload
def deployment(
    *,
    name: str | Default = ...,
    num_replicas: int | Literal["auto"] | Default | None = ...,
    autoscaling_config: "AutoscalingConfig | dict[str, Any] | Default | None" = ...,
    max_ongoing_requests: int | Default = ...,
    max_queued_requests: int | Default = ...,
    ray_actor_options: dict[str, Any] | Default | None = ...,
    user_config: Any = ...,
    health_check_period_s: float | Default = ...,
    health_check_timeout_s: float | Default = ...,
    lambda_options: LambdaOptions | Default = ...,
    **ray_options: Any,
) -> Callable[[Callable[..., Any]], Deployment]: ...


def deployment(
    _func_or_class: Callable[..., Any] | None = None,
    **options: Any,
) -> Deployment | Callable[[Callable[..., Any]], Deployment]:
    """Make a class or function a deployment, bare or with options.

    Every parameter of Ray Serve's `serve.deployment` is taken; `lambda_options` adds what only
    Lambda has. `num_replicas` and `autoscaling_config` become concurrency settings,
    `ray_actor_options` memory. Options that have no meaning on Lambda are named once by
    `adapter build`.

    Raises `InvalidOption` (a ValueError) for an unknown option or a value outside its range.
    """

    def decorate(func_or_class: Callable[..., Any]) -> Deployment:
        if not (inspect.isclass(func_or_class) or inspect.isroutine(func_or_class)):
            raise InvalidOption(
                f"@serve.deployment must be used with a class or a function, not with "
                f"{func_or_class!r}.",
            )
        return Deployment(func_or_class, _options_of(func_or_class, options))

    return decorate if _func_or_class is None else decorate(_func_or_class)


def _options_of(func_or_class: Callable[..., Any], options: dict[str, Any]) -> DeploymentOptions:
    if options.get("name", DEFAULT) is None:
        options = {**options, "name": DEFAULT}
    return _changed(DeploymentOptions(name=func_or_class.__name__), options)


def _changed(settings: DeploymentOptions, options: dict[str, Any]) -> DeploymentOptions:
    try:
        return settings.changed(**options)
    except InvalidOption as error:
        raise InvalidOption(f"deployment {settings.name}: {error}") from None
