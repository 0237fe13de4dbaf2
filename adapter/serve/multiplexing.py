"""`@serve.multiplexed`: one deployment that serves many models and keeps a few of them loaded."""

import asyncio
import functools
import inspect
import logging
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast, overload

from adapter import user_code
from adapter.serve import context, destructors
from adapter.serve.per_instance import PerInstance

logger = logging.getLogger("adapter.serve")

Load = Callable[[str], Coroutine[Any, Any, Any]]
F = TypeVar("F", bound=Callable[..., Coroutine[Any, Any, Any]])


@overload
def multiplexed(func: F, max_num_models_per_replica: int = 3) -> F: ...


@overload
def multiplexed(
    func: None = None,
    max_num_models_per_replica: int = 3,
) -> Callable[[F], F]: ...


def multiplexed(
    func: Callable[..., Any] | None = None,
    max_num_models_per_replica: int = 3,
) -> Any:
    """Let a function that loads a model by its id keep what it has loaded; bare or with options.

    The function is `async def` and takes one `model_id: str`; it is a method (its first parameter
    is called `self` or `cls`) or free. A call returns the model that is there, or loads it. Each
    instance keeps up to `max_num_models_per_replica` models, -1 for any number; one more and the
    model that was not asked for the longest is unloaded first: its `__del__`, plain (in a thread)
    or async, is called. One model is loaded at a time, once for all calls that wait for it, and a
    load that fails is tried again by the next call. At the environment's end all are unloaded.

    Raises TypeError for anything but such a function, and TypeError or ValueError for a number that
    is none. A call raises TypeError for an id that is no string, ValueError for an empty one, and
    what the function, or the `__del__` of the model that had to go, raises.
    """
    if not isinstance(max_num_models_per_replica, int):
        raise TypeError("max_num_models_per_replica must be an integer.")
    if max_num_models_per_replica != -1 and max_num_models_per_replica <= 0:
        raise ValueError("max_num_models_per_replica must be positive.")

    def decorate(function: Any) -> Any:
        return _multiplexed(_require_loader(function), max_num_models_per_replica)

    return decorate if func is None else decorate(func)


def get_multiplexed_model_id() -> str:
    """Return the id of the model that the request being served asks for, "" where it does not say.

    HTTP clients send it in the header `serve_multiplexed_model_id`, whose underscores may be
    hyphens; callers by handle with `handle.options(multiplexed_model_id=...)`.
    """
    return context.served().multiplexed_model_id


def _require_loader(function: Any) -> Callable[..., Any]:
    if not callable(function):
        raise TypeError("The `multiplexed` decorator must be used with a function or method.")
    if not inspect.iscoroutinefunction(function):
        raise TypeError(
            "@serve.multiplexed can only be used to decorate async functions or methods.",
        )
    parameters = inspect.signature(function).parameters
    if not len(parameters) - _is_method(function) or len(parameters) > 2:
        raise TypeError(
            "@serve.multiplexed can only be used to decorate functions or methods with at least "
            "one 'model_id: str' argument.",
        )
    return cast("Callable[..., Any]", function)


def _is_method(function: Callable[..., Any]) -> bool:
    return next(iter(inspect.signature(function).parameters), "") in ("self", "cls")


_every: weakref.WeakSet[PerInstance["_Models"]] = weakref.WeakSet()


def _multiplexed(function: Callable[..., Any], most: int) -> Any:
    models = PerInstance(lambda: _Models(most), "@serve.multiplexed")
    _every.add(models)
    signature, is_method = inspect.signature(function), _is_method(function)

    @functools.wraps(function)
    async def model(*args: Any, **kwargs: Any) -> Any:
        model_ids = list(signature.bind(*args, **kwargs).arguments.values())
        instance = model_ids.pop(0) if is_method else None
        if len(model_ids) != 1:
            raise TypeError(
                "Functions decorated with `@serve.multiplexed` must take exactly one argument, the "
                f"multiplexed model ID (str), but got {len(model_ids)}.",
            )
        load = functools.partial(function, instance) if is_method else function
        return await models.of(instance).get(model_ids[0], load)

    return model


async def unload_all() -> None:
    """Unload every model of the running loop's deployment; what that raises is logged."""
    for models in list(_every):
        for of_instance in models.here():
            await of_instance.unload_all()


class _Models:
    """The models that an instance has loaded, the least recently used first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._loaded: dict[str, Any] = {}
        # What loads at the same time would be in memory at the same time, above the limit.
        self._one_at_a_time = asyncio.Lock()

    async def get(self, model_id: str, load: Load) -> Any:
        if type(model_id) is not str:
            raise TypeError("The model ID must be a string.")
        if not model_id:
            raise ValueError("The model ID cannot be empty.")
        if model_id not in self._loaded:
            async with self._one_at_a_time:
                if model_id not in self._loaded:
                    await self._load(model_id, load)
        self._loaded[model_id] = self._loaded.pop(model_id)  # it is the last to go now
        return self._loaded[model_id]

    async def _load(self, model_id: str, load: Load) -> None:
        if 0 < self._most <= len(self._loaded):
            await self._unload()
        logger.info("Loading model %r.", model_id)
        self._loaded[model_id] = await load(model_id)

    async def _unload(self) -> None:
        model_id = next(iter(self._loaded))
        model = self._loaded.pop(model_id)
        logger.info("Unloading model %r.", model_id)
        if (destructor := destructors.take(model)) is not None:
            await user_code.call(destructor, model)

    async def unload_all(self) -> None:
        while self._loaded:
            try:
                await self._unload()
            except Exception:
                logger.exception("a model's __del__ failed")
