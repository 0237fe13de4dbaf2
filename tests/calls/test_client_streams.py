"""Streamed calls over a real socket: InvokeWithResponseStream as the handle sees it."""

import asyncio
import gc
import threading
from typing import Any

import pytest

from adapter.errors import InvocationError, NotSerializable, RequestCancelledError
from adapter.http1 import response_bytes
from adapter.serve.handles import DeploymentHandle
from tests.calls.events import END, chunk, complete, frames, item
from tests.calls.lambda_server import LambdaServer, Reply, refusal

pytestmark = pytest.mark.usefixtures("client")

handle = DeploymentHandle("Model").options(stream=True)


def test_call_is_one_signed_invoke_with_response_stream(server: LambdaServer) -> None:
    server.script.append(Reply(response_bytes(200, {}, item(1) + item(2) + END)))
    assert list(handle.tokens.remote("text", top=3)) == [1, 2]

    [request] = server.requests
    target = "/2021-11-15/functions/Model/response-streaming-invocations"
    assert (request.method, request.target) == ("POST", target)
    assert (request.event["method"], request.event["args"]) == ("tokens", ["text"])
    assert request.event["context"]["stream"] is True
    assert "/eu-west-1/lambda/aws4_request" in request.headers["authorization"]


def test_call_leaves_before_anybody_iterates(server: LambdaServer) -> None:
    arrived = threading.Event()
    server.before_reply = arrived.set
    response = handle.remote(1)

    assert arrived.wait(10)
    del response


def test_item_is_there_before_the_next_is_sent(server: LambdaServer) -> None:
    feed = server.feed()
    response = handle.remote()
    for number in range(3):
        feed.send(item(number))
        assert next(response) == number
    feed.send(END)
    feed.end()

    assert list(response) == []


async def test_items_come_one_by_one_into_a_loop(server: LambdaServer) -> None:
    feed = server.feed()
    response = handle.remote()
    received: list[Any] = []
    feed.send(item(0))
    async for number in response:
        received.append(number)
        feed.send(item(number + 1) if number < 2 else END)
        if number == 2:
            feed.end()

    assert received == [0, 1, 2]


def test_chunks_may_be_cut_anywhere(server: LambdaServer) -> None:
    lines = frames("é" * 100, {"a": [1]}, "\n")
    data = b"".join((chunk(lines[:50]), chunk(lines[50:51]), chunk(lines[51:]), complete()))
    feed = server.feed()
    feed.send(*(data[at : at + 11] for at in range(0, len(data), 11)))
    feed.end()

    assert list(handle.remote()) == ["é" * 100, {"a": [1]}, "\n"]


def test_connection_that_was_read_to_its_end_is_kept(server: LambdaServer) -> None:
    for _ in range(3):
        feed = server.feed()
        feed.send(item(1), END)
        feed.end()
        response = handle.remote()
        assert list(response) == [1]
        response._future.result(10)

    assert (len(server.requests), server.connections) == (3, 1)


def test_items_end_before_the_functions_background_work(server: LambdaServer) -> None:
    feed = server.feed()
    feed.send(item(1), chunk(b'{"end": true}\n'))
    response = handle.remote()

    assert list(response) == [1]
    response.cancel()
    del response
    gc.collect()
    assert not feed.left.is_set()
    assert not server.hung_up.is_set()
    feed.send(complete())
    feed.end()


def leave_by_break(response: Any) -> None:
    for _ in response:
        break


def leave_by_exception(response: Any) -> None:
    def fail() -> None:
        for _ in response:
            raise KeyError

    with pytest.raises(KeyError):
        fail()


def leave_by_with(response: Any) -> None:
    with response:
        next(response)


def leave_by_aclose(response: Any) -> None:
    next(response)
    asyncio.run(response.aclose())


def leave_by_cancel(response: Any) -> None:
    next(response)
    response.cancel()
    assert response.cancelled()


def leave_at_once(_response: Any) -> None:
    pass


@pytest.mark.parametrize(
    "leave",
    [
        *(leave_by_break, leave_by_exception, leave_by_with),
        *(leave_by_aclose, leave_by_cancel, leave_at_once),
    ],
)
def test_who_leaves_early_hangs_up(server: LambdaServer, leave: Any) -> None:
    arrived = threading.Event()
    server.before_reply = arrived.set
    feed = server.feed()
    feed.send(item(1))
    response = handle.remote()
    arrived.wait()
    leave(response)
    del response
    gc.collect()

    assert feed.left.wait(10)


