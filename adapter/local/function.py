"""One function with its environments: started on demand, kept warm, replaced when they end."""

import asyncio
from collections import deque
from dataclasses import dataclass

from adapter.local.environment import Environment, Launch, State
from adapter.local.invocation import Answer, Invocation, ThrottledError, failure
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
    """A function that answers invocations with child processes."""

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
        self._idle: list[Environment] = []
        self._waiters: deque[asyncio.Future[Environment | None]] = deque()
        self._in_flight = 0
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

    async def invoke(self, invocation: Invocation) -> Answer:
        """Run one invocation on a free environment; see `Invocable`."""
        maximum = self.plan.concurrency.maximum
        if maximum is not None and self._in_flight >= maximum:
            raise ThrottledError(self.plan.name)
        return await self.invoke_when_free(invocation)

    async def invoke_when_free(self, invocation: Invocation) -> Answer:
        """Run one invocation, waiting for an environment where `invoke` is throttled.

        This is how Lambda treats asynchronous invocations: it keeps trying for hours.
        """
        self._in_flight += 1
        try:
            environment = await self._acquire()
            if environment is None:
                return failure("Sandbox.Stopped", "The local server has been stopped")
            return await environment.invoke(invocation)
        finally:
            self._in_flight -= 1

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
        self._start_for_waiters()
        if old and not self._environments:
            self._start()

    async def close(self) -> None:
        """End every environment; invocations that still run fail."""
        self._closed = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        for environment in self._lives.values():
            environment.stop()
        await asyncio.gather(*self._lives)

    def environment_idle(self, environment: Environment) -> None:
        """See `Owner`."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(environment)
                return
        self._idle.append(environment)

    def environment_gone(self, environment: Environment) -> None:
        """See `Owner`. One that failed in its init is not started again before it is needed."""
        if environment not in self._environments:
            return
        self._forget(environment)
        if not self._closed:
            self._start_for_waiters()
            if environment.ready:
                self.start()

    @property
    def _limit(self) -> int:
        maximum = self.plan.concurrency.maximum
        allowed = self._capacity.max_environments
        return allowed if maximum is None else min(allowed, maximum)

    @property
    def _has_room(self) -> bool:
        return len(self._environments) < self._limit

    async def _acquire(self) -> Environment | None:
        """Claim an environment; None once the function is closed."""
        while not self._closed:
            environment = self._take() or await self._wait()
            if environment is None or environment.state is not State.GONE:
                return environment
        return None

    def _take(self) -> Environment | None:
        if self._idle:
            return self._idle.pop()
        if self._has_room and not any(one.returning for one in self._environments):
            return self._start()
        return None

    async def _wait(self) -> Environment | None:
        waiter: asyncio.Future[Environment | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            if self._has_room:
                await asyncio.wait({waiter}, timeout=self._capacity.return_grace_s)
                if self._has_room and not waiter.done():
                    return self._start()
            return await waiter
        except asyncio.CancelledError:
            self._give_back(waiter)
            raise
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _give_back(self, waiter: asyncio.Future[Environment | None]) -> None:
        environment = None if waiter.cancelled() or not waiter.done() else waiter.result()
        if environment is not None and environment.state is State.IDLE:
            self.environment_idle(environment)

    def _start(self, *, provisioned: bool = False) -> Environment:
        environment = Environment(self._launch, self, self._log, provisioned=provisioned)
        self._environments.add(environment)
        life = asyncio.get_running_loop().create_task(environment.live())
        self._lives[life] = environment
        life.add_done_callback(self._lives.pop)
        return environment

    def _start_for_waiters(self) -> None:
        while self._waiters and self._has_room:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(self._start())

    def _forget(self, environment: Environment) -> None:
        self._environments.discard(environment)
        self._idle = [idle for idle in self._idle if idle is not environment]
