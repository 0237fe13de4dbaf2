"""Calls that nobody waits for, under `serve.run` and in local testing."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from adapter import serve
from adapter.calls.payloads import MAX_EVENT, MAX_REQUEST
from adapter.errors import InvocationError, RemoteError
from adapter.serve import LambdaOptions, context

Handle = serve.DeploymentHandle[Any]


class Seen:
    """What the deployment did, for the test to see."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.ended = threading.Event()
        self.deadline_ms = -1


@serve.deployment
class Worker:
    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    def work(self, text: str = "") -> str:
        self.seen.begun.set()
        self.seen.go_on.wait(20)
        self.seen.deadline_ms = context.served().deadline_ms
        self.seen.ended.set()
        return text

    def fail(self) -> None:
        self.seen.ended.set()
        raise KeyError("no weights")

    def echo(self, text: str) -> str:
        return text

    def doubled(self, text: str) -> str:
        return text * 2


@serve.deployment
class Caller:
    def __init__(self, worker: Handle) -> None:
        self.worker = worker

    async def leave_work(self) -> str:
        self.worker.options(invocation_type="Event").work.remote()
        return "left"


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture(params=[False, True], ids=["serve.run", "local testing"])
def worker(request: pytest.FixtureRequest, seen: Seen) -> Iterator[Handle]:
    serve.start(http_options={"port": 0})
    serve.run(Caller.bind(Worker.bind(seen)), _local_testing_mode=request.param)
    try:
        yield serve.get_deployment_handle("Worker", "default")
    finally:
        seen.go_on.set()
        serve.shutdown()


def test_an_event_is_accepted_before_it_has_run(worker: Handle, seen: Seen) -> None:
    assert worker.options(invocation_type="Event").work.remote().result() is None
    assert not seen.ended.is_set()
    seen.go_on.set()

    assert seen.ended.wait(20)


def test_an_event_outlives_the_call_that_has_left_it(worker: Handle, seen: Seen) -> None:
    del worker
    caller = serve.get_deployment_handle("Caller", "default")
    assert caller.leave_work.remote().result() == "left"
    assert seen.begun.wait(20)
    assert not seen.ended.is_set()
    seen.go_on.set()

    assert seen.ended.wait(20)


def test_what_goes_wrong_is_said(
    worker: Handle,
    seen: Seen,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert worker.options(invocation_type="Event").fail.remote().result() is None
    assert seen.ended.wait(20)
    worker.echo.remote("after it").result()
    serve.shutdown()

    assert "KeyError: 'no weights'" in capsys.readouterr().err


def test_an_event_has_1_mb_at_most(worker: Handle) -> None:
    with pytest.raises(InvocationError, match=r"Lambda takes 1,048,576 \(1 MB"):
        worker.options(invocation_type="Event").work.remote("x" * MAX_EVENT).result()


def test_arguments_have_6_mb_at_most(worker: Handle) -> None:
    with pytest.raises(InvocationError, match=r"Lambda takes 6,291,456 .*large_payloads=True"):
        worker.echo.remote("x" * MAX_REQUEST).result()


def test_a_result_above_6_mb_names_the_option(worker: Handle) -> None:
    with pytest.raises(RemoteError, match=r"ResponseSizeTooLarge.*large_payloads=True"):
        worker.doubled.remote("x" * (MAX_REQUEST // 2 + 100)).result()


def test_with_large_payloads_there_is_no_limit(seen: Seen) -> None:
    options = LambdaOptions(large_payloads=True)
    handle = serve.run(
        Worker.options(lambda_options=options).bind(seen),
        _local_testing_mode=True,
    )
    try:
        assert len(handle.doubled.remote("x" * MAX_REQUEST).result()) == MAX_REQUEST * 2
    finally:
        serve.shutdown()
