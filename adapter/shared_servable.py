"""What a function serves that several deployments share."""

import contextlib
from collections.abc import Sequence
from typing import Any

from adapter.calls.event import addressed
from adapter.calls.neighbours import Neighbours
from adapter.calls.shape import is_call
from adapter.deployment_servable import DeploymentServable, error_body
from adapter.errors import DeployFailed
from adapter.responder import Responder
from adapter.servable import Servable
from adapter.serve.deployments import Application
from adapter.settings import Settings


class SharedServable(Servable):
    """Several deployments of an application in one process, on one event loop.

    `applications` are the deployments with their constructor arguments, in the order in which they
    are constructed. Calls say which one they are for; all other events, and calls that name none,
    are for the `default`.
    """

    def __init__(
        self,
        applications: Sequence[Application[Any]],
        default: str,
        settings: Settings,
    ) -> None:
        super().__init__()
        self._neighbours = Neighbours(settings.application, error_body)
        self._default = default
        self._servables: dict[str, DeploymentServable] = {}
        for application in applications:
            deployment = application.deployment
            # Of threads without a context the process can only say that they are the default's.
            whole_process = settings.whole_process and deployment.name == default
            self._servables[deployment.name] = servable = DeploymentServable(
                deployment,
                application.args,
                application.kwargs,
                settings._replace(whole_process=whole_process),
                self._neighbours,
            )
            self._neighbours.add(deployment.settings, servable.run)

    async def start(self) -> None:
        """Start the deployments, one after the other. Where one fails, the others are stopped.

        Raises `DeployFailed` naming it, with what was raised as its cause.
        """
        self._neighbours.begin()
        async with contextlib.AsyncExitStack() as started:
            started.callback(self._neighbours.end)
            for name, servable in self._servables.items():
                try:
                    await servable.start()
                except Exception as error:
                    why = f"{type(error).__name__}: {error}"
                    raise DeployFailed(f"deployment {name} failed to start: {why}") from error
                started.push_async_callback(_stopped, servable)
                for part, took_ms in servable.init_ms.items():
                    self.init_ms[part] = self.init_ms.get(part, 0.0) + took_ms
            started.pop_all()

    async def serve(self, event: Any, lambda_context: Any, responder: Responder) -> None:
        """Serve one event. Raises `InvalidCall` for a call of a deployment that is not there."""
        name = addressed(event, self._servables, self._default)
        servable = self._servables[name]
        if not is_call(event):
            await servable.serve(event, lambda_context, responder)
            return
        async with self._neighbours.entered(name):
            await servable.serve(event, lambda_context, responder)

    async def answer_late(self, event: Any, responder: Responder) -> None:
        """Answer an event that was cancelled before its deadline; see `Servable`."""
        name = addressed(event, self._servables, self._default)
        await self._servables[name].answer_late(event, responder)

    async def idle_check(self, deadline_ms: int) -> None:
        """Run the `check_health` of every deployment where it is due; see `Function.idle_check`."""
        for servable in self._servables.values():
            await servable.idle_check(deadline_ms)

    async def stop(self) -> None:
        """Stop the deployments, callers first, each whatever becomes of the others."""
        async with contextlib.AsyncExitStack() as stopping:
            stopping.callback(self._neighbours.end)
            for servable in self._servables.values():
                stopping.push_async_callback(servable.stop)


async def _stopped(servable: DeploymentServable) -> None:
    with contextlib.suppress(Exception):  # the first failure is the one to tell
        await servable.stop()
