"""Calls that nobody waits for: Lambda's InvocationType Event."""

import asyncio
import json
import logging
import threading
import time
from typing import Any

import pytest

from adapter.calls.client import LambdaTransport
from adapter.calls.payloads import MAX_EVENT
from adapter.errors import InvocationError, NotSerializable, ServeError
from adapter.function import entry_point
from adapter.http1 import response_bytes
from adapter.serve import context, in_flight, transport
from adapter.serve.context import InvocationContext
from adapter.serve.handles import DeploymentHandle
from tests.calls.lambda_server import CUT, LambdaServer, Reply, refusal

pytestmark = pytest.mark.usefixtures("client")

handle: Any = DeploymentHandle("Model").options(invocation_type="Event")
ACCEPTED = Reply(response_bytes(202, {}))


def test_an_event_is_accepted_and_gives_none(server: LambdaServer) -> None:
    assert handle.train.remote("text", epochs=3).result() is None

    [request] = server.requests
    assert request.headers["x-amz-invocation-type"] == "Event"
    assert request.target == "/2015-03-31/functions/Model/invocations"
    assert request.event["method"] == "train"
    assert (request.event["args"], request.event["kwargs"]) == (["text"], {"epochs": 3})
    assert "x-amz-invocation-type;x-amz-date" not in request.headers["authorization"]
    assert "x-amz-invocation-type" in request.headers["authorization"]  # it is signed


async def test_awaiting_an_event_gives_none() -> None:
    assert await handle.remote(1) is None


def test_an_ordinary_call_says_nothing_of_events(server: LambdaServer) -> None:
    DeploymentHandle("Model").remote(1).result()

    assert "x-amz-invocation-type" not in server.requests[0].headers


def test_a_result_of_another_call_may_be_an_argument_of_an_event(server: LambdaServer) -> None:
    first = DeploymentHandle("Model").remote(7)
    assert handle.remote(first).result() is None

    assert server.requests[1].event["args"] == [7]


def test_an_event_is_no_argument() -> None:
    accepted = handle.remote(1)

    with pytest.raises(ServeError, match="invocation_type='Event' has no result that could be"):
        DeploymentHandle("Model").remote(accepted)


def test_an_event_does_not_end_with_its_caller(server: LambdaServer) -> None:
    deadline_ms = int(time.time() * 1000) + 60_000
    token = context.invocation.set(InvocationContext(request_id="r-1", deadline_ms=deadline_ms))
    try:
        handle.remote(1).result()
        DeploymentHandle("Model").remote(1).result()
    finally:
        context.invocation.reset(token)

    event, call = (request.event["context"] for request in server.requests)
    assert event["request_id"] == call["request_id"] == "r-1"
    assert "deadline_ms" not in event
    assert call["deadline_ms"] == deadline_ms


@pytest.mark.parametrize("size", [MAX_EVENT + 1, 2 * MAX_EVENT])
def test_an_event_above_1_mb_is_refused_unsent(server: LambdaServer, size: int) -> None:
    with pytest.raises(InvocationError) as caught:
        handle.remote("x" * size).result()

    assert caught.value.reason == "RequestTooLargeException"
    assert "Lambda takes 1,048,576 (1 MB, with invocation_type='Event')" in str(caught.value)
    assert "LambdaOptions(large_payloads=True)" in str(caught.value)
    assert server.requests == []


def test_an_event_of_1_mb_is_sent(server: LambdaServer) -> None:
    handle.remote("").result()
    rest = MAX_EVENT - len(server.requests[0].body)
    handle.remote("x" * rest).result()
    with pytest.raises(InvocationError):
        handle.remote("x" * (rest + 1)).result()

    assert [len(request.body) for request in server.requests[1:]] == [MAX_EVENT]


