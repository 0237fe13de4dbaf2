"""One function with its environments: started on demand, kept warm, replaced when they end."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from adapter.local.environment import Environment, Launch
from adapter.local.exchange import Exchange
from adapter.local.invocation import Answer, Invocation, Reply, ThrottledError, collected
from adapter.local.log import Log
from adapter.plan.values import FunctionPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How far a function may grow on this machine.

    Above `max_environments` invocations wait for a free environment instead of failing: the limit
    is the laptop's, not the function's, and a 429 would be an answer that AWS would not have given.
    `return_grace_s` is how long an environment that has answered may take to ask for its next
    invocation before a further one is started in its stead; it normally takes a fraction of a
    millisecond, and without the grace a fast caller would see cold starts that make no sense.
    """

    max_environments: int = 10
    return_grace_s: float = 0.2


class LocalFunction:
    """A function that answers invocations with child processes.

    Of environments with room it takes the one that was last seen to have some, and starts another
    only when all are full. Lambda does not say how Managed Instances choose; this way the others
    rest, and what environments share, such as a model in memory, is loaded as seldom as can be.
    """

    def __init__(
        self,
        plan: FunctionPlan,
        launch: Launch,
        *,
        log: Log,
        capacity: Capacity | None = None,
    ) -> None:
        self.plan = plan
        self._launch = launch
        self._log = log
        self._capacity = capacity or Capacity()
        self._environments: set[Environment] = set()
        self._lives: dict[asyncio.Task[None], Environment] = {}
        self._known_free: list[Environment] = []  # the last one to become so is at the end
        self._waiting: deque[Exchange] = deque()
        self._exchanges: set[Exchange] = set()
        self._closed = False

    @property
    def environments(self) -> frozenset[Environment]:
        """Those that take invocations, starting ones included."""
        return frozenset(self._environments)

    def start(self) -> None:
        """Start the environments that provisioned concurrency keeps warm."""
        wanted = min(self.plan.concurrency.provisioned, self._limit)
        while not self._closed and len(self._environments) < wanted:
            self._start(provisioned=True)

    @contextlib.asynccontextmanager
    async def open(self, invocation: Invocation) -> AsyncIterator[Reply]:
        """Run one invocation on a free environment; see `Invocable`."""
        maximum = self.plan.concurrency.maximum
        if maximum is not None and self._in_flight >= maximum * self.plan.max_concurrency:
            raise ThrottledError(self.plan.name)
        exchange = Exchange(invocation)
        try:
            await self._begin(exchange)
            yield exchange
        finally:
            self._leave(exchange)

    async def invoke(self, invocation: Invocation) -> Answer:
        """Run one invocation to its end; see `Invocable`."""
        async with self.open(invocation) as reply:
            return await collected(reply)

    async def invoke_when_free(self, invocation: Invocation) -> Answer:
        """Run one invocation, waiting for an environment where `invoke` is throttled.

        This is how Lambda treats asynchronous invocations: it keeps trying for hours.
        """
        exchange = Exchange(invocation)
        try:
            await self._begin(exchange)
            return await collected(exchange)
        finally:
            self._leave(exchange)

    async def _begin(self, exchange: Exchange) -> None:
        self._exchanges.add(exchange)
        self._place(exchange)
        await exchange.begun()

    def _leave(self, exchange: Exchange) -> None:
        exchange.cancel()
        self._exchanges.remove(exchange)

    def replace(self, plan: FunctionPlan, launch: Launch) -> None:
        """Serve from now on what changed on disk.

        Free environments end at once, busy ones after their answer. Where there were any, one of
        the new version is started, so that an error in its init shows now and not at the next
        request.
        """
        self.plan, self._launch = plan, launch
        old = list(self._environments)
        for environment in old:
            self._forget(environment)
            environment.retire()
        self.start()
        self._start_for_waiting()
        if old and not self._environments:
            self._start()

    async def close(self) -> None:
        """End every environment; invocations that still run fail."""
        self._closed = True
        while self._waiting:
            self._refuse(self._waiting.popleft())
        for environment in self._lives.values():
            environment.stop()
        await asyncio.gather(*self._lives)

    def environment_idle(self, environment: Environment) -> None:
        """See `Owner`."""
        if environment in self._known_free:
            self._known_free.remove(environment)
        self._known_free.append(environment)
        self._serve_waiting(environment)

    def environment_gone(self, environment: Environment) -> None:
        """See `Owner`. One that failed in its init is not started again before it is needed."""
        if environment not in self._environments:
            return
        self._forget(environment)
        if not self._closed:
            self._start_for_waiting()
            if environment.ready:
                self.start()

    @property
    def _limit(self) -> int:
        maximum = self.plan.concurrency.maximum
        allowed = self._capacity.max_environments
        return allowed if maximum is None else min(allowed, maximum)

    @property
    def _in_flight(self) -> int:
        return sum(not exchange.ended for exchange in self._exchanges)

    @property
    def _has_room(self) -> bool:
        return len(self._environments) < self._limit

    def _place(self, exchange: Exchange) -> None:
        """Give an invocation to an environment, or keep it until one has room for it."""
        if self._closed:
            self._refuse(exchange)
        elif (environment := self._free_environment()) is not None:
            environment.deliver(exchange)
        else:
            exchange.on_cancel = lambda: self._waiting.remove(exchange)
            self._waiting.append(exchange)
            if self._has_room:
                loop = asyncio.get_running_loop()
                loop.call_later(self._capacity.return_grace_s, self._waited, exchange)

    def _refuse(self, exchange: Exchange) -> None:
        exchange.fail("Sandbox.Stopped", "The local server has been stopped")

    def _free_environment(self) -> Environment | None:
        for environment in reversed(self._known_free):
            if environment.free:
                return environment
        if self._has_room and not any(one.returning for one in self._environments):
            return self._start_on_demand()
        return None

    def _waited(self, exchange: Exchange) -> None:
        if exchange in self._waiting and self._has_room:
            self._serve_waiting(self._start_on_demand())

    def _serve_waiting(self, environment: Environment) -> None:
        while self._waiting and environment.free:
            environment.deliver(self._waiting.popleft())

    def _start_on_demand(self) -> Environment:
        environment = self._start()
        self._known_free.append(environment)  # it may have room for more than it is started for
        return environment

    def _start(self, *, provisioned: bool = False) -> Environment:
        environment = Environment(
            self._launch,
            self,
            self._log,
            provisioned=provisioned,
            max_concurrency=self.plan.max_concurrency,
        )
        self._environments.add(environment)
        life = asyncio.get_running_loop().create_task(environment.live())
        self._lives[life] = environment
        life.add_done_callback(self._lives.pop)
        return environment

    def _start_for_waiting(self) -> None:
        while self._waiting and self._has_room:
            self._serve_waiting(self._start_on_demand())

    def _forget(self, environment: Environment) -> None:
        self._environments.discard(environment)
        self._known_free = [free for free in self._known_free if free is not environment]
