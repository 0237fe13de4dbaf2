"""The life of a deployment's instance: constructor, `reconfigure`, `check_health`, `__del__`."""

import asyncio
import inspect
import logging
import time
from collections.abc import Mapping
from typing import Any

from adapter import deadline, user_code
from adapter.errors import Unhealthy
from adapter.serve.deployments import Deployment

logger = logging.getLogger("adapter.serve")


class Instance:
    """The one instance that an environment holds; of a deployment function, the function."""

    def __init__(
        self,
        deployment: Deployment,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        self.target: Any = None
        self._deployment = deployment
        self._args = args
        self._kwargs = kwargs
        self._checked = 0.0  # when, in Unix time

    async def construct(self) -> None:
        """Call the constructor, then `reconfigure` where there is a user_config.

        Raises whatever they raise.
        """
        cls: Any = self._deployment.func_or_class
        if not inspect.isclass(cls):
            self.target = cls
            return
        if inspect.iscoroutinefunction(cls.__init__):
            instance: Any = cls.__new__(cls, *self._args, **self._kwargs)
            await instance.__init__(*self._args, **self._kwargs)
        else:
            instance = cls(*self._args, **self._kwargs)
        self.target = instance
        user_config = self._deployment.user_config
        if user_config is not None and hasattr(instance, "reconfigure"):
            await user_code.call_inline(instance.reconfigure, user_config)

    @property
    def has_health_check(self) -> bool:
        """Whether the user's class says how to check it."""
        is_instance = inspect.isclass(self._deployment.func_or_class)
        return is_instance and hasattr(self.target, "check_health")

    async def check_health(self, limit_s: float | None = None) -> None:
        """Run the user's `check_health`, plain code in a thread, and raise what it raises.

        Raises TimeoutError after the deployment's `health_check_timeout_s`. A check that `limit_s`,
        the time that an invocation has left, cuts short before that says nothing about the
        instance: it is logged only.
        """
        self._checked = time.time()
        timeout_s = self._deployment.settings.health_check_timeout_s
        cut_short = limit_s is not None and limit_s < timeout_s
        try:
            async with asyncio.timeout(limit_s if cut_short else timeout_s) as limit:
                await user_code.call(self.target.check_health)
        except TimeoutError as error:
            if not limit.expired():
                raise
            if not cut_short:
                raise TimeoutError(f"check_health took more than {timeout_s:g} s") from error
            logger.warning("the time of the invocation did not suffice for check_health")

    async def check_health_if_due(self, deadline_ms: int) -> None:
        """Run `check_health` where `health_check_period_s` have passed since the last time.

        Raises `Unhealthy` where it fails, which is logged; not where the invocation's deadline
        (Unix time in milliseconds, 0 for none) cuts it short.
        """
        settings = self._deployment.settings
        if time.time() - self._checked < settings.health_check_period_s:
            return
        try:
            await self.check_health(deadline.seconds_left(deadline_ms))
        except Exception as error:
            raise _unhealthy(self._deployment, error) from error

    async def destroy(self) -> None:
        """Call the user's `__del__`, plain or async, once; what it raises is logged."""
        instance, self.target = self.target, None
        if not inspect.isclass(self._deployment.func_or_class):
            return
        destructor = getattr(type(instance), "__del__", None)
        if destructor is None:
            return
        _make_harmless(instance)
        try:
            await user_code.call_inline(destructor, instance)
        except Exception:
            logger.exception("%s.__del__ failed", self._deployment.name)


def _unhealthy(deployment: Deployment, error: Exception) -> Unhealthy:
    logger.error("%s: check_health failed", deployment.name, exc_info=error)
    return Unhealthy(f"{deployment.name}: check_health failed: {error!r}")


def _make_harmless(instance: Any) -> None:
    """Give an instance a class whose `__del__` does nothing, because Python will call it again."""
    cls = type(instance)
    harmless = {"__slots__": (), "__del__": lambda _instance: None}
    try:
        instance.__class__ = type(cls.__name__, (cls,), harmless)
    except Exception:  # also what the user's __init_subclass__ raises
        logger.debug("%s stays; its __del__ may be called twice", cls, exc_info=True)
