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
            await until(lambda: len(function._waiters) == 4)
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
            await until(lambda: function._waiters)
            gives_up.cancel()
            await asyncio.gather(gives_up, return_exceptions=True)
            queue = len(function._waiters)
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
            await until(lambda: function._waiters)
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
            await until(lambda: function._waiters)
            await function.close()
            answers = await asyncio.gather(held, waits, function.invoke(invocation()))

    assert [answer.error_type for answer in answers] == [
        "Runtime.ExitError",
        "Sandbox.Stopped",
        "Sandbox.Stopped",
    ]
