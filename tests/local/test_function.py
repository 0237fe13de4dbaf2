"""A function's environments: how many, which one, and what happens when there is none free."""

import asyncio
from pathlib import Path

import pytest

from adapter.local.environment import Environment, State
from adapter.local.function import Capacity, LocalFunction
from adapter.local.invocation import ThrottledError
from adapter.plan.values import Concurrency
from tests.local.world import (
    CRASH,
    GATED,
    PID,
    STREAM,
    Gate,
    function_plan,
    invocation,
    is_alive,
    launch_of,
    only,
    result_of,
    running,
    until,
)

MEETING = """
import asyncio, os

class Handler:
    def __init__(self):
        self.here = 0
        self.all = asyncio.Event()

    async def serve(self, event, context, responder):
        if event.get("wait"):
            print("waiting", flush=True)
            await asyncio.Event().wait()
        self.here += 1
        if self.here == event.get("count", 1):
            self.all.set()
        await self.all.wait()
        await responder.respond(os.getpid())

    def __call__(self, event, context):
        raise NotImplementedError

handler = Handler()
"""


async def test_callers_at_the_same_time_get_environments_of_their_own(tmp_path: Path) -> None:
    gates = [Gate(tmp_path), Gate(tmp_path)]
    async with running(function_plan(GATED), tmp_path) as (function, _):
        calls = [
            asyncio.create_task(function.invoke(invocation({"gate": gate.path}))) for gate in gates
        ]
        async with gates[0].holding(), gates[1].holding():
            count = len(function.environments)
        pids = [result_of(await call) for call in calls]

    assert count == 2
    assert pids[0] != pids[1]


