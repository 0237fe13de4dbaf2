"""Asynchronous invocations; their way through Lambda's API is in test_lambda_api.py."""

import asyncio
from pathlib import Path

import pytest

from adapter.local.events import RETRY_DELAYS_S, EventQueue
from tests.local.world import GATED, Gate, function_plan, invocation, running


async def test_closing_drops_what_has_not_finished(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    async with running(function_plan(GATED), tmp_path) as (function, records):
        events = EventQueue(records.log)
        events.submit(function, invocation({"gate": gate.path}), "")
        async with gate.holding():
            await events.close()

    assert not records.of("invocation")


async def test_a_failure_is_told_before_it_is_repeated(tmp_path: Path) -> None:
    source = "def handler(event, context):\n    raise ValueError\n"
    async with running(function_plan(source), tmp_path) as (function, records):
        events = EventQueue(records.log, retry_delays_s=(3600,))
        events.submit(function, invocation(), "predict")
        (record,) = await records.wait_for("invocation")
        await asyncio.sleep(0)  # it waits for the repetition
        await events.close()

    assert (record["label"], record["error"]) == ("Event predict", "ValueError")
    assert len(records.of("invocation")) == 1


def test_lambda_repeats_twice() -> None:
    assert len(RETRY_DELAYS_S) == 2


@pytest.mark.parametrize(("attempts", "runs"), [(None, 3), (0, 1), (1, 2), (2, 3)])
async def test_a_failure_is_repeated_as_often_as_the_function_says(
    tmp_path: Path,
    attempts: int | None,
    runs: int,
) -> None:
    source = "def handler(event, context):\n    raise ValueError\n"
    plan = function_plan(source, maximum_retry_attempts=attempts)
    async with running(plan, tmp_path) as (function, records):
        events = EventQueue(records.log, retry_delays_s=(0, 0))
        events.submit(function, invocation(), "predict")
        await asyncio.gather(*events._tasks)
        await events.close()

    assert [record["label"] for record in records.of("invocation")] == [
        "Event predict",
        "Event predict (retry 1)",
        "Event predict (retry 2)",
    ][:runs]
