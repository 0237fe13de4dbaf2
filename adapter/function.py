"""What `functions/*/app.py` call: a deployment, or a bare ASGI application, as Lambda handler.

    handler = entry_point(Gateway, DeploymentHandle("Sentiment"))
    handler = shared_entry_point(Sentiment.bind(), Gateway.bind(...), default="Gateway")
    handler = lambda_handler(app)

Each makes a `Function`: an ordinary handler for AWS's Python runtime, and an object that the
adapter's own loop (`adapter.runtime`) serves without leaving its event loop.
"""

import asyncio
import contextlib
import contextvars
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from adapter import deadline
from adapter.calls.shape import is_call
from adapter.errors import InvalidOption, ServeError
from adapter.loop_thread import cancel_all, loop_is_running
from adapter.responder import Collected, Responder
from adapter.servable import ApplicationServable, Servable
from adapter.serve import context, in_flight, transport
from adapter.settings import HttpSettings, Settings

if TYPE_CHECKING:
    from adapter.http.lifespan import Mode
    from adapter.serve.deployments import Application, Deployment

_NEVER = 10**15  # Unix time in milliseconds, of the year 33,658
CANCEL_S = 1.0  # for what still runs when a function is closed


class Function:
    """A Lambda handler with an event loop of its own.

    The loop runs during init and during invocations. `handler(event, context)` works from any
    thread, also one whose own event loop is running. What was not started before is at the first
    event.
    """

    def __init__(self, servable: Servable, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop
        self._servable = servable
        self._one_at_a_time = threading.Lock()
        self._starting = asyncio.Lock()
        self._started = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that everything of this function runs on."""
        if self._loop is None:  # many a module is imported and its handler never called
            self._loop = asyncio.new_event_loop()
        return self._loop

    @property
    def closed(self) -> bool:
        """Whether it cannot be invoked any more."""
        return self._loop is not None and self._loop.is_closed()

    async def start(self) -> None:
        """Do everything that belongs to init, once: constructor, factory, lifespan startup.

        Raises whatever the user's code raises.
        """
        async with self._starting:
            if not self._started:
                async with in_flight.cancelled_together():  # what a constructor leaves behind
                    await self._servable.start()
                self._started = True

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
                if not self._started:
                    await self._start_late()
                await self._serve(event, lambda_context, responder)
        except TimeoutError:
            if not limit.expired:
                raise
            await self._servable.answer_late(event, responder)
        finally:
            context.flush_metrics()

    async def _start_late(self) -> None:
        """Start at the first event, but not as a part of it, which ends sooner."""
        loop = asyncio.get_running_loop()
        transport.carry_on(loop)
        await loop.create_task(self.start(), context=contextvars.Context())

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
        try:
            await self._servable.stop()
        finally:
            context.flush_metrics()

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


def entry_point(
    deployment: "Deployment | Callable[..., Any]",
    /,
    *args: Any,
    **kwargs: Any,
) -> Function:
    """Make the Lambda handler of a deployment; `args` and `kwargs` are its constructor's.

    The deployment is constructed here, at import, so that Lambda counts it as init. Raises
    whatever the constructor, the factory or the lifespan startup raises.
    """
    from adapter.deployment_servable import DeploymentServable  # noqa: PLC0415 - not for bare apps
    from adapter.serve.deployments import Deployment  # noqa: PLC0415 - as that

    if not isinstance(deployment, Deployment):
        deployment = Deployment(deployment, _options(deployment))
    servable = DeploymentServable(deployment, args, kwargs, Settings.from_environment())
    return _started(Function(servable))


def shared_entry_point(*applications: "Application[Any]", default: str) -> Function:
    """Make the Lambda handler of deployments that share a function.

    They are constructed here, at import, in the order in which they are given. `default` is the
    name of the one that HTTP reaches, and calls that name none. Raises `DeployFailed` naming the
    deployment whose constructor, factory or lifespan startup raises.
    """
    from adapter.shared_servable import SharedServable  # noqa: PLC0415 - few functions are shared

    servable = SharedServable(applications, default, Settings.from_environment())
    return _started(Function(servable))


def read_secrets() -> None:
    """Set the variables that are secrets, before the user's modules are imported.

    Entry points of deployments with `LambdaOptions(secrets=...)` call it first. A variable that is
    set already stays. Raises `SecretsNotRead`.
    """
    if "ADAPTER_SECRETS" in os.environ:
        from adapter.calls import secrets  # noqa: PLC0415 - rarely needed

        secrets.set_variables(os.environ)


def lambda_handler(  # noqa: PLR0913 - settings by keyword, most of them Mangum's
    app_or_factory: Any,
    *,
    lifespan: "Mode" = "auto",
    base_path: str | None = None,
    api_gateway_base_path: str | None = None,
    custom_handlers: Sequence[Any] = (),
    text_mime_types: Sequence[str] | None = None,
    exclude_headers: Sequence[str] = (),
    trusted_hops: int | None = None,
    max_body_bytes: int | None = None,
    raise_errors: bool | None = None,
) -> Function:
    """Make the Lambda handler of a FastAPI or any other ASGI application, or of its factory.

    It stands in for `Mangum(app, ...)` and takes what that takes; `base_path` is
    `api_gateway_base_path`, cut at a path segment and passed on as `root_path`. A factory is a
    function without required parameters; it is called once. Lifespan startup runs once per
    environment: "auto" where the application supports it, "on" always, "off" never. On Lambda that
    is during init. Where the module is imported for something else, by a test, another program,
    `adapter build`, or the entry point of another application, it is at the first event.
    `text_mime_types` are content types, or beginnings of such, that are text besides the usual
    ones. `trusted_hops`, `max_body_bytes` and `raise_errors` are those of `LambdaOptions`.

    Raises `InvalidOption` for a setting outside its range, `ServeError` for something that is no
    application, and on Lambda whatever the factory or the startup raises.
    """
    if lifespan not in ("auto", "on", "off"):
        raise InvalidOption(f"lifespan={lifespan!r} must be 'auto', 'on' or 'off'.")
    if not callable(app_or_factory) or _is_deployment(app_or_factory):
        raise ServeError(
            f"lambda_handler needs an ASGI application or a factory, not {app_or_factory!r}.",
        )
    given: dict[str, Any] = {
        "base_path": base_path or api_gateway_base_path,
        "trusted_hops": trusted_hops,
        "max_body_bytes": max_body_bytes,
        "raise_errors": raise_errors,
    }
    _check(trusted_hops, max_body_bytes, raise_errors)
    settings = Settings.from_environment().http._replace(
        lifespan=lifespan,
        custom_handlers=custom_handlers,
        text_mime_types=text_mime_types or (),
        exclude_headers=exclude_headers,
        **{name: value for name, value in given.items() if value is not None},
    )
    function = _made_for(app_or_factory, settings)
    calling = sys._getframe(1).f_globals  # noqa: SLF001 - the module that makes its handler
    return _started(function) if _is_init(calling) else function


_made: list[tuple[Any, HttpSettings, Function]] = []


def _made_for(app_or_factory: Any, settings: HttpSettings) -> Function:
    """Return the function of an environment that was made for the same before, or a new one.

    An entry point imports the user's module, which may have made one: two would run the lifespan
    twice.
    """
    if not _on_lambda():
        return Function(ApplicationServable(app_or_factory, settings))
    for app, its_settings, function in _made:
        if app is app_or_factory and its_settings == settings and not function.closed:
            return function
    function = Function(ApplicationServable(app_or_factory, settings))
    _made.append((app_or_factory, settings, function))
    return function


def _is_init(calling: Mapping[str, Any]) -> bool:
    """Whether what a module makes is what the environment is for, so that this is its init.

    A planned function, which is told its ingress, has its entry point in the folder that Lambda
    calls the task root; the user's modules lie elsewhere and may make handlers of their own.
    """
    running = sys.modules.get("adapter.serve.running")  # whoever imports for a plan has loaded it
    if getattr(running, "importing", False) or not _on_lambda():
        return False
    task_root = os.environ.get("LAMBDA_TASK_ROOT")
    if not task_root or "ADAPTER_INGRESS" not in os.environ:
        return True
    folder = os.path.dirname(calling.get("__file__") or "")  # noqa: PTH120 - loads less
    return os.path.realpath(folder) == os.path.realpath(task_root)


def _is_deployment(value: Any) -> bool:
    deployments = sys.modules.get("adapter.serve.deployments")  # whoever made one has loaded it
    return deployments is not None and isinstance(value, deployments.Deployment)


def _on_lambda() -> bool:
    return "AWS_LAMBDA_RUNTIME_API" in os.environ


def _check(trusted_hops: Any, max_body_bytes: Any, raise_errors: Any) -> None:
    if (trusted_hops, max_body_bytes, raise_errors) == (None, None, None):
        return
    from adapter.serve.lambda_options import LambdaOptions  # noqa: PLC0415 - rarely needed

    LambdaOptions(
        trusted_hops=0 if trusted_hops is None else trusted_hops,
        max_body_bytes=max_body_bytes,
        raise_errors=False if raise_errors is None else raise_errors,
    )


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


def _invocation(event: Any, lambda_context: Any) -> context.InvocationContext:
    """Say what is being served; a call ends with whoever waits for it, if that is sooner."""
    deadlines = [deadline.of(lambda_context)]
    request_id = context.plain_request_id(getattr(lambda_context, "aws_request_id", ""))
    caller: Any = event.get("context") if is_call(event) else None
    if not isinstance(caller, dict):
        return context.InvocationContext(request_id, _soonest(deadlines))
    return context.InvocationContext(
        request_id=context.plain_request_id(caller.get("request_id")) or request_id,
        deadline_ms=_soonest([*deadlines, caller.get("deadline_ms")]),
        multiplexed_model_id=_text(caller.get("multiplexed_model_id")),
        route=_text(caller.get("route")),
    )


def _soonest(deadlines: list[Any]) -> int:
    known = [found for found in deadlines if type(found) is int and 0 < found < _NEVER]
    return min(known) if known else 0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


async def _cancel_what_runs() -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CANCEL_S):
            await cancel_all()


def _in_another_thread(work: Callable[[], Any]) -> Any:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - rarely needed

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(work).result()


__all__ = ["Function", "entry_point", "lambda_handler", "read_secrets", "shared_entry_point"]
