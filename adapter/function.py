"""What `functions/*/app.py` call: a deployment, or a bare ASGI application, as Lambda handler.

    handler = entry_point(Gateway, DeploymentHandle("Sentiment"))
    handler = lambda_handler(app)

Both make a `Function`: an ordinary handler for AWS's Python runtime, and an object that the
adapter's own loop (`adapter.runtime`) serves without leaving its event loop.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from adapter import deadline
from adapter.calls.dispatch import Dispatcher
from adapter.calls.event import is_call
from adapter.errors import InvalidOption, ServeError, UnsupportedEvent
from adapter.http.detect import is_http
from adapter.loop_thread import cancel_all, loop_is_running
from adapter.responder import Collected, Responder
from adapter.runtime.protocol import Failure
from adapter.serve import context, in_flight, transport
from adapter.serve.deployments import Deployment
from adapter.serve.ingresses import ingress_of, is_factory
from adapter.serve.instances import Instance
from adapter.serve.names import DEFAULT_APPLICATION

if TYPE_CHECKING:
    from adapter.http.bridge import HttpBridge
    from adapter.http.lifespan import Mode

CANCEL_S = 1.0  # for what still runs when a function is closed


class Settings(NamedTuple):
    """What a function is told about its place; on Lambda by environment variables."""

    application: str = DEFAULT_APPLICATION
    route_prefix: str = "/"
    streams: frozenset[str] = frozenset()
    request_timeout_s: float | None = None
    max_concurrency: int = 1
    whole_process: bool = True

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables that the plan sets: `ADAPTER_...`.

        `ADAPTER_STREAMS` names the fronts that take a streamed response: `url`, `rest`, `http-api`.
        """
        request_timeout_s = environ.get("ADAPTER_REQUEST_TIMEOUT_S")
        return cls(
            application=environ.get("ADAPTER_APPLICATION", DEFAULT_APPLICATION),
            route_prefix=environ.get("ADAPTER_ROUTE_PREFIX", "/"),
            streams=frozenset(filter(None, environ.get("ADAPTER_STREAMS", "").split(","))),
            request_timeout_s=float(request_timeout_s) if request_timeout_s else None,
            max_concurrency=int(environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or 1),
        )


