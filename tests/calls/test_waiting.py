"""Calls that Lambda refuses because nothing is free are sent again, and run once."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from adapter import http1
from adapter.calls import waiting
from adapter.calls.client import LambdaTransport
from adapter.calls.waiting import Queue, queues
from adapter.errors import BackPressureError, InvocationError, Throttled
from adapter.serve import context
from adapter.serve.context import InvocationContext
from adapter.serve.handles import DeploymentHandle
from tests.calls.events import END, item
from tests.calls.lambda_server import CUT, LambdaServer, Reply, refusal, result
from tests.faults import Address, Fault, proxied_in_a_thread

pytestmark = pytest.mark.usefixtures("client", "quick")

handle = DeploymentHandle("Model")
BUSY = refusal(429, "TooManyRequestsException", b'{"Message": "Rate Exceeded."}')


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "FIRST_S", 0.002)


@contextlib.contextmanager
def seconds_left(seconds: float) -> Iterator[None]:
    """Make calls as an invocation does that has so much time left."""
    deadline_ms = int((time.time() + seconds) * 1000)
    token = context.invocation.set(InvocationContext(deadline_ms=deadline_ms))
    try:
        yield
    finally:
        context.invocation.reset(token)


def refusing(server: LambdaServer) -> Callable[[int], None]:
    """Refuse every call; what is returned waits until so many more have been refused."""
    refused = threading.Semaphore(0)
    server.at_most = 0
    server.on_refusal = refused.release

    def wait_for_refusals(number: int) -> None:
        for _ in range(number):
            assert refused.acquire(timeout=20)

    return wait_for_refusals


@pytest.mark.parametrize(
    "busy",
    [
        BUSY,
        refusal(502, "ResourceNotReadyException", b"{}"),
        refusal(409, "SnapStartNotReadyException", b"{}"),
    ],
)
def test_a_call_waits_until_there_is_room_and_runs_once(server: LambdaServer, busy: Reply) -> None:
    server.script.extend([busy] * 5)

    assert handle.remote("a").result() == "a"
    assert len(server.requests) == 6


def test_each_attempt_is_signed_anew_and_says_the_same(server: LambdaServer) -> None:
    server.script.append(BUSY)
    handle.remote("a").result()

    first, second = server.requests
    assert first.body == second.body
    assert "authorization" in second.headers


def test_every_one_of_many_calls_runs_once(server: LambdaServer) -> None:
    server.at_most = 2
    with ThreadPoolExecutor(12) as threads:
        results = list(threads.map(lambda number: handle.remote(number).result(), range(60)))

    assert results == list(range(60))
    assert sorted(server.ran) == [[number] for number in range(60)]
    assert len(server.requests) > 60


def test_a_stream_waits_until_there_is_room(server: LambdaServer) -> None:
    served = Reply(http1.response_bytes(200, {}, item(1) + END))
    server.script.extend([BUSY, BUSY, served])

    assert list(handle.options(stream=True).remote("a")) == [1]
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "reply",
    [
        CUT,
        Reply(b"HTTP/1.1 200 OK\r\ncontent-le", hang_up=True),
        refusal(500, "ServiceException", b"{}"),
        refusal(502, "", b""),
        refusal(503, "ServiceUnavailableException", b"{}"),
        refusal(504, "", b""),
        refusal(400, "RecursiveInvocationException", b"{}"),
        refusal(413, "RequestTooLargeException", b"{}"),
        refusal(404, "ResourceNotFoundException", b"{}"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_may_have_run_is_never_sent_again(
    server: LambdaServer,
    reply: Reply,
    stream: bool,  # noqa: FBT001 - a case
) -> None:
    server.script.extend([BUSY, reply])
    with pytest.raises(InvocationError) as caught:
        list(handle.options(stream=True).remote("a")) if stream else handle.remote("a").result()

    assert not caught.value.never_ran
    assert len(server.requests) == 2


def test_a_stream_that_has_begun_is_never_sent_again(server: LambdaServer) -> None:
    feed = server.feed()
    feed.send(item(1))
    feed.cut()
    items = iter(handle.options(stream=True).remote("a"))

    assert next(items) == 1
    with pytest.raises(InvocationError):
        next(items)
    assert len(server.requests) == 1


def test_a_call_that_is_throttled_until_its_callers_deadline_says_so(server: LambdaServer) -> None:
    server.at_most = 0
    with (
        seconds_left(1),
        pytest.raises(
            Throttled,
            match=r"Model: TooManyRequestsException: Rate Exceeded\. \(sent \d+ times in",
        ) as caught,
    ):
        handle.remote("a").result()

    assert caught.value.never_ran
    assert (caught.value.status, caught.value.status_code) == (429, 503)
    assert len(server.requests) > 1
    assert server.ran == []


def test_no_time_is_left_to_wait_in(server: LambdaServer) -> None:
    server.script.append(BUSY)
    with seconds_left(-1), pytest.raises(Throttled, match="sent 1 times"):
        handle.remote("a").result()

    assert len(server.requests) == 1


def test_what_lambda_asks_for_is_waited_for(server: LambdaServer) -> None:
    asked = http1.response_bytes(
        429,
        {"x-amzn-ErrorType": "TooManyRequestsException", "Retry-After": "3600"},
        b"{}",
    )
    server.script.append(Reply(asked))
    with seconds_left(60), pytest.raises(Throttled) as caught:
        handle.remote("a").result()

    assert caught.value.retry_after_s == 3600  # there is no time for that
    assert len(server.requests) == 1


@pytest.mark.parametrize("value", ["soon", "-1", "1.5", "9" * 400, "²"])
def test_other_wishes_are_none(server: LambdaServer, value: str) -> None:
    head = f"HTTP/1.1 429 Too Many\r\nretry-after: {value}\r\ncontent-length: 2\r\n\r\n{{}}"
    server.script.append(Reply(head.encode("utf-8")))

    assert handle.remote("a").result() == "a"


def test_more_calls_than_may_wait_are_refused_at_once(
    server: LambdaServer,
    environ: dict[str, str],
) -> None:
    environ["ADAPTER_QUEUES"] = "Model:2"
    wait_for_refusals = refusing(server)
    with seconds_left(60):
        waits = [handle.remote(number) for number in range(2)]
    wait_for_refusals(8)  # both wait
    with pytest.raises(BackPressureError) as caught:
        handle.remote("refused").result()
    assert str(caught.value) == (
        "Request dropped due to backpressure (num_queued_requests=2, max_queued_requests=2)."
    )
    assert not isinstance(caught.value, Throttled)
    server.at_most = 10

    assert [response.result() for response in waits] == [0, 1]
    assert handle.remote("next").result() == "next"
    assert sorted(map(str, server.ran)) == ["['next']", "[0]", "[1]"]


def test_a_cancelled_call_makes_room_for_another(
    server: LambdaServer,
    environ: dict[str, str],
    client: LambdaTransport,
) -> None:
    environ["ADAPTER_QUEUES"] = "Model:1"
    wait_for_refusals = refusing(server)
    cancelled = handle.remote("a")
    wait_for_refusals(3)
    cancelled.cancel()
    asyncio.run_coroutine_threadsafe(client.settle(), client._background_loop()).result()
    waits = handle.remote("b")
    wait_for_refusals(6)
    server.at_most = 1

    assert waits.result() == "b"
    assert server.ran == [["b"]]


def test_calls_of_other_deployments_and_first_attempts_do_not_count(
    server: LambdaServer,
    environ: dict[str, str],
) -> None:
    environ["ADAPTER_QUEUES"] = "Other:1,Model:1"
    server.script.append(BUSY)
    both = [DeploymentHandle("Model").remote(1), DeploymentHandle("Other").remote(2)]

    assert [response.result() for response in both] == [1, 2]


def test_queues_have_a_length_and_a_refusal() -> None:
    told = {"ADAPTER_QUEUES": "Model:5,shop-Other:1:429,Third:3:503:2.5"}

    assert queues(told) == {
        "Model": Queue(5),
        "shop-Other": Queue(1, 429),
        "Third": Queue(3, 503, 2.5),
    }
    assert queues({}) == {}


def test_a_refusal_is_as_the_callee_wants_it(
    server: LambdaServer,
    environ: dict[str, str],
) -> None:
    environ["ADAPTER_QUEUES"] = "Model:1:429:7"
    wait_for_refusals = refusing(server)
    waits = handle.remote("a")
    wait_for_refusals(3)
    with pytest.raises(BackPressureError) as caught:
        handle.remote("b").result()
    waits.cancel()

    assert (caught.value.status_code, caught.value.retry_after_s) == (429, 7)


def test_nobody_listening_is_tried_a_few_times(server: LambdaServer) -> None:
    server.stop()
    with pytest.raises(InvocationError, match=r"Model: ConnectionFailed: .* \(sent 3 times") as bad:
        handle.remote("a").result()

    assert bad.value.never_ran


def test_a_listener_that_comes_late_is_found(server: LambdaServer, environ: dict[str, str]) -> None:
    address = Address("127.0.0.1", urlsplit(server.url).port or 0)
    with proxied_in_a_thread(address) as proxy:
        environ["AWS_ENDPOINT_URL_LAMBDA"] = proxy.address.url
        assert handle.remote("a").result() == "a"
        # The proxy takes the connection; what it has read may have arrived.
        proxy.to_server = Fault(limit=10, reset=True)
        proxy.cut_from_outside()
        with pytest.raises(InvocationError) as caught:
            handle.remote("b").result()

    assert not caught.value.never_ran
    assert server.ran == [["a"]]


async def test_waiting_does_not_hold_up_the_event_loop(server: LambdaServer) -> None:
    server.script.extend([BUSY] * 3)
    slow, other = handle.remote("slow"), DeploymentHandle("Other").remote("other")

    assert (await slow, await other) == ("slow", "other")


def test_an_answer_is_no_refusal(server: LambdaServer) -> None:
    server.script.append(result({"Message": "Rate Exceeded."}))

    assert handle.remote("a").result() == {"Message": "Rate Exceeded."}
    assert len(server.requests) == 1
