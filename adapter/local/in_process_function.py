"""One function in this process, with an event loop in a thread of its own."""

import asyncio
import contextlib
import contextvars
import json
import sys
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future, InvalidStateError
from typing import Any

from starlette.middleware import Middleware

from adapter.calls import event
from adapter.calls.codec import loads
from adapter.calls.error_object import function_error
from adapter.calls.frames import FrameReader, deliver
from adapter.calls.payloads import advised, limit, refused
from adapter.deployment_servable import DeploymentServable
from adapter.errors import ServeError
from adapter.function import Function
from adapter.local.invocation import (
    MAX_PAYLOAD,
    Answer,
    Invocation,
    Reply,
    collected,
    failure,
    function_arn,
    too_large,
)
from adapter.local.socket_connections import ProcessConnections
from adapter.local.watching import Watch, Watching, watch
from adapter.loop_thread import LoopThread
from adapter.plan.sharing import Group
from adapter.runtime import protocol
from adapter.runtime.context import FunctionSettings, LambdaContext
from adapter.servable import Servable
from adapter.serve.channel import Channel, EndOfChannel
from adapter.serve.deployments import Application
from adapter.serve.transport import Call
from adapter.settings import HttpSettings, Settings
from adapter.shared_servable import SharedServable

SHUTDOWN_S = 5.0  # for one deployment's lifespan shutdown
STREAMS = frozenset({"http-api"})


class InProcessFunction:
    """A deployment, or several that share a function, that answers invocations and handle calls.

    See `Invocable`. `group` has the deployments, and `name` is that of the function.

    Any number may be in flight, as in one replica of Ray Serve. `route_prefix` is None for a
    deployment that HTTP does not reach. With `large_payloads` calls and results may have any size:
    here they need no bucket. Where it is `watched` it tells the `Watch` of who opens an
    invocation what becomes of it.
    """

    def __init__(
        self,
        group: Group,
        application: str,
        *,
        route_prefix: str | None = None,
        request_timeout_s: float | None = None,
        watched: bool = False,
        large_payloads: bool = False,
    ) -> None:
        self.name = group.name
        self.deployments = tuple(node.name for node in group.nodes)
        options = group.main.deployment.settings.lambda_options
        self._servable = _servable(
            group,
            Settings(
                application=application,
                max_concurrency=0,
                whole_process=False,
                http=HttpSettings(
                    base_path=route_prefix or "/",
                    trusted_hops=options.trusted_hops,
                    max_body_bytes=options.max_body_bytes,
                    raise_errors=options.raise_errors,
                    streams=STREAMS,
                    request_timeout_s=options.request_timeout_s or request_timeout_s,
                    middlewares=(Middleware(Watching),) if watched else (),
                    connections=ProcessConnections(),
                ),
            ),
        )
        self._large_payloads = large_payloads
        self._running: tuple[LoopThread, Function] | None = None
        # An event loop itself does not keep its tasks, and these work on after their answers.
        self._serving: set[asyncio.Future[None] | Future[None]] = set()
        self._events: set[asyncio.Future[Answer]] = set()

    @property
    def running(self) -> bool:
        """Whether it is between `start` and `stop`."""
        return self._running is not None

    def start(self) -> None:
        """Construct the deployment. Raises what its constructor or lifespan startup raises."""
        thread = LoopThread(f"adapter-{self.name}")
        function = Function(self._servable, thread.loop)
        try:
            thread.submit(function.start()).result()
        except BaseException:
            thread.stop()
            raise
        self._running = (thread, function)

    def stop(self) -> None:
        """Run lifespan shutdown and end the thread. What goes wrong then is said, not raised."""
        thread, function = self._require_running()
        self._running = None
        try:
            thread.submit(function.stop()).result(SHUTDOWN_S)
        except TimeoutError:
            sys.stderr.write(f"{self.name}: shutdown took more than {SHUTDOWN_S} s; left alone\n")
        except Exception as error:  # noqa: BLE001 - the user's shutdown code
            sys.stderr.write(f"{self.name}: {protocol.Failure.of(error).text()}\n")
        thread.stop()

    @contextlib.asynccontextmanager
    async def open(self, invocation: Invocation) -> AsyncIterator[Reply]:
        """Serve an event; see `Invocable`."""
        thread, function = self._require_running()
        answer = InProcessAnswer(self.name, limited=not self._large_payloads)
        watched = watch.get()
        work = self._serve(function, invocation, answer, watched)
        here = asyncio.get_running_loop() is thread.loop  # a handle call
        # On Lambda nothing but the event comes along, and so no context variable does here.
        empty = contextvars.Context()
        running: asyncio.Future[None] | Future[None]
        running = empty.run(asyncio.ensure_future, work) if here else empty.run(thread.submit, work)
        self._serving.add(running)
        running.add_done_callback(self._serving.discard)
        running.add_done_callback(answer.served)
        if watched is not None and isinstance(running, Future):
            watched.serving.append(running)
        try:
            await asyncio.wrap_future(answer.begun)
            yield answer
        finally:
            if not answer.complete:
                running.cancel()

    async def invoke(self, invocation: Invocation) -> Answer:
        """Serve an event to the end of its answer; see `Invocable`."""
        async with self.open(invocation) as reply:
            return await collected(reply)

    def send(self, call: Call) -> Future[Any]:
        """Serve a handle call through a call event; see `Transport`."""
        call = self._addressed(call)
        payload = None if call.waits else event.encode(call)
        thread, _ = self._require_running()
        work = self._accept if call.is_event else self._send
        return thread.submit(work(call, payload))

    def stream(self, call: Call, items: Channel[Any]) -> Future[None]:
        """Serve a handle call that asks for items; see `Transport`."""
        call = self._addressed(call)
        payload = None if call.waits else event.encode(call)
        thread, _ = self._require_running()
        return thread.submit(self._stream(call, payload, items))

    def _addressed(self, call: Call) -> Call:
        return call._replace(function=self.name) if len(self.deployments) > 1 else call

    async def _send(self, call: Call, payload: bytes | None) -> Any:
        answer = await self.invoke(await self._invocation(call, payload))
        if answer.error_type is not None:
            raise advised(function_error(call.deployment, answer.payload))
        return loads(answer.payload)

    async def _accept(self, call: Call, payload: bytes | None) -> None:
        """Let an asynchronous call run in the background, once; a failure is printed."""
        running = asyncio.ensure_future(self.invoke(await self._invocation(call, payload)))
        self._events.add(running)
        running.add_done_callback(self._events.discard)

    async def _stream(self, call: Call, payload: bytes | None, items: Channel[Any]) -> None:
        async with self.open(await self._invocation(call, payload)) as reply:
            await deliver(reply.pieces(), FrameReader(call.deployment), items)
            if not items.ended:  # it failed before the first item, or was cancelled
                raise function_error(call.deployment, reply.answer.payload)

    async def _invocation(self, call: Call, payload: bytes | None) -> Invocation:
        if payload is None:
            payload = event.encode(await call.resolved())
        if len(payload) > limit(call) and not self._large_payloads:
            raise refused(self.name, call, len(payload))
        return Invocation(payload=payload, function_arn=function_arn(self.name))

    async def _serve(
        self,
        function: Function,
        invocation: Invocation,
        answer: "InProcessAnswer",
        watched: Watch | None,
    ) -> None:
        watch.set(watched)
        posted = protocol.Invocation(request_id=invocation.request_id, body=invocation.payload)
        context = LambdaContext(posted, FunctionSettings(name=self.name))
        try:
            await function.serve(json.loads(invocation.payload), context, answer)
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises is the caller's
            await answer.fail(error)

    def _require_running(self) -> tuple[LoopThread, Function]:
        if self._running is None:
            raise ServeError(f"deployment {self.name!r} is not running.")
        return self._running