class Function:
    """A Lambda handler with an event loop of its own.

    The loop runs during init and during invocations. `handler(event, context)` works from any
    thread, also one whose own event loop is running.
    """

    def __init__(self, servable: "Servable", loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.loop = loop or asyncio.new_event_loop()
        self._servable = servable
        self._one_at_a_time = threading.Lock()

    async def start(self) -> None:
        """Do everything that belongs to init: constructor, factory, lifespan startup.

        Raises whatever the user's code raises.
        """
        await self._servable.start()

    async def invoke(self, event: Any, lambda_context: Any) -> Any:
        """Serve one event to its end, background tasks included, and return the answer."""
        collected = Collected()
        await self.serve(event, lambda_context, collected)
        return collected.result

    async def serve(self, event: Any, lambda_context: Any, responder: Responder) -> None:
        """Serve one event on the running loop; the answer may leave before this returns.

        What runs is cancelled shortly before the deadline, Lambda's or the caller's, so that clean
        up may run and the caller gets an answer: 504 for HTTP, TimeoutError for a call. Plain code
        cannot be cancelled; Lambda ends it.
        """
        invocation = _invocation(event, lambda_context)
        context.invocation.set(invocation)
        limit = deadline.Limit(invocation.deadline_ms, lambda: responder.answered)
        try:
            with limit:
                await self._serve(event, lambda_context, responder)
        except TimeoutError:
            if not limit.expired:
                raise
            await self._servable.answer_late(event, responder)

    async def _serve(self, event: Any, lambda_context: Any, responder: Responder) -> None:
        try:
            await self._servable.serve(event, lambda_context, responder)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # The user's code cancelled something of its own; it must not end the runtime's loop.
            raise RuntimeError("the function waited for what it had cancelled") from error

    @property
    def init_ms(self) -> Mapping[str, float]:
        """How long the parts of init took, in milliseconds: constructor, lifespan, check_health."""
        return self._servable.init_ms

    async def idle_check(self, deadline_ms: int = 0) -> None:
        """Ask a deployment's `check_health` whether the environment may go on, where it is due.

        It is called when an invocation has been answered, whose deadline in Unix milliseconds
        bounds it; 0 is none. Raises `Unhealthy` where the check fails, which is logged.
        """
        await self._servable.idle_check(deadline_ms)

    async def stop(self) -> None:
        """Do everything that belongs to the end: lifespan shutdown, `__del__`."""
        await self._servable.stop()

    def __call__(self, event: Any, lambda_context: Any = None) -> Any:
        return self.complete(self.invoke(event, lambda_context))

    def complete(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on this function's loop and wait for it."""
        if loop_is_running():
            return _in_another_thread(lambda: self.complete(work))
        with self._one_at_a_time:
            return self.loop.run_until_complete(work)

    def close(self) -> None:
        """End the function; it cannot be invoked afterwards. Lambda itself never asks for it."""
        try:
            self.complete(self.stop())
        finally:
            self.close_loop()

    def close_loop(self) -> None:
        """Free what the event loop holds, where `start` failed or `stop` is done.

        Tasks that still run are cancelled; one that does not end in a second is left behind.
        """
        self.complete(_cancel_what_runs())
        transport.let_go(self.loop)
        self.complete(self.loop.shutdown_asyncgens())
        self.loop.close()  # plain code that still runs in a thread is not waited for


class Servable:
    """What a function serves: HTTP events, call events, or both."""

    def __init__(self) -> None:
        self._bridge: HttpBridge | None = None
        self._dispatcher: Dispatcher | None = None
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
        """Serve one event. Raises `UnsupportedEvent` for one that is neither HTTP nor a call."""
        async with in_flight.cancelled_together():
            if self._dispatcher is not None and is_call(event):
                await self._dispatcher(event, responder)
            elif is_http(event) and (bridge := self._http()) is not None:
                await bridge(event, lambda_context, responder)
            elif self._bridge is not None and self._bridge.takes(event, lambda_context):
                await self._bridge(event, lambda_context, responder)
            else:
                raise UnsupportedEvent(event)

    async def answer_late(self, event: Any, responder: Responder) -> None:
        """Answer an event that was cancelled before its deadline: 504 for HTTP, TimeoutError."""
        late = "the function was cancelled before its deadline"
        if responder.answered:
            raise TimeoutError(f"{late}, while it worked on after its answer had begun")
        if not is_http(event) or self._bridge is None:
            raise TimeoutError(late)
        from adapter.http.bridge import PLAIN  # noqa: PLC0415 - HTTP only

        await self._bridge.answer(event, PLAIN[504], responder)

    async def stop(self) -> None:
        """Undo `start`."""
        if self._bridge is not None:
            await self._bridge.lifespan.shutdown()

    def _http(self) -> "HttpBridge | None":
        return self._bridge


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

        return HttpBridge(
            app,
            base_path=self._settings.route_prefix,
            streams=self._settings.streams,
            request_timeout_s=self._settings.request_timeout_s,
        )

    def _context(self) -> context.DeploymentContext:
        return context.DeploymentContext(
            deployment=self._deployment.name,
            application=self._settings.application,
            max_concurrency=self._settings.max_concurrency,
        )


class ApplicationServable(Servable):
    """An ASGI application without a deployment around it."""

    def __init__(self, app_or_factory: Any, **settings: Any) -> None:
        super().__init__()
        self._app_or_factory = app_or_factory
        self._bridge_settings = settings

    async def start(self) -> None:
        """Call the factory, where it is one, and run lifespan startup."""
        from adapter.http.application import factory_application  # noqa: PLC0415 - HTTP only
        from adapter.http.bridge import HttpBridge  # noqa: PLC0415 - HTTP only

        app = self._app_or_factory
        if is_factory(app):
            app = await factory_application(app)
        self._bridge = HttpBridge(app, **self._bridge_settings)
        await super().start()


def entry_point(
    deployment: Deployment | Callable[..., Any],
    /,
    *args: Any,
    **kwargs: Any,
) -> Function:
    """Make the Lambda handler of a deployment; `args` and `kwargs` are its constructor's.

    The deployment is constructed here, at import, so that Lambda counts it as init. Raises
    whatever the constructor, the factory or the lifespan startup raises.
    """
    if not isinstance(deployment, Deployment):
        deployment = Deployment(deployment, _options(deployment))
    servable = DeploymentServable(deployment, args, kwargs, Settings.from_environment())
    return _started(Function(servable))


def lambda_handler(
    app_or_factory: Any,
    *,
    lifespan: "Mode" = "auto",
    base_path: str | None = None,
    api_gateway_base_path: str | None = None,
    custom_handlers: Sequence[Any] = (),
    text_mime_types: Sequence[str] | None = None,
    exclude_headers: Sequence[str] = (),
) -> Function:
    """Make the Lambda handler of a FastAPI or any other ASGI application, or of its factory.

    It stands in for `Mangum(app, ...)` and takes what that takes; `base_path` is
    `api_gateway_base_path`, cut at a path segment and passed on as `root_path`. A factory is a
    function without required parameters; it is called once. Lifespan startup runs once per
    environment: "auto" where the application supports it, "on" always, "off" never.

    Raises `InvalidOption` for an unknown `lifespan`, `ServeError` for something that is no
    application, and whatever the factory or the startup raises.
    """
    if lifespan not in ("auto", "on", "off"):
        raise InvalidOption(f"lifespan={lifespan!r} must be 'auto', 'on' or 'off'.")
    if not callable(app_or_factory) or isinstance(app_or_factory, Deployment):
        raise ServeError(
            f"lambda_handler needs an ASGI application or a factory, not {app_or_factory!r}.",
        )
    settings = Settings.from_environment()
    servable = ApplicationServable(
        app_or_factory,
        lifespan=lifespan,
        base_path=base_path or api_gateway_base_path or settings.route_prefix,
        custom_handlers=custom_handlers,
        text_mime_types=text_mime_types,
        exclude_headers=exclude_headers,
        streams=settings.streams,
        request_timeout_s=settings.request_timeout_s,
    )
    return _started(Function(servable))


def _options(func_or_class: Callable[..., Any]) -> Any:
    from adapter.serve.options import DeploymentOptions  # noqa: PLC0415 - rarely needed

    return DeploymentOptions(name=func_or_class.__name__)


def _started(function: Function) -> Function:
    transport.carry_on(function.loop)
    try:
        function.complete(function.start())
    except BaseException:
        function.close_loop()
        raise
    return function


def _error_body(error: BaseException) -> bytes:
    return Failure.of(error).body()


def _invocation(event: Any, lambda_context: Any) -> context.InvocationContext:
    """Say what is being served; a call ends with whoever waits for it, if that is sooner."""
    deadlines = [deadline.of(lambda_context)]
    if is_call(event) and isinstance(event.get("context"), dict):
        deadlines.append(event["context"].get("deadline_ms"))
    known = [found for found in deadlines if type(found) is int and found > 0]
    return context.InvocationContext(
        request_id=getattr(lambda_context, "aws_request_id", ""),
        deadline_ms=min(known, default=0),
    )


async def _cancel_what_runs() -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CANCEL_S):
            await cancel_all()


def _in_another_thread(work: Callable[[], Any]) -> Any:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - rarely needed

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(work).result()


__all__ = ["Function", "entry_point", "lambda_handler"]
