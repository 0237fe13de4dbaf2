"""What the function of one deployment serves."""

import contextlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adapter.calls.dispatch import Dispatcher
from adapter.responder import Responder
from adapter.runtime.protocol import Failure
from adapter.servable import Servable
from adapter.serve import context
from adapter.serve.deployments import Deployment
from adapter.serve.ingresses import ingress_of
from adapter.serve.instances import Instance
from adapter.settings import Settings

if TYPE_CHECKING:
    from adapter.http.bridge import HttpBridge


class DeploymentServable(Servable):
    """One deployment: its instance answers calls, its ingress or `__call__` answers HTTP."""

    def __init__(
        self,
        deployment: Deployment,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        settings: Settings,
    ) -> None:
        super().__init__()
        self._deployment = deployment
        self._settings = settings
        self._replica = settings.replica or os.urandom(16).hex()
        self._instance = Instance(deployment, args, kwargs)

    async def start(self) -> None:
        """Construct the instance, call `reconfigure`, build the ingress, run lifespan startup.

        At the end `check_health` is asked once. Where any of it fails, what was done is undone.
        """
        try:
            await self._construct()
            await super().start()
            if self._instance.has_health_check:
                with self._timed("check_health"):
                    await self._instance.check_health()
        except Exception:
            with contextlib.suppress(Exception):  # the first failure is the one to tell
                await self.stop()
            raise

    async def _construct(self) -> None:
        whole_process = self._settings.whole_process
        context.enter(self._context(), whole_process=whole_process)
        with self._timed("constructor"):
            await self._instance.construct()
        context.enter(self._context(), whole_process=whole_process)  # the instance is there now
        self._dispatcher = Dispatcher(self._instance.target, _error_body)
        if ingress := ingress_of(self._deployment.func_or_class):
            from adapter.http.application import ingress_application  # noqa: PLC0415 - HTTP only

            target = self._instance.target
            app = await ingress_application(ingress, target, shared=not whole_process)
            self._bridge = self._bridge_to(app)

    async def serve(self, event: Any, lambda_context: Any, responder: Responder) -> None:
        """Serve one event; see `Servable.serve`."""
        context.enter(self._context(), whole_process=False)
        await super().serve(event, lambda_context, responder)

    async def idle_check(self, deadline_ms: int) -> None:
        """Run the user's `check_health` where it is due; see `Function.idle_check`."""
        if self._instance.has_health_check:
            await self._instance.check_health_if_due(deadline_ms)

    async def stop(self) -> None:
        """Run lifespan shutdown, then the user's `__del__`."""
        try:
            await super().stop()
        finally:
            self._bridge = self._dispatcher = None
            await self._instance.destroy()

    def _http(self) -> "HttpBridge | None":
        """Make the bridge of a plain deployment at its first HTTP event.

        Most plain deployments are reached by handles only and never pay for loading it.
        """
        if self._bridge is None and callable(self._instance.target):
            from adapter.http.plain import plain_application  # noqa: PLC0415 - HTTP only

            self._bridge = self._bridge_to(plain_application(self._instance.target))
        return self._bridge

    def _bridge_to(self, app: Any) -> "HttpBridge":
        from adapter.http.bridge import HttpBridge  # noqa: PLC0415 - HTTP only

        return HttpBridge(app, self._settings.http._replace(serve_headers=True))

    def _context(self) -> context.DeploymentContext:
        return context.DeploymentContext(
            deployment=self._deployment.name,
            application=self._settings.application,
            max_concurrency=self._settings.max_concurrency,
            replica=self._replica,
            servable_object=self._instance.target,
        )


def _error_body(error: BaseException) -> bytes:
    return Failure.of(error).body()
