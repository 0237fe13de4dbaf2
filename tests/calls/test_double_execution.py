"""An invocation is sent once: whoever is unsure whether it arrived does not send it again.

Of those that surely did not run, `test_waiting.py` tells.
"""

import threading

import pytest

from adapter.errors import InvocationError
from adapter.serve.handles import DeploymentHandle
from tests.calls.lambda_server import CUT, LambdaServer, Reply, refusal

pytestmark = pytest.mark.usefixtures("client")

handle = DeploymentHandle("Model")
ANSWER = b'"done"'


def test_a_slow_answer_is_waited_for_and_never_asked_for_again(server: LambdaServer) -> None:  # R14
    feed = server.feed()
    response = handle.remote("slow")
    for _ in range(3):
        with pytest.raises(TimeoutError):
            response.result(timeout_s=0.05)
    feed.send(ANSWER)
    feed.end()

    assert response.result() == "done"
    assert [request.event["args"] for request in server.requests] == [["slow"]]


def test_a_caller_that_gives_up_sends_nothing_more(server: LambdaServer) -> None:  # R14
    feed, arrived = server.feed(), threading.Event()
    server.before_reply = arrived.set
    response = handle.remote("slow")
    assert arrived.wait(10)
    with pytest.raises(TimeoutError):
        response.result(timeout_s=0.05)
    response.cancel()

    assert feed.left.wait(10)
    assert handle.remote("next").result() == "next"
    assert [request.event["args"] for request in server.requests] == [["slow"], ["next"]]


@pytest.mark.parametrize(
    "reply",
    [
        CUT,
        refusal(500, "ServiceException", b"{}"),
        refusal(502, "", b""),
        refusal(503, "ServiceUnavailableException", b"{}"),
        refusal(504, "", b""),
    ],
)
def test_no_answer_that_leaves_it_open_makes_the_client_ask_again(  # R14
    server: LambdaServer,
    reply: Reply,
) -> None:
    server.script.append(reply)
    with pytest.raises(InvocationError):
        handle.remote("once").result()

    assert [request.event["args"] for request in server.requests] == [["once"]]


def test_a_stream_that_breaks_is_not_asked_for_again(server: LambdaServer) -> None:  # R14, R15
    server.feed().cut()
    with pytest.raises(InvocationError):
        list(handle.options(stream=True).remote("once"))

    assert [request.event["args"] for request in server.requests] == [["once"]]
