"""One execution environment: a child process that runs Lambda's loop, and its Runtime API."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from adapter.local.exchange import Exchange
from adapter.local.invocation import error_message_of, error_type_of
from adapter.local.log import Log
from adapter.local.process import STDOUT, ChildProcess, Program
from adapter.local.runtime_api import RuntimeApi
from adapter.local.variables import process_variables

_STOP_S = 0.5  # between SIGTERM and SIGKILL: Lambda's grace for internal extensions


class State(Enum):
    """Where an environment is in its life."""

    STARTING = "starting"  # init: everything before the runtime asks for its first invocation
    IDLE = "idle"  # the runtime waits for an invocation and has none
    BUSY = "busy"  # it has some, or has answered and not yet asked for the next
    GONE = "gone"  # it takes no invocation any more; its process has ended or is about to


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start an environment of a function. Times are seconds.

    `init_limit_s` bounds the init. Lambda stops one after 10 s and repeats it inside the first
    invocation's timeout; here one init gets both times together. `take_metrics` gets each line of
    standard output and says whether it was one of metrics, which is not shown then.
    """

    name: str
    command: Sequence[str]
    variables: Mapping[str, str] = field(repr=False)
    task_root: Path
    timeout_s: float
    init_limit_s: float
    take_metrics: Callable[[bytes], bool] = field(default=lambda _line: False)


class Owner(Protocol):
    """The function that an environment belongs to."""

    def environment_idle(self, environment: "Environment") -> None:
        """It can take an invocation more than before."""

    def environment_gone(self, environment: "Environment") -> None:
        """It must not be given invocations any more; said once."""


