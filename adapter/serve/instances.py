"""The life of a deployment's instance: constructor, `reconfigure`, `check_health`, `__del__`."""

import asyncio
import inspect
import logging
import sys
import time
from collections.abc import Mapping
from typing import Any

from adapter import deadline, user_code
from adapter.errors import InvalidOption, ServeError, Unhealthy
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

        Either may be `async def`. Raises whatever they raise, and `ServeError` for a user_config
        that nothing takes.
        """
        cls: Any = self._deployment.func_or_class
        if not inspect.isclass(cls):
            self.target = cls
            self._refuse_user_config_of_function()
            return
        if inspect.iscoroutinefunction(cls.__init__):
            instance: Any = cls.__new__(cls, *self._args, **self._kwargs)
            await instance.__init__(*self._args, **self._kwargs)
        else:
            instance = cls(*self._args, **self._kwargs)
        self.target = instance
        await self._reconfigure()

    async def _reconfigure(self) -> None:
        user_config = self._deployment.user_config
        if not hasattr(self.target, "reconfigure"):
            if user_config is not None:
                raise ServeError(
                    f"user_config or rank specified but deployment {self._deployment.name} missing "
                    "reconfigure method. Define `def reconfigure(self, user_config)`.",
                )
            return
        reconfigure = self.target.reconfigure
        rank = inspect.signature(reconfigure).parameters.get("rank")
        if rank is not None and rank.default is rank.empty:
            raise ServeError(
                f"{self._deployment.name}.reconfigure(rank) cannot be told its rank: Lambda starts "
                "and ends environments one by one, and none knows of the others. Give rank a "
                "default, or remove it.",
            )
        # As in Ray Serve, who asks for the rank is called without a user_config, too.
        if user_config is not None or rank is not None:
            await user_code.call_inline(reconfigure, user_config)

    def _refuse_user_config_of_function(self) -> None:
        if self._deployment.user_config is not None:
            raise InvalidOption(
                f"deployment {self._deployment.name}: deployment_def must be a class to use "
                "user_config or rank.",
            )

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
        """Call the user's `__del__`, plain or async, once; what it raises is logged.

        Then the models of `serve.multiplexed` are unloaded.
        """
        instance, self.target = self.target, None
        await self._destroy(instance)
        if (multiplexing := sys.modules.get("adapter.serve.multiplexing")) is not None:
            await multiplexing.unload_all()

    async def _destroy(self, instance: Any) -> None:
        if not inspect.isclass(self._deployment.func_or_class):
            return
        from adapter.serve import destructors  # noqa: PLC0415 - not in a cold start

        destructor = destructors.take(instance)
        if destructor is None:
            return
        try:
            await user_code.call_inline(destructor, instance)
        except Exception:
            logger.exception("%s.__del__ failed", self._deployment.name)


def _unhealthy(deployment: Deployment, error: Exception) -> Unhealthy:
    logger.error("%s: check_health failed", deployment.name, exc_info=error)
    return Unhealthy(f"{deployment.name}: check_health failed: {error!r}")