async def test_the_most_recently_idle_environment_is_taken(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    async with running(function_plan(GATED), tmp_path) as (function, records):
        held = asyncio.create_task(function.invoke(invocation({"gate": gate.path})))
        async with gate.holding():
            other = result_of(await function.invoke(invocation()))
            await until(lambda: State.IDLE in {one.state for one in function.environments})
        last = result_of(await held)
        pids = []
        for _ in range(3):
            await until(lambda: {one.state for one in function.environments} == {State.IDLE})
            pids.append(result_of(await function.invoke(invocation())))

    assert last != other
    assert pids == [last] * 3
    assert len(records.of("init")) == 2


async def test_above_the_reserved_concurrency_lambda_refuses(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    plan = function_plan(GATED, concurrency=Concurrency(maximum=1))
    async with running(plan, tmp_path) as (function, _):
        held = asyncio.create_task(function.invoke(invocation({"gate": gate.path})))
        async with gate.holding():
            with pytest.raises(ThrottledError):
                await function.invoke(invocation())
        await held
        again = await function.invoke(invocation())

    assert again.error_type is None


async def test_an_event_waits_where_a_caller_would_be_refused(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    plan = function_plan(GATED, concurrency=Concurrency(maximum=1))
    async with running(plan, tmp_path) as (function, _):
        held = asyncio.create_task(function.invoke(invocation({"gate": gate.path})))
        async with gate.holding():
            event = asyncio.create_task(function.invoke_when_free(invocation()))
        pids = {result_of(await held), result_of(await event)}

    assert len(pids) == 1


async def test_above_the_machines_limit_callers_wait_in_turn(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    order: list[int] = []

    async def call(function: LocalFunction, number: int) -> None:
        await function.invoke(invocation({}))
        order.append(number)

    capacity = Capacity(max_environments=1)
    async with running(function_plan(GATED), tmp_path, capacity=capacity) as (function, records):
        held = asyncio.create_task(function.invoke(invocation({"gate": gate.path})))
        async with gate.holding():
            calls = [asyncio.create_task(call(function, number)) for number in range(4)]
            await until(lambda: len(function._waiting) == 4)
        await asyncio.gather(held, *calls)

    assert order == [0, 1, 2, 3]
    assert len(records.of("init")) == 1


async def test_a_waiting_caller_that_gives_up_leaves_the_queue(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    capacity = Capacity(max_environments=1)
    async with running(function_plan(GATED), tmp_path, capacity=capacity) as (function, _):
        held = asyncio.create_task(function.invoke(invocation({"gate": gate.path})))
        async with gate.holding():
            gives_up = asyncio.create_task(function.invoke(invocation()))
            await until(lambda: function._waiting)
            gives_up.cancel()
            await asyncio.gather(gives_up, return_exceptions=True)
            queue = len(function._waiting)
        await held
        answer = await function.invoke(invocation())

    assert queue == 0
    assert answer.error_type is None


async def test_an_environment_given_to_a_caller_that_gave_up_is_not_lost(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate(tmp_path)
    capacity = Capacity(max_environments=1)
    async with running(function_plan(GATED), tmp_path, capacity=capacity) as (function, _):
        held = asyncio.create_task(function.invoke(invocation({"gate": gate.path})))
        async with gate.holding():
            waits = asyncio.create_task(function.invoke(invocation()))
            await until(lambda: function._waiting)
        given = function.environment_idle

        def given_too_late(environment: Environment) -> None:
            given(environment)
            waits.cancel()

        monkeypatch.setattr(function, "environment_idle", given_too_late)
        await asyncio.gather(held, waits, return_exceptions=True)
        answer = await function.invoke(invocation())

    assert waits.cancelled()
    assert answer.error_type is None


async def test_a_crash_makes_room_for_the_next_in_the_queue(tmp_path: Path) -> None:
    capacity = Capacity(max_environments=1)
    async with running(function_plan(CRASH), tmp_path, capacity=capacity) as (function, records):
        answers = await asyncio.gather(*(function.invoke(invocation()) for _ in range(3)))

    assert {answer.error_type for answer in answers} == {"Runtime.ExitError"}
    assert len(records.of("init")) == 3


async def test_an_environment_slow_to_return_does_not_stop_the_next_caller(tmp_path: Path) -> None:
    # The answer is posted, but the runtime is busy with something else before it asks again.
    source = """
import http.client, os, threading

def handler(event, context):
    if event.get("gate"):
        answer(context.aws_request_id)
        open(event["gate"]).read()
    return os.getpid()

def answer(request_id):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    path = f"/2018-06-01/runtime/invocation/{request_id}/response"
    connection.request("POST", path, str(os.getpid()))
    connection.getresponse().read()
"""
    gate = Gate(tmp_path)
    capacity = Capacity(return_grace_s=0)
    async with running(function_plan(source), tmp_path, capacity=capacity) as (function, _):
        first = result_of(await function.invoke(invocation({"gate": gate.path})))
        async with gate.holding():
            second = result_of(await function.invoke(invocation()))

    assert second != first


async def test_provisioned_environments_start_at_once_and_are_not_cold(tmp_path: Path) -> None:
    plan = function_plan(PID, concurrency=Concurrency(provisioned=2, maximum=3))
    async with running(plan, tmp_path) as (function, records):
        await records.wait_for("init", 2)
        answer = await function.invoke(invocation())

    assert not answer.cold
    assert len(records.of("init")) == 2


async def test_a_provisioned_environment_that_crashed_is_replaced(tmp_path: Path) -> None:
    plan = function_plan(CRASH, concurrency=Concurrency(provisioned=1))
    async with running(plan, tmp_path) as (function, records):
        await records.wait_for("init")
        await function.invoke(invocation())
        await records.wait_for("init", 2)
        count = len(function.environments)

    assert count == 1


async def test_a_provisioned_environment_that_cannot_start_is_not_tried_forever(
    tmp_path: Path,
) -> None:
    plan = function_plan("1 / 0\n", concurrency=Concurrency(provisioned=1))
    async with running(plan, tmp_path) as (function, records):
        await records.wait_for("init_failed")
        before = len(function.environments)
        answer = await function.invoke(invocation())

    assert before == 0
    assert answer.error_type == "ZeroDivisionError"
    assert len(records.of("init_failed")) == 2


async def test_replacing_serves_the_new_version(tmp_path: Path) -> None:
    old = function_plan("def handler(event, context):\n    return 'old'\n")
    new = function_plan("def handler(event, context):\n    return 'new'\n")
    async with running(old, tmp_path) as (function, records):
        first = result_of(await function.invoke(invocation()))
        pid = only(function.environments).pid
        function.replace(new, launch_of(new, tmp_path))
        await records.wait_for("init", 2)
        answer = await function.invoke(invocation())

    assert (first, result_of(answer), answer.cold) == ("old", "new", False)
    assert not is_alive(pid)


async def test_replacing_lets_a_busy_environment_answer(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    plan = function_plan(GATED)
    async with running(plan, tmp_path) as (function, records):
        held = asyncio.create_task(function.invoke(invocation({"gate": gate.path})))
        async with gate.holding():
            old = only(function.environments)
            function.replace(plan, launch_of(plan, tmp_path))
            await records.wait_for("init", 2)
            new = result_of(await function.invoke(invocation()))
        answer = await held

    assert result_of(answer) == old.pid
    assert new != old.pid


async def test_replacing_a_function_that_never_ran_starts_nothing(tmp_path: Path) -> None:
    plan = function_plan()
    async with running(plan, tmp_path) as (function, _):
        function.replace(plan, launch_of(plan, tmp_path))

        assert not function.environments


async def test_closing_answers_those_that_run_and_those_that_wait(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    capacity = Capacity(max_environments=1)
    async with running(function_plan(GATED), tmp_path, capacity=capacity) as (function, _):
        held = asyncio.create_task(function.invoke(invocation({"gate": gate.path})))
        async with gate.holding():
            waits = asyncio.create_task(function.invoke(invocation()))
            await until(lambda: function._waiting)
            await function.close()
            answers = await asyncio.gather(held, waits, function.invoke(invocation()))

    assert [answer.error_type for answer in answers] == [
        "Runtime.ExitError",
        "Sandbox.Stopped",
        "Sandbox.Stopped",
    ]


async def test_one_environment_serves_as_many_at_once_as_it_may(tmp_path: Path) -> None:
    plan = function_plan(MEETING, max_concurrency=3)
    async with running(plan, tmp_path) as (function, records):
        calls = [function.invoke(invocation({"count": 3})) for _ in range(3)]
        answers = await asyncio.gather(*calls)

    assert len({result_of(answer) for answer in answers}) == 1
    assert len(records.of("init")) == 1
    assert all(answer.cold for answer in answers)


async def test_another_environment_starts_when_all_are_full(tmp_path: Path) -> None:
    plan = function_plan(MEETING, max_concurrency=2)
    async with running(plan, tmp_path) as (function, records):
        full = [asyncio.create_task(function.invoke(invocation({"wait": True}))) for _ in range(2)]
        await records.wait_for("output", 2)
        (first,) = function.environments
        beside = await function.invoke(invocation())
        for call in full:
            call.cancel()
        await asyncio.gather(*full, return_exceptions=True)

    assert result_of(beside) != first.pid
    assert len(records.of("init")) == 2


async def test_the_reserved_concurrency_counts_every_place_in_every_environment(
    tmp_path: Path,
) -> None:
    plan = function_plan(MEETING, max_concurrency=2, concurrency=Concurrency(maximum=1))
    async with running(plan, tmp_path) as (function, records):
        full = [asyncio.create_task(function.invoke(invocation({"wait": True}))) for _ in range(2)]
        await records.wait_for("output", 2)
        with pytest.raises(ThrottledError):
            async with function.open(invocation()):
                pass
        full.pop().cancel()
        await until(lambda: function._in_flight == 1)
        answer = await function.invoke(invocation())
        full.pop().cancel()

    assert answer.error_type is None


async def test_where_many_share_an_environment_a_timeout_ends_one_of_them(tmp_path: Path) -> None:
    plan = function_plan(MEETING, max_concurrency=3)
    async with running(plan, tmp_path, timeout_s=3) as (function, records):
        late = asyncio.create_task(function.invoke(invocation({"wait": True})))
        await records.wait_for("output")
        environment = only(function.environments)
        answer = await late
        others = [function.invoke(invocation({"count": 2})) for _ in range(2)]
        pids = {result_of(one) for one in await asyncio.gather(*others)}

    assert answer.error_type == "Sandbox.Timedout"
    assert pids == {environment.pid}
    assert not records.of("crash")


async def test_who_has_the_answer_does_not_count_any_more(tmp_path: Path) -> None:
    plan = function_plan(concurrency=Concurrency(maximum=1))
    async with (
        running(plan, tmp_path) as (function, _),
        function.open(invocation("first")) as first,
    ):
        second = await function.invoke(invocation("second"))

    assert (result_of(first.answer), result_of(second)) == ("first", "second")


async def test_replacing_lets_all_that_share_an_environment_answer(tmp_path: Path) -> None:
    source = """
import asyncio, os

async def handler(event, context):
    await asyncio.to_thread(lambda: open(event["gate"]).read())
    return os.getpid()
"""
    gates = [Gate(tmp_path), Gate(tmp_path)]
    plan = function_plan(source, max_concurrency=2)
    async with running(plan, tmp_path) as (function, _):
        calls = [
            asyncio.create_task(function.invoke(invocation({"gate": gate.path}))) for gate in gates
        ]
        async with gates[0].holding():
            async with gates[1].holding():
                old = only(function.environments)
                function.replace(plan, launch_of(plan, tmp_path))
            early = await calls[1]
            await until(lambda: old._api.waiting)
            state = old.state
        answers = [await calls[0], early]

    assert state is State.BUSY
    assert [result_of(answer) for answer in answers] == [old.pid, old.pid]


async def test_a_place_in_a_starting_environment_that_is_given_up_goes_to_the_next(
    tmp_path: Path,
) -> None:
    capacity = Capacity(max_environments=1)
    async with running(function_plan(PID), tmp_path, capacity=capacity) as (function, records):
        gives_up = asyncio.create_task(function.invoke(invocation()))
        waits = asyncio.create_task(function.invoke(invocation()))
        await until(lambda: function._waiting)
        gives_up.cancel()
        answer = await waits

    assert (answer.error_type, answer.cold) == (None, True)
    assert len(records.of("init")) == 1


async def test_a_stream_is_collected_for_a_caller_that_wants_it_whole(tmp_path: Path) -> None:
    async with running(function_plan(STREAM), tmp_path) as (function, _):
        whole = await function.invoke(invocation({"pieces": ["1", "2"]}))
        event = await function.invoke_when_free(invocation({"pieces": ["3"]}))
        failed = await function.invoke(invocation({"then": "raise"}))
        large = await function.invoke(invocation({"pieces": ["x" * 1024 * 1024] * 7}))
        again = await function.invoke(invocation())

    assert (whole.payload, event.payload, whole.cold) == (b"12", b"3", True)
    assert (failed.error_type, result_of(failed)["errorMessage"]) == ("KeyError", "'missing'")
    assert large.error_type == "Function.ResponseSizeTooLarge"
    assert (again.payload, again.error_type) == (b"ab", None)
