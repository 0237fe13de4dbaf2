"""What the function of one deployment serves."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from adapter.calls.dispatch import Dispatcher
from adapter.calls.event import addressed
from adapter.errors import ServeError
from adapter.responder import Responder
from adapter.runtime.protocol import Failure
from adapter.servable import Servable
from adapter.serve import context
from adapter.serve.deployments import Deployment
from adapter.serve.ingresses import ingress_of
from adapter.serve.instances import Instance
from adapter.settings import Settings

if TYPE_CHECKING:
    from adapter.calls.neighbours import Neighbours
    from adapter.http.bridge import HttpBridge
    from adapter.sockets.bridge import SocketBridge


class DeploymentServable(Servable):
    """One deployment: its instance answers calls, its ingress or `__call__` answers HTTP.

    `neighbours` are the deployments that it shares its function with.
    """

    def __init__(
        self,
        deployment: Deployment,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        settings: Settings,
        neighbours: "Neighbours | None" = None,
    ) -> None:
        super().__init__()
        self._neighbours = neighbours
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
        self._dispatcher = Dispatcher(self._instance.target, error_body)
        self._subscribe()
        if ingress := ingress_of(self._deployment.func_or_class):
            from adapter.http.application import ingress_application  # noqa: PLC0415 - HTTP only

            target = self._instance.target
            app = await ingress_application(ingress, target, shared=not whole_process)
            self._refuse_second_cors(app)
            self._bridge = self._bridge_to(app)

    def _subscribe(self) -> None:
        if self._settings.events:
            from adapter.calls.subscriptions import Subscriptions  # noqa: PLC0415 - rarely needed

            self._subscriptions = Subscriptions(
                self._settings.events,
                self._instance.target,
                self._deployment.settings.max_ongoing_requests,
            )

    async def serve(self, event: Any, lambda_context: Any, responder: Responder) -> None:
        """Serve one event; see `Servable.serve`. Raises `InvalidCall` for another deployment's."""
        addressed(event, (self._deployment.name,), self._deployment.name)
        context.enter(self._context(), whole_process=False)
        await super().serve(event, lambda_context, responder)

    async def run(self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call a method for a deployment of the same function; see `Neighbours`.

        Raises `ServeError` before the instance is there, and what the method raises.
        """
        if self._dispatcher is None:
            raise ServeError(
                f"deployment {self._deployment.name} is not running: the deployments of a function "
                "are constructed one after the other, those that get handles to others last.",
            )
        context.enter(self._context(), whole_process=False)
        return await self._dispatcher.run(method, args, kwargs)

    async def idle_check(self, deadline_ms: int) -> None:
        """Run the user's `check_health` where it is due; see `Function.idle_check`."""
        if self._instance.has_health_check:
            await self._instance.check_health_if_due(deadline_ms)

    async def stop(self) -> None:
        """Run lifespan shutdown, then the user's `__del__`."""
        try:
            await super().stop()
        finally:
            self._bridge = self._dispatcher = self._subscriptions = None
            await self._instance.destroy()

    def _http(self) -> "HttpBridge | None":
        """Make the bridge of a plain deployment at its first HTTP event.

        Most plain deployments are reached by handles only and never pay for loading it.
        """
        if self._bridge is None and callable(self._instance.target):
            from adapter.http.plain import plain_application  # noqa: PLC0415 - HTTP only

            self._bridge = self._bridge_to(plain_application(self._instance.target))
        return self._bridge

    def _sockets(self) -> "SocketBridge | None":
        """Return what serves the ingress; a plain deployment has no WebSocket routes."""
        has_routes = ingress_of(self._deployment.func_or_class) is not None
        return super()._sockets() if has_routes else None

    def _bridge_to(self, app: Any) -> "HttpBridge":
        from adapter.http.bridge import HttpBridge  # noqa: PLC0415 - HTTP only

        if self._settings.http.gateway_cors:
            from adapter.http.cors import answering_preflights  # noqa: PLC0415 - rarely needed

            app = answering_preflights(app)
        return HttpBridge(app, self._settings.http._replace(serve_headers=True))

    def _refuse_second_cors(self, app: Any) -> None:
        """Look at what a factory has made; the plan has looked at other applications."""
        if self._settings.http.gateway_cors:
            from adapter.http.cors import refuse_second_cors  # noqa: PLC0415 - rarely needed

            refuse_second_cors(app, self._settings.http.middlewares)

    def _context(self) -> context.DeploymentContext:
        return context.DeploymentContext(
            deployment=self._deployment.name,
            application=self._settings.application,
            max_concurrency=self._settings.max_concurrency,
            replica=self._replica,
            servable_object=self._instance.target,
            neighbours=self._neighbours,
        )


def error_body(error: BaseException) -> bytes:
    """Write an exception as Lambda's error object."""
    return Failure.of(error).body()
