"""One environment from start to end, as its callers see it."""

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from adapter.local import runtime_api
from adapter.local.environment import Environment, State
from adapter.local.exchange import Exchange
from adapter.local.invocation import Answer, Invocation
from adapter.local.server import RUNTIME
from tests.local.world import (
    AWS_RUNTIME,
    CRASH,
    GATED,
    PID,
    RAISE,
    STREAM,
    Gate,
    Records,
    function_plan,
    invocation,
    is_alive,
    launch_of,
    only,
    result_of,
    running,
    until,
)

both_runtimes = pytest.mark.parametrize("command", [RUNTIME, AWS_RUNTIME], ids=["ours", "AWS's"])

BROKEN = "import nothing_of_that_name\n"
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ignoring", flush=True)

def handler(event, context):
    return None
"""


class _Owner:
    """Notes what an environment reports."""

    def __init__(self) -> None:
        self.idle = asyncio.Event()
        self.gone = asyncio.Event()

    def environment_idle(self, environment: Environment) -> None:
        assert environment.state is State.IDLE
        self.idle.set()

    def environment_gone(self, environment: Environment) -> None:
        assert environment.state is State.GONE
        self.gone.set()


async def _invoke(environment: Environment, invocation: Invocation) -> Answer:
    exchange = Exchange(invocation)
    environment.deliver(exchange)
    await exchange.begun()
    return exchange.answer


@both_runtimes
async def test_an_invocation_is_answered(tmp_path: Path, command: tuple[str, ...]) -> None:
    async with running(function_plan(), tmp_path, command=command) as (function, _):
        answer = await function.invoke(invocation({"a": [1, "ü"]}))

    assert result_of(answer) == {"a": [1, "ü"]}
    assert (answer.error_type, answer.cold) == (None, True)


@both_runtimes
async def test_an_exception_is_a_function_error(tmp_path: Path, command: tuple[str, ...]) -> None:
    async with running(function_plan(RAISE), tmp_path, command=command) as (function, _):
        answer = await function.invoke(invocation())
        second = await function.invoke(invocation())

    assert (answer.error_type, second.cold) == ("KeyError", False)
    assert result_of(answer)["errorMessage"] == "'missing'"
    assert "app.py" in "".join(result_of(answer)["stackTrace"])


@both_runtimes
async def test_an_init_error_reaches_the_caller(tmp_path: Path, command: tuple[str, ...]) -> None:
    async with running(function_plan(BROKEN), tmp_path, command=command) as (function, records):
        answer = await function.invoke(invocation())
        environments = function.environments

    assert answer.error_type is not None
    assert "nothing_of_that_name" in result_of(answer)["errorMessage"]
    assert "nothing_of_that_name" in records.of("init_failed")[0]["reason"]
    assert not environments


@both_runtimes
async def test_a_crash_is_an_exit_error(tmp_path: Path, command: tuple[str, ...]) -> None:
    async with running(function_plan(CRASH), tmp_path, command=command) as (function, records):
        answer = await function.invoke(invocation(request_id="the-id"))

    assert result_of(answer) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: the-id Error: Runtime exited with error: exit status 3",
    }
    assert [record["reason"] for record in records.of("crash")] == [
        "Runtime exited with error: exit status 3",
    ]


@both_runtimes
async def test_a_timeout_kills_the_process(tmp_path: Path, command: tuple[str, ...]) -> None:
    gate = Gate(tmp_path)
    async with running(function_plan(GATED), tmp_path, command=command, timeout_s=0.3) as (
        function,
        _,
    ):
        pid = result_of(await function.invoke(invocation()))
        answer = await function.invoke(invocation({"gate": gate.path}, request_id="the-id"))
        await until(lambda: not is_alive(pid))

    assert result_of(answer) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: the-id Error: Task timed out after 0.30 seconds",
    }


async def test_the_deadline_counts_from_the_invocation(tmp_path: Path) -> None:
    source = "def handler(event, context):\n    return context.get_remaining_time_in_millis()\n"
    async with running(function_plan(source), tmp_path, timeout_s=7) as (function, _):
        remaining = result_of(await function.invoke(invocation()))

    assert 0 < remaining <= 7000


async def test_an_init_that_takes_too_long_fails_like_a_timeout(tmp_path: Path) -> None:
    plan = function_plan("import time\ntime.sleep(60)\n")
    async with running(plan, tmp_path, init_limit_s=0.3, timeout_s=3) as (function, records):
        answer = await function.invoke(invocation(request_id="the-id"))

    assert result_of(answer) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: the-id Error: Task timed out after 3.00 seconds",
    }
    assert records.of("init_failed")[0]["reason"] == "timed out"


async def test_a_runtime_that_cannot_be_started_is_reported(tmp_path: Path) -> None:
    async with running(function_plan(), tmp_path, command=("/no/such/program",)) as (function, _):
        answer = await function.invoke(invocation())

    assert answer.error_type == "Runtime.ExitError"
    assert "/no/such/program" in result_of(answer)["errorMessage"]


async def test_init_is_told_once_with_its_duration(tmp_path: Path) -> None:
    async with running(function_plan(), tmp_path) as (function, records):
        await function.invoke(invocation())
        await function.invoke(invocation())

    (init,) = records.of("init")
    assert init["function"] == "Echo"
    assert init["duration_ms"] > 0


async def test_output_has_the_functions_name(tmp_path: Path) -> None:
    source = (
        "import sys\nprint('init')\n"
        "def handler(event, context):\n    print('call', file=sys.stderr)\n"
    )
    async with running(function_plan(source), tmp_path) as (function, records):
        answer = await function.invoke(invocation())

    told = [(one["function"], one["stream"], one["text"]) for one in records.of("output")]
    assert told == [("Echo", "stdout", "init"), ("Echo", "stderr", "call")]
    assert answer.log_tail == b"init\ncall\n"


async def test_the_log_tail_is_the_end_of_what_one_invocation_printed(tmp_path: Path) -> None:
    source = "def handler(event, context):\n    print(event[0] * event[1])\n"
    async with running(function_plan(source), tmp_path) as (function, _):
        long = await function.invoke(invocation(["bc", 3000]))
        short = await function.invoke(invocation(["a", 1]))

    assert long.log_tail == b"c" + b"bc" * 2047 + b"\n"
    assert short.log_tail == b"a\n"


async def test_the_states_of_a_life(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    owner = _Owner()
    launch = launch_of(function_plan(GATED), tmp_path)
    environment = Environment(launch, owner, Records().log, provisioned=False)
    life = asyncio.create_task(environment.live())
    states = [environment.state]
    await owner.idle.wait()
    states.append(environment.state)
    invoking = asyncio.create_task(_invoke(environment, invocation({"gate": gate.path})))
    async with gate.holding():
        states.append(environment.state)
    await invoking
    environment.stop()
    states.append(environment.state)
    await life

    assert states == [State.STARTING, State.IDLE, State.BUSY, State.GONE]
    assert not is_alive(environment.pid)


async def test_retired_while_busy_it_answers_first(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    owner = _Owner()
    launch = launch_of(function_plan(GATED), tmp_path)
    environment = Environment(launch, owner, Records().log, provisioned=False)
    life = asyncio.create_task(environment.live())
    invoking = asyncio.create_task(_invoke(environment, invocation({"gate": gate.path})))
    async with gate.holding():
        environment.retire()
        state = environment.state
    answer = await invoking
    await life

    assert state is State.BUSY
    assert result_of(answer) == environment.pid
    assert not owner.idle.is_set()


async def test_retired_while_idle_or_starting_it_ends_at_once(tmp_path: Path) -> None:
    for wait in (True, False):
        owner = _Owner()
        launch = launch_of(function_plan(), tmp_path)
        environment = Environment(launch, owner, Records().log, provisioned=False)
        life = asyncio.create_task(environment.live())
        if wait:
            await owner.idle.wait()
        environment.retire()

        assert environment.state is State.GONE
        await life


async def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    owner = _Owner()
    records = Records()
    launch = launch_of(function_plan(STUBBORN), tmp_path)
    environment = Environment(launch, owner, records.log, provisioned=False)
    life = asyncio.create_task(environment.live())
    await owner.idle.wait()
    environment.stop()
    await life

    assert not is_alive(environment.pid)
    assert not records.of("crash")


async def test_killed_before_its_process_is_up_it_ends_all_the_same(tmp_path: Path) -> None:
    launch = launch_of(function_plan(), tmp_path)
    environment = Environment(launch, _Owner(), Records().log, provisioned=False)
    life = asyncio.create_task(environment.live())
    environment.kill()
    await life

    assert environment.state is State.GONE


async def test_once_ready_the_limit_of_the_init_is_lifted(tmp_path: Path) -> None:
    async with running(function_plan(), tmp_path) as (function, _):
        await function.invoke(invocation())

        assert only(function.environments)._timers["init"].cancelled()


async def test_invoking_one_that_is_gone_fails(tmp_path: Path) -> None:
    launch = launch_of(function_plan(), tmp_path)
    environment = Environment(launch, _Owner(), Records().log, provisioned=False)
    environment.stop()
    answer = await _invoke(environment, invocation())
    await environment.live()

    assert answer.error_type == "Runtime.ExitError"


async def test_a_process_killed_from_outside_while_idle_leaves(tmp_path: Path) -> None:
    async with running(function_plan(PID), tmp_path) as (function, records):
        pid = result_of(await function.invoke(invocation()))
        os.kill(pid, 9)
        await records.wait_for("crash")
        again = result_of(await function.invoke(invocation()))

    assert again != pid


async def test_provisioned_environments_are_told_so(tmp_path: Path) -> None:
    source = (
        "import os\n"
        "def handler(event, context):\n"
        "    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n"
    )
    owner = _Owner()
    launch = launch_of(function_plan(source), tmp_path)
    environment = Environment(launch, owner, Records().log, provisioned=True)
    life = asyncio.create_task(environment.live())
    await owner.idle.wait()
    answer = await _invoke(environment, invocation())
    environment.stop()
    await life

    assert (result_of(answer), answer.cold) == ("provisioned-concurrency", False)


async def test_only_one_environment_serves_callers_in_a_row(tmp_path: Path) -> None:
    async with running(function_plan(PID), tmp_path) as (function, _):
        pids = [result_of(await function.invoke(invocation())) for _ in range(20)]
        environment = only(function.environments)

    assert set(pids) == {environment.pid}


async def test_a_stream_comes_piece_by_piece(tmp_path: Path) -> None:
    async with (
        running(function_plan(STREAM), tmp_path) as (function, _),
        function.open(invocation({"pieces": ["1", "2", "3"]})) as reply,
    ):
        pieces = [piece async for piece in reply.pieces()]

    assert (reply.streamed, reply.content_type, b"".join(pieces)) == (True, "text/plain", b"123")
    assert (reply.answer.payload, reply.answer.error_type, reply.answer.cold) == (b"", None, True)


@pytest.mark.parametrize(
    ("then", "error_type"),
    [
        ("raise", "KeyError"),
        ("exit", "Runtime.ExitError"),
        ("wait", "Sandbox.Timedout"),
        ("block", "Sandbox.Timedout"),
    ],
)
async def test_a_stream_that_fails_in_the_middle_says_why(
    tmp_path: Path,
    then: str,
    error_type: str,
) -> None:
    timeout_s = 0.5 if error_type == "Sandbox.Timedout" else 30.0
    async with (
        running(function_plan(STREAM), tmp_path, timeout_s=timeout_s) as (function, _),
        function.open(invocation({"pieces": ["a"], "then": then})) as reply,
    ):
        pieces = [piece async for piece in reply.pieces()]

    assert pieces == [b"a"]
    assert reply.answer.error_type == error_type
    assert result_of(reply.answer)["errorType"] == error_type


async def test_leaving_a_stream_cancels_the_function_and_frees_its_environment(
    tmp_path: Path,
) -> None:
    async with running(function_plan(STREAM), tmp_path) as (function, records):
        async with function.open(invocation({"then": "wait"})) as reply:
            await records.wait_for("output")
            first = await anext(reply.pieces())
        environment = only(function.environments)
        told = await records.wait_for("output", 2)
        await until(lambda: environment.free)
        again = await function.invoke(invocation())

    assert first == b"a"
    assert reply.answer.error_type == "Sandbox.Cancelled"
    assert told[1]["text"] == "ended"
    assert again.payload == b"ab"
    assert len(records.of("init")) == 1


async def test_a_caller_that_gives_up_while_it_waits_cancels_the_function(tmp_path: Path) -> None:
    source = """