def _servable(group: Group, settings: Settings) -> Servable:
    if not group.others:
        node = group.main
        return DeploymentServable(node.deployment, node.args, node.kwargs, settings)
    applications = [Application(node.deployment, node.args, node.kwargs) for node in group.nodes]
    return SharedServable(applications, group.main.name, settings)


class InProcessAnswer:
    """An answer on its way from the function's event loop to whoever reads it on another.

    To the function it is a `Responder` and a `ResponseStream`, to the reader a `Reply`. `begun` is
    done when the reader has something to read. Where it is `limited` it has 6 MB at most.
    """

    streams = True

    def __init__(self, function: str, *, limited: bool = True) -> None:
        self.answered = False
        self.streamed = False
        self.content_type = ""
        self.begun: Future[None] = Future()
        self._function = function
        self._limited = limited
        self._started = time.perf_counter()
        self._pieces: Channel[bytes] = Channel()
        self._answer: Answer | None = None
        self._completing = threading.Lock()  # the function's thread and one that cancels may race

    @property
    def complete(self) -> bool:
        """Whether the function has said the end of the answer."""
        return self._answer is not None

    @property
    def answer(self) -> Answer:
        """See `Reply`."""
        if self._answer is None:
            raise RuntimeError("the stream has not ended yet")
        return self._answer

    async def pieces(self) -> AsyncIterator[bytes]:
        """See `Reply`."""
        with contextlib.suppress(EndOfChannel):
            while self.streamed:
                yield await self._pieces.get()

    async def respond(self, result: Any) -> None:
        """See `Responder`."""
        payload = protocol.to_json(result)
        self.answered = True
        if self._limited and len(payload) > MAX_PAYLOAD:
            refused = too_large(MAX_PAYLOAD)
            self._complete(refused.payload, refused.error_type)
        else:
            self._complete(payload)

    async def stream(self, content_type: str) -> "InProcessAnswer":
        """See `Responder`."""
        self.answered = self.streamed = True
        self.content_type = content_type
        self._begin()
        return self

    async def write(self, data: bytes) -> None:
        """See `ResponseStream`."""
        await self._pieces.put(data)

    async def end(self) -> None:
        """See `ResponseStream`."""
        self._complete(b"")

    async def fail(self, error: BaseException) -> None:
        """See `ResponseStream`. The function failed, before its answer or after its beginning."""
        failed = protocol.Failure.of(error)
        sys.stderr.write(f"{self._function}: {failed.text()}\n")
        self._complete(failed.body(), failed.error_type)

    def served(self, _: object) -> None:
        """The function has ended; where it was cancelled, nothing else has completed the answer."""
        stopped = failure("Function.Stopped", f"deployment {self._function!r} was stopped")
        self._complete(stopped.payload, stopped.error_type)

    def _complete(self, payload: bytes, error_type: str | None = None) -> None:
        duration_ms = (time.perf_counter() - self._started) * 1000
        answer = Answer(payload=payload, error_type=error_type, duration_ms=duration_ms)
        with self._completing:
            if self._answer is not None:
                return
            self._answer = answer
        self._pieces.end()
        self._begin()

    def _begin(self) -> None:
        with contextlib.suppress(InvalidStateError):  # it has begun, or nobody waits any more
            self.begun.set_result(None)