@pytest.mark.parametrize("reply", [CUT, refusal(500, "ServiceException", b"{}")])
def test_an_event_that_is_not_accepted_is_logged_and_raised(
    server: LambdaServer,
    reply: Reply,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.script.append(reply)
    with pytest.raises(InvocationError), caplog.at_level(logging.WARNING, "adapter.serve"):
        handle.remote(1).result()

    assert "a call of Model was not accepted: Model: " in caplog.text
    assert len(server.requests) == 1


def test_an_argument_that_cannot_travel_is_refused_at_once(server: LambdaServer) -> None:
    with pytest.raises(NotSerializable, match="argument 0 is a"):
        handle.remote(object())
    assert server.requests == []


def test_an_event_is_sent_again_while_lambda_is_busy(server: LambdaServer) -> None:
    server.script.extend([refusal(429, "TooManyRequestsException", b"{}"), ACCEPTED])

    assert handle.remote(1).result() is None
    assert len(server.requests) == 2


async def test_an_invocation_ends_when_its_events_have_been_accepted(server: LambdaServer) -> None:
    arrived, may_answer = threading.Event(), threading.Event()

    def hold() -> None:
        arrived.set()
        may_answer.wait(20)

    server.before_reply = hold
    done = asyncio.Event()

    async def invocation() -> None:
        async with in_flight.cancelled_together():
            handle.remote(1)
        done.set()

    running = asyncio.create_task(invocation())
    await asyncio.to_thread(arrived.wait, 20)
    assert not done.is_set()
    may_answer.set()
    await running

    assert server.ran == [[1]]


async def test_an_invocation_that_fails_sends_its_events_all_the_same(server: LambdaServer) -> None:
    async def invocation() -> None:
        async with in_flight.cancelled_together():
            handle.remote(1)
            raise KeyError

    with pytest.raises(KeyError):
        await invocation()
    assert server.ran == [[1]]


async def test_an_invocation_is_not_failed_by_its_events(server: LambdaServer) -> None:
    server.script.append(refusal(403, "AccessDeniedException", b"{}"))
    async with in_flight.cancelled_together():
        handle.remote(1)

    assert len(server.requests) == 1


async def test_an_invocation_that_is_cancelled_waits_for_no_event(server: LambdaServer) -> None:
    feed = server.feed()
    arrived = threading.Event()
    server.before_reply = arrived.set

    async def invocation() -> None:
        async with in_flight.cancelled_together():
            handle.remote(1)

    running = asyncio.create_task(invocation())
    await asyncio.to_thread(arrived.wait, 20)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert running.cancelled()
    assert await asyncio.to_thread(feed.left.wait, 20)


@pytest.mark.parametrize("kind", ["event", "DryRun", None, True])
def test_the_type_of_an_invocation_is_lambdas(kind: Any) -> None:
    with pytest.raises(ServeError, match="must be 'RequestResponse' or 'Event'"):
        DeploymentHandle("Model").options(invocation_type=kind)


def test_nobody_waits_for_the_items_of_an_event() -> None:
    with pytest.raises(ServeError, match="nobody waits for the items"):
        handle.options(stream=True)
    with pytest.raises(ServeError, match="nobody waits for the items"):
        DeploymentHandle("Model").options(stream=True).options(invocation_type="Event")  # type: ignore[call-overload]


def test_a_handle_of_events_stays_one_until_it_is_told() -> None:
    ordinary = handle.options(invocation_type="RequestResponse")

    assert handle.train != DeploymentHandle("Model").train
    assert ordinary == DeploymentHandle("Model")
    assert ordinary.remote(1).result() == 1
    assert json.dumps(handle.options(multiplexed_model_id="m").remote(1).result()) == "null"


def test_a_function_has_sent_its_events_when_it_returns(
    server: LambdaServer,
    environ: dict[str, str],
    client: LambdaTransport,
) -> None:
    """Its event loop stands still then, as under AWS's own runtime client."""

    class Caller:
        async def __call__(self) -> str:
            handle.remote(1)
            return "left"

    function = entry_point(Caller)
    carrying = LambdaTransport(lambda: function.loop, environ)
    transport.connect(carrying)
    try:
        assert function({"method": "__call__"}) == "left"
        assert server.ran == [[1]]
    finally:
        transport.connect(client)
        carrying.let_go(function.loop)
        function.close()


def test_what_a_constructor_sends_leaves_during_init(
    server: LambdaServer,
    environ: dict[str, str],
    client: LambdaTransport,
) -> None:
    functions: list[Any] = []
    carrying = LambdaTransport(asyncio.get_running_loop, environ)

    class Caller:
        def __init__(self) -> None:
            handle.remote("init")

    transport.connect(carrying)
    try:
        functions.append(entry_point(Caller))
        assert server.ran == [["init"]]
    finally:
        transport.connect(client)
        for function in functions:
            carrying.let_go(function.loop)
            function.close()
