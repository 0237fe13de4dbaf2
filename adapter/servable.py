"""What a function serves: HTTP events, WebSocket events, calls, events it is subscribed to."""

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from adapter.calls.shape import is_call
from adapter.http.detect import is_http, is_web_socket
from adapter.responder import Responder
from adapter.serve import in_flight
from adapter.serve.ingresses import is_factory
from adapter.settings import HttpSettings

if TYPE_CHECKING:
    from adapter.calls.dispatch import Dispatcher
    from adapter.calls.subscriptions import Subscriptions
    from adapter.http.bridge import HttpBridge
    from adapter.sockets.bridge import SocketBridge


class Servable:
    """What a function serves: HTTP events, WebSocket events, call events."""

    def __init__(self) -> None:
        self._bridge: HttpBridge | None = None
        self._socket_bridge: SocketBridge | None = None
        self._dispatcher: Dispatcher | None = None
        self._subscriptions: Subscriptions | None = None
        self.init_ms: dict[str, float] = {}

    async def start(self) -> None:
        """Get ready for the first event."""
        if self._bridge is not None:
            with self._timed("lifespan"):
                await self._bridge.lifespan.startup()

    @contextlib.contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.init_ms[part] = (time.perf_counter() - began) * 1000

    async def idle_check(self, deadline_ms: int) -> None:
        """See to it that the environment may go on; see `Function.idle_check`."""

    async def serve(self, event: Any, lambda_context: Any, responder: Responder) -> None:
        """Serve one event; `{}` is answered with null, so that it warms an environment.

        Raises `UnsupportedEvent` for one that is neither HTTP nor a WebSocket's nor a call nor
        subscribed to.
        """
        async with in_flight.cancelled_together():
            if self._dispatcher is not None and is_call(event):
                await self._dispatcher(event, responder)
            elif is_http(event) and (bridge := self._http()) is not None:
                await bridge(event, lambda_context, responder)
            elif self._subscriptions is not None and self._subscriptions.takes(event):
                await self._subscriptions(event, responder)
            elif self._bridge is not None and self._bridge.takes(event, lambda_context):
                await self._bridge(event, lambda_context, responder)
            elif is_web_socket(event) and (sockets := self._sockets()) is not None:
                await sockets(event, lambda_context, responder)
            elif event == {}:
                await responder.respond(None)  # who warms an environment wants nothing of it
            else:
                from adapter.unsupported_event import unsupported  # noqa: PLC0415 - refusals only

                raise unsupported(event)

    async def answer_late(self, event: Any, responder: Responder) -> None:
        """Answer an event that was cancelled before its deadline: 504 for HTTP, TimeoutError."""
        if self._subscriptions is not None and self._subscriptions.answers_late(event, responder):
            return
        late = "the function was cancelled before its deadline"
        if responder.answered:
            raise TimeoutError(f"{late}, while it worked on after its answer had begun")
        if not is_http(event) or self._bridge is None:
            raise TimeoutError(late)
        from adapter.http.bridge import PLAIN  # noqa: PLC0415 - HTTP only

        await self._bridge.answer(event, PLAIN[504], responder)

    async def stop(self) -> None:
        """Undo `start`."""
        if self._socket_bridge is not None:
            sockets, self._socket_bridge = self._socket_bridge, None
            await sockets.close()
        if self._bridge is not None:
            await self._bridge.lifespan.shutdown()

    def _http(self) -> "HttpBridge | None":
        return self._bridge

    def _sockets(self) -> "SocketBridge | None":
        """Make at the first WebSocket event what serves them from the same application."""
        if self._socket_bridge is None and self._bridge is not None:
            from adapter.sockets.bridge import SocketBridge  # noqa: PLC0415 - WebSockets only

            bridge = self._bridge
            self._socket_bridge = SocketBridge(bridge.app, bridge.settings, bridge.lifespan.state)
        return self._socket_bridge


class ApplicationServable(Servable):
    """An ASGI application without a deployment around it."""

    def __init__(self, app_or_factory: Any, settings: HttpSettings | None = None) -> None:
        super().__init__()
        self._app_or_factory = app_or_factory
        self._settings = settings or HttpSettings()

    async def start(self) -> None:
        """Call the factory, where it is one, and run lifespan startup."""
        from adapter.http.bridge import HttpBridge  # noqa: PLC0415 - HTTP only

        app = self._app_or_factory
        if is_factory(app):
            from adapter.http.application import factory_application  # noqa: PLC0415 - rarely used

            app = await factory_application(app)
        self._bridge = HttpBridge(app, self._settings)
        await super().start()