class Environment:
    """A process of a function, from its start to its end; `live` is that life.

    It takes up to `max_concurrency` invocations at once: more than one on Managed Instances only.
    """

    def __init__(
        self,
        launch: Launch,
        owner: Owner,
        log: Log,
        *,
        provisioned: bool,
        max_concurrency: int = 1,
    ) -> None:
        self.launch = launch
        self.provisioned = provisioned
        self.max_concurrency = max_concurrency
        self.ready = False
        self._owner = owner
        self._log = log
        self._api = RuntimeApi(self)
        self._process = ChildProcess(self._output)
        self._gone = False
        self._retired = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._started = time.perf_counter()
        self._listening: set[Exchange] = set()

    @property
    def state(self) -> State:
        """Where it is in its life."""
        if self._gone:
            return State.GONE
        if not self.ready:
            return State.STARTING
        return State.IDLE if self._api.waiting and not self._api.busy else State.BUSY

    @property
    def free(self) -> int:
        """How many invocations more it can take now."""
        if self._gone or self._retired:
            return 0
        if not self.ready:
            return self.max_concurrency - self._api.queued
        return self._api.waiting

    @property
    def returning(self) -> bool:
        """Whether it has answered and is about to ask for the next invocation."""
        if self.state is not State.BUSY or self._retired:
            return False
        return self._api.waiting + self._api.running < self.max_concurrency

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    async def live(self) -> None:
        """Start the process and see it to its end, whatever ends it."""
        reason = "Runtime could not be started"
        try:
            reason = await self._run()
        except OSError as error:
            reason = f"{reason}: {error}"
        finally:
            self._end(reason)
            await self._api.close()
            for timer in self._timers.values():
                timer.cancel()

    async def _run(self) -> str:
        address = await self._api.start()
        own = process_variables(address, provisioned=self.provisioned)
        variables = {**self.launch.variables, **own}
        self._set_timer("init", self.launch.init_limit_s, self._init_timed_out)
        await self._process.start(
            Program(
                command=self.launch.command,
                variables=variables,
                folder=self.launch.task_root,
            ),
        )
        if self._gone:  # it was ended while it started
            self._process.kill()
        return await self._process.wait()

    def deliver(self, exchange: Exchange) -> None:
        """Take an invocation; it must be `free` for it."""
        exchange.cold = not self.ready
        if self._gone:
            exchange.fail("Runtime.ExitError", "Runtime has ended")
            return
        exchange.on_cancel = lambda: self._cancel(exchange)
        self._listening.add(exchange)
        exchange.on_end(lambda: self._listening.discard(exchange))
        self._api.deliver(exchange)

    def retire(self) -> None:
        """End it now if it is free, else when it has answered."""
        self._retired = True
        if self.state is State.IDLE or (self.state is State.STARTING and not self._api.busy):
            self.stop()

    def stop(self) -> None:
        """Ask the process to end and kill it if it does not within half a second."""
        self._leave()
        self._process.terminate()
        self._set_timer("kill", _STOP_S, self._process.kill)

    def kill(self) -> None:
        """End the process at once."""
        self._leave()
        self._process.kill()

    def polled(self, init: Mapping[str, float]) -> None:
        """See `Observer`."""
        if (unwanted := self._timers.pop("unwanted", None)) is not None:
            unwanted.cancel()
        if self.max_concurrency == 1:
            self._api.give_up()
        if not self.ready:
            self.ready = True
            self._timers["init"].cancel()
            self._log.init(self.launch.name, self._age_ms(), init)

    def waiting(self) -> None:
        """See `Observer`."""
        if self._retired:
            if not self._api.busy:
                self.stop()
        elif not self._gone:
            self._owner.environment_idle(self)

    def begin(self, exchange: Exchange) -> int:
        """See `Observer`."""
        loop = asyncio.get_running_loop()
        exchange.begin(loop.call_later(self.launch.timeout_s, self._timed_out, exchange))
        return int((time.time() + self.launch.timeout_s) * 1000)

    def lost(self, exchange: Exchange) -> None:
        """See `Observer`."""
        if self.max_concurrency > 1:
            return  # which of the polls is that of the same runtime loop, nobody knows
        if self._api.waiting or self._api.running > 1:
            self._api.give_up()
        elif exchange.timer is not None:
            exchange.timer.cancel()
            self._set_timer_at("unwanted", exchange.timer.when(), self._never_returned)

    def init_failed(self, payload: bytes) -> None:
        """See `Observer`."""
        self._log.init_failed(
            self.launch.name,
            self._age_ms(),
            f"{error_type_of(payload)}: {error_message_of(payload)}",
        )
        for exchange in self._api.unanswered:
            exchange.report(payload)
        self._leave()
        self._set_timer("kill", _STOP_S, self._process.kill)

    def _timed_out(self, exchange: Exchange) -> None:
        self._api.expire(exchange)
        exchange.fail("Sandbox.Timedout", _time_is_over(self.launch.timeout_s))
        if self.max_concurrency == 1:
            self.kill()  # never on Managed Instances: others are running there

    def _cancel(self, exchange: Exchange) -> None:
        self._api.cancel(exchange)
        if self.free:
            self._owner.environment_idle(self)
        elif exchange.timer is not None and self.max_concurrency == 1 and not self._gone:
            self._set_timer_at("unwanted", exchange.timer.when(), self._never_returned)

    def _never_returned(self) -> None:
        """End a process that goes on with a cancelled invocation beyond its time, as Lambda would.

        Nobody else tells of it: the caller has gone.
        """
        self._log.problem(self.launch.name, "timeout", _time_is_over(self.launch.timeout_s))
        self.kill()

    def _init_timed_out(self) -> None:
        self._log.init_failed(self.launch.name, self._age_ms(), "timed out")
        for exchange in self._api.unanswered:
            exchange.fail("Sandbox.Timedout", _time_is_over(self.launch.timeout_s))
        self.kill()

    def _end(self, reason: str) -> None:
        if not self._gone:
            self._log.problem(self.launch.name, "crash", reason)
        for exchange in self._api.unanswered:
            exchange.fail("Runtime.ExitError", reason)
        self._leave()

    def _leave(self) -> None:
        if not self._gone:
            self._gone = True
            self._owner.environment_gone(self)

    def _set_timer(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        self._set_timer_at(name, asyncio.get_running_loop().time() + seconds, action)

    def _set_timer_at(self, name: str, when: float, action: Callable[[], None]) -> None:
        self._timers[name] = asyncio.get_running_loop().call_at(when, action)

    def _age_ms(self) -> float:
        return (time.perf_counter() - self._started) * 1000

    def _output(self, fd: int, line: bytes) -> None:
        for exchange in self._listening:
            exchange.print(line)
        if fd != STDOUT or not self.launch.take_metrics(line):
            self._log.output(self.launch.name, fd, line)


def _time_is_over(timeout_s: float) -> str:
    return f"Task timed out after {timeout_s:.2f} seconds"
