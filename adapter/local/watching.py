"""What becomes of a request in this process, for who tests."""

from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send


class Watch(NamedTuple):
    """What the application raised, and the functions that serve, until they have ended."""

    errors: list[Exception]
    serving: list[Future[Any]]


watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


class Watching:
    """Tells the watch what an application raises."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, unchanged."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if (watched := watch.get()) is not None:
                watched.errors.append(error)
            raise