import asyncio

async def handler(event, context):
    print("waiting", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("ended", flush=True)
"""
    async with running(function_plan(source), tmp_path) as (function, records):
        invoking = asyncio.create_task(function.invoke(invocation()))
        await records.wait_for("output")
        invoking.cancel()
        told = await records.wait_for("output", 2)
        await until(lambda: only(function.environments).free)

    assert told[1]["text"] == "ended"


async def test_a_runtime_that_cannot_be_told_stays_busy_until_it_asks_again(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    plan = function_plan(GATED)
    async with running(plan, tmp_path, command=AWS_RUNTIME) as (function, _):
        invoking = asyncio.create_task(function.invoke(invocation({"gate": gate.path})))
        async with gate.holding():
            environment = only(function.environments)
            invoking.cancel()
            await asyncio.gather(invoking, return_exceptions=True)
            state = environment.state
            deadline = environment._timers["unwanted"]
        await until(lambda: environment.free)
        again = await function.invoke(invocation())

    assert state is State.BUSY
    assert deadline.cancelled()
    assert result_of(again) == environment.pid


@both_runtimes
async def test_a_process_that_does_not_return_is_ended_at_its_deadline(
    tmp_path: Path,
    command: tuple[str, ...],
) -> None:
    gate = Gate(tmp_path)
    plan = function_plan(GATED)
    async with running(plan, tmp_path, command=command, timeout_s=1) as (function, records):
        invoking = asyncio.create_task(function.invoke(invocation({"gate": gate.path})))
        async with gate.holding():
            pid = only(function.environments).pid
            invoking.cancel()
            (problem,) = await records.wait_for("timeout")
            await until(lambda: not is_alive(pid))

    assert problem["reason"] == "Task timed out after 1.00 seconds"


LOSES = """
import os, socket, sys, time
host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
request = (
    "GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\n"
    "host: x\\r\\nadapter-hang-up: cancel\\r\\n\\r\\n"
)

def poll():
    connected = socket.create_connection((host, int(port)))
    connected.sendall(request.encode())
    connected.recv(65536)
    return connected

poll().close()
if sys.argv[1] == "polls":
    poll()
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("then", "error_type"),
    [("polls", "Runtime.ConnectionLost"), ("sleeps", "Runtime.ExitError")],
)
async def test_a_runtime_that_hangs_up_on_an_invocation_fails_it(
    tmp_path: Path,
    then: str,
    error_type: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime_api, "_LAST_WORDS_S", 3600)
    command = (sys.executable, "-c", LOSES, then)
    timeout_s = 600 if then == "polls" else 1
    plan = function_plan()
    async with running(plan, tmp_path, command=command, timeout_s=timeout_s) as (function, records):
        answer = await function.invoke(invocation())
        environments = function.environments

    # One that asks for the next says so at once; one that does not is ended at its deadline.
    assert answer.error_type == error_type
    assert len(environments) == (then == "polls")
    assert [problem["reason"] for problem in records.of("timeout")] == (
        [] if then == "polls" else ["Task timed out after 1.00 seconds"]
    )


async def test_the_parts_of_the_init_are_told(tmp_path: Path) -> None:
    records = Records()
    launch = launch_of(function_plan(), tmp_path)
    environment = Environment(launch, _Owner(), records.log, provisioned=False)
    life = asyncio.create_task(environment.live())
    await until(lambda: "init" in environment._timers)
    environment.polled({"imports": 151.2})
    environment.kill()
    await life

    assert records.of("init")[0]["parts"] == {"imports": 151.2}


def test_the_clock_of_deadlines_is_unix_time(tmp_path: Path) -> None:
    async def deadline() -> int:
        launch = launch_of(function_plan(), tmp_path, timeout_s=900)
        environment = Environment(launch, _Owner(), Records().log, provisioned=False)
        exchange = Exchange(invocation())
        try:
            return environment.begin(exchange)
        finally:
            exchange.respond(b"null")

    earliest = time.time() + 900
    assert earliest * 1000 - 1 <= asyncio.run(deadline()) <= (time.time() + 900) * 1000
