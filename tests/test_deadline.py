"""What runs is cancelled before Lambda, or the caller, gives up."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from anyio import to_thread
from fastapi import BackgroundTasks, FastAPI

from adapter import deadline, lambda_handler, user_code
from adapter.function import Function, entry_point
from tests import events

Closing = Callable[[Function], Function]

NOW_MS = 1_795_269_731_000


@pytest.fixture
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW_MS / 1000)


@pytest.mark.usefixtures("_now")
@pytest.mark.parametrize(
    ("left_ms", "variables", "seconds"),
    [
        (30_000, {}, 29.5),
        (1_000, {}, 0.9),
        (30_000, {"ADAPTER_DEADLINE_MARGIN_MS": "2000"}, 28.0),
        (30_000, {"ADAPTER_DEADLINE_MARGIN_MS": "0"}, 30.0),
        (-5, {}, 0.0),
    ],
)
def test_the_margin_is_half_a_second_but_at_most_a_tenth(
    left_ms: int,
    variables: dict[str, str],
    seconds: float,
) -> None:
    assert deadline.seconds_left(NOW_MS + left_ms, deadline.margin_ms(variables)) == pytest.approx(
        seconds
    )


def test_without_a_deadline_nothing_is_cancelled() -> None:
    assert deadline.seconds_left(0) is None


@pytest.mark.usefixtures("_now")
def test_awss_context_says_how_much_is_left() -> None:
    aws = SimpleNamespace(get_remaining_time_in_millis=lambda: 3_000)

    assert deadline.of(aws) == NOW_MS + 3_000
    assert deadline.of(None) == 0


def within(milliseconds: int) -> Any:
    return SimpleNamespace(deadline_ms=int(time.time() * 1000) + milliseconds)


class Sleeper:
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def sleep(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.seen.append("cancelled")
            await asyncio.sleep(0)  # cleaning up takes a while
            self.seen.append("cleaned up")
            raise

    async def shielded(self) -> None:
        async def snore() -> None:
            await woken.wait()
            self.seen.append("ZZZ")

        woken = asyncio.Event()
        self.snoring = asyncio.ensure_future(snore())
        try:
            await asyncio.shield(self.snoring)
        finally:
            woken.set()

    async def wait_for_the_snore(self) -> list[str]:
        await self.snoring
        return self.seen

    def what_happened(self) -> list[str]:
        return self.seen

    async def time_out(self) -> None:
        raise TimeoutError("the user's own")


def test_a_call_is_cancelled_cleans_up_and_is_a_timeout(closing: Closing) -> None:
    function = closing(entry_point(Sleeper))

    with pytest.raises(TimeoutError, match="cancelled before its deadline"):
        function({"method": "sleep"}, within(50))

    assert function({"method": "what_happened"}) == ["cancelled", "cleaned up"]


def test_what_is_shielded_goes_on(closing: Closing) -> None:
    function = closing(entry_point(Sleeper))

    with pytest.raises(TimeoutError):
        function({"method": "shielded"}, within(50))

    assert function({"method": "wait_for_the_snore"}) == ["ZZZ"]


def test_a_callee_works_no_longer_than_its_caller_waits(closing: Closing) -> None:
    function = closing(entry_point(Sleeper))
    call = {"method": "sleep", "context": {"deadline_ms": within(50).deadline_ms}}

    with pytest.raises(TimeoutError, match="cancelled before its deadline"):
        function(call, within(60_000))


@pytest.mark.parametrize("sent", ["soon", -1, None, True, 1.5])
def test_a_deadline_that_is_none_is_not_believed(closing: Closing, sent: Any) -> None:
    function = closing(entry_point(Sleeper))

    assert function({"method": "what_happened", "context": {"deadline_ms": sent}}) == []


def test_the_users_own_timeout_stays_the_users(closing: Closing) -> None:
    with pytest.raises(TimeoutError, match="the user's own"):
        closing(entry_point(Sleeper))({"method": "time_out"}, within(60_000))


@pytest.mark.parametrize(
    "gateway",
    [events.http_api, events.rest_v1, events.alb, events.function_url],
)
def test_an_http_request_is_answered_with_504(closing: Closing, gateway: Any) -> None:
    app = FastAPI()

    @app.get("/")
    async def forever() -> None:
        await asyncio.Event().wait()

    assert closing(lambda_handler(app))(gateway(), within(50))["statusCode"] == 504


def test_background_work_that_takes_too_long_is_cancelled_and_told(closing: Closing) -> None:
    app = FastAPI()

    async def work() -> None:
        await asyncio.Event().wait()

    @app.get("/")
    async def start(tasks: BackgroundTasks) -> str:
        tasks.add_task(work)
        return "started"

    with pytest.raises(TimeoutError, match="while it worked on after its answer had begun"):
        closing(lambda_handler(app))(events.http_api(), within(50))


def test_plain_code_is_left_to_lambda(closing: Closing) -> None:
    class Plain:
        def block(self) -> str:
            released.wait()
            return "done"

    released = threading.Event()
    threading.Timer(0.2, released.set).start()

    assert closing(entry_point(Plain))({"method": "block"}, within(50)) == "done"


def test_a_plain_route_is_left_to_lambda(closing: Closing) -> None:
    app = FastAPI()
    released = threading.Event()

    @app.get("/")
    def block() -> str:
        threading.Timer(0.2, released.set).start()
        released.wait()
        return "done"

    assert closing(lambda_handler(app))(events.http_api(), within(50))["statusCode"] == 200


@pytest.mark.parametrize("others", ["user_code", "anyio"])
def test_plain_code_of_another_invocation_does_not_hold_up_the_cancellation(others: str) -> None:
    async def computing(finish: threading.Event) -> None:
        with deadline.Limit(0):
            run = user_code.call if others == "user_code" else to_thread.run_sync
            await run(finish.wait)

    async def scenario() -> None:
        finish = threading.Event()
        other = asyncio.create_task(computing(finish))
        await asyncio.sleep(0.05)  # until its thread runs
        with pytest.raises(TimeoutError), deadline.Limit(int(time.time() * 1000) + 100):
            await asyncio.Event().wait()
        assert not other.done()
        finish.set()
        await other

    asyncio.run(scenario())


def test_what_follows_plain_code_that_was_running_at_the_time_is_cancelled() -> None:
    async def scenario() -> None:
        finish = threading.Event()
        asyncio.get_running_loop().call_later(0.3, finish.set)
        with deadline.Limit(int(time.time() * 1000) + 50):
            await user_code.call(finish.wait)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["ours", "anyio"])
def test_a_plain_generator_is_cut_between_two_steps(kind: str) -> None:
    """Its steps follow each other at once, so a thread runs whenever one looks."""

    async def endless() -> None:
        step = user_code.call if kind == "ours" else to_thread.run_sync
        while True:
            await step(time.sleep, 0.02)

    async def scenario() -> None:
        with deadline.Limit(int(time.time() * 1000) + 100, answered=lambda: True):
            await endless()

    with pytest.raises(TimeoutError):
        asyncio.run(scenario())


def test_the_task_of_an_invocation_is_freed_as_soon_as_it_has_ended(closing: Closing) -> None:
    """Or each look at all tasks would be slower by those of the last invocations."""
    tasks: list[weakref.ref[Any]] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        tasks.append(weakref.ref(asyncio.current_task()))
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    handler = closing(lambda_handler(app, lifespan="off"))
    gc.disable()
    try:
        handler(events.http_api(), within(60_000))
        assert [task() for task in tasks] == [None]
    finally:
        gc.enable()
