"""A planned application in this process: its entry points run, and handles reach their handlers.

Each call is an event that a handler answers, as on Lambda; only the processes are missing.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from adapter.calls import codec, event
from adapter.calls.error_object import function_error
from adapter.function import Function
from adapter.plan.values import ApplicationPlan
from adapter.runtime.protocol import Failure
from adapter.serve import transport
from adapter.serve.channel import Channel
from adapter.serve.transport import Call
from tests.http.answers import Answer, ask
from tests.plan.programs import run


@dataclass
class Planned:
    """The functions of an application, by deployment name; see `Transport` for its methods."""

    plan: ApplicationPlan
    functions: dict[str, Function] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)  # of calls
    _threads: ThreadPoolExecutor = field(default_factory=ThreadPoolExecutor)

    @property
    def ingress_function(self) -> Function:
        return self.functions[self.plan.functions[0].deployment]

    def ask(self, http_event: dict[str, Any]) -> Answer:
        """Invoke the ingress with an HTTP event."""
        return ask(self.ingress_function, http_event)

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Invoke the ingress with a call event."""
        sent = {"method": method, "args": list(args), "kwargs": kwargs}
        return self.ingress_function(sent)

    def send(self, call: Call) -> Future[Any]:
        return self._threads.submit(self._send, call)

    def stream(self, call: Call, items: Channel[Any]) -> Future[None]:
        raise NotImplementedError

    async def settle(self) -> None:
        """Nothing hangs up here."""

    def ingress(self, application: str) -> str:
        del application
        return self.plan.functions[0].deployment

    def check(self, deployment: str, application: str) -> None:
        """Every deployment is there."""

    def _send(self, call: Call) -> Any:
        if call.waits:
            call = asyncio.run(call.resolved())
        sent = json.loads(event.encode(call))
        self.events.append(sent)
        try:
            result = self.functions[call.deployment](sent)
        except Exception as error:  # noqa: BLE001 - whatever a deployment raises
            raise function_error(call.deployment, Failure.of(error).body()) from None
        return codec.loads(json.dumps(result))


@contextlib.contextmanager
def planned(plan: ApplicationPlan) -> Iterator[Planned]:
    """Run the entry points of a plan, callees first."""
    application = Planned(plan)
    transport.connect(application)
    with contextlib.ExitStack() as ending:
        ending.callback(transport.connect, None)
        ending.callback(application._threads.shutdown)
        for function in reversed(plan.functions):
            handler: Function = run(function.entry_point)["handler"]
            ending.callback(handler.close)
            application.functions[function.deployment] = handler
        yield application