async def test_cancelled_task_that_iterates_hangs_up(server: LambdaServer) -> None:
    feed = server.feed()
    feed.send(item(1))
    response = handle.remote()
    first = asyncio.Event()

    async def iterate() -> None:
        async for _ in response:
            first.set()

    task = asyncio.create_task(iterate())
    await first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(feed.left.wait, 10)
    assert response.cancelled()
    with pytest.raises(RequestCancelledError, match=r"Request .* was cancelled\."):
        await anext(response)


def test_error_comes_after_the_items_that_were_sent(server: LambdaServer) -> None:
    feed = server.feed()
    error = b'{"errorType": "KeyError", "errorMessage": "x", "stackTrace": ["  File a"]}'
    feed.send(item(1), item(2), chunk(b'{"error": ' + error + b"}\n"), complete(ErrorCode="x"))
    feed.end()
    response = handle.remote()

    assert [next(response), next(response)] == [1, 2]
    with pytest.raises(KeyError, match="KeyError in deployment Model: x\n\n  File a"):
        next(response)
    assert list(response) == []


def test_error_before_the_first_item_is_the_callees(server: LambdaServer) -> None:
    error = b'{"errorType": "KeyError", "errorMessage": "x", "stackTrace": []}'
    feed = server.feed()
    feed.send(chunk(error), complete(ErrorCode="KeyError", ErrorDetails=error.decode()))
    feed.end()

    with pytest.raises(KeyError, match="KeyError in deployment Model: x"):
        next(handle.remote())


@pytest.mark.parametrize(
    ("pieces", "end", "reason"),
    [
        ([], "cut", "ConnectionFailed: connection closed inside"),
        ([complete()], "end", "StreamInterrupted: the stream broke off"),
        ([], "end", "StreamInterrupted: the stream broke off"),
        ([item(2)[:-9]], "end", "StreamInterrupted: the stream broke off"),
        ([item(2)[:-1] + b"\x00"], "end", "StreamInterrupted: the checksum"),
    ],
)
def test_interrupted_stream_is_an_error_after_the_items(  # R15
    server: LambdaServer,
    pieces: list[bytes],
    end: str,
    reason: str,
) -> None:
    feed = server.feed()
    feed.send(item(1), *pieces)
    getattr(feed, end)()
    response = handle.remote()

    assert next(response) == 1
    with pytest.raises(InvocationError, match=f"Model: {reason}"):
        next(response)
    assert list(response) == []


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (
            refusal(404, "ResourceNotFoundException", b'{"Message": "Function not found"}'),
            "Model: ResourceNotFoundException: Function not found",
        ),
        (
            refusal(404, "PathNotFoundLocally", b'{"Message": "PathNotFoundException"}'),
            "Model: PathNotFoundLocally: this endpoint does not stream: it has no Invoke",
        ),
        (refusal(501, "", b""), "Model: HTTP 501: this endpoint does not stream"),
    ],
)
def test_refused_stream_is_an_invocation_error(
    server: LambdaServer,
    reply: Reply,
    message: str,
) -> None:
    server.script.append(reply)
    with pytest.raises(InvocationError) as caught:
        next(handle.remote())

    assert str(caught.value).startswith(message)
    assert caught.value.status is not None


def test_nobody_listening_is_an_invocation_error(server: LambdaServer) -> None:
    server.stop()
    with pytest.raises(InvocationError, match="Model: ConnectionFailed: "):
        list(handle.remote())


def test_argument_that_cannot_travel_is_refused_at_once(server: LambdaServer) -> None:
    with pytest.raises(NotSerializable, match="argument 0 is a"):
        handle.remote(object())
    assert server.requests == []


def test_response_as_argument_is_sent_as_its_result(server: LambdaServer) -> None:
    first = DeploymentHandle("Model").remote(1)
    first.result()
    server.script.append(Reply(response_bytes(200, {}, END)))

    assert list(handle.remote(first, again=first)) == []
    assert server.requests[1].event["args"] == [1]


def test_caller_that_does_not_read_stops_the_server(server: LambdaServer) -> None:
    feed = server.feed()
    big = item("x" * 1_000_000)
    for _ in range(100):
        feed.send(big)
    response = handle.remote()
    next(response)
    for number in range(10):  # the loop that carries the calls is free meanwhile
        assert DeploymentHandle("Model").remote(number).result() == number

    assert feed._pieces.qsize() > 0
    response.cancel()
