"""Events that are neither HTTP nor calls, as a planned deployment gets them."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from adapter import serve
from adapter.errors import UnsupportedEvent
from adapter.function import Function, entry_point
from adapter.plan.event_sources import event_variables
from adapter.serve import EventBridgeRule, S3Bucket, Schedule, SQSQueue
from adapter.serve.event_sources import EventSource
from tests.service_events import bus_event, messages, notification

Closing = Callable[[Function], Function]


@serve.deployment(max_ongoing_requests=2)
class Shop:
    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.at_once = self.most_at_once = 0
        self.go_on = asyncio.Event()

    async def note(self, event: Any) -> str:
        self.seen.append(event)
        return object()  # type: ignore[return-value]  # nobody takes it

    def plain(self, event: Any) -> None:
        self.seen.append(event)

    def handle(self, record: Any) -> None:
        if record["body"].startswith("bad"):
            raise ValueError("this one is bad")
        self.seen.append(record["body"])

    async def meet(self, record: Any) -> None:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.seen.append(record["body"])

    async def wait(self, record: Any) -> None:
        if record["body"] == "slow":
            await self.go_on.wait()
        self.seen.append(record["body"])

    async def cancel(self, record: Any) -> None:
        if record["body"] == "odd":
            raise asyncio.CancelledError

    def fail(self, event: Any) -> None:
        raise LookupError(f"no {event['detail']['item']}")

    def told(self) -> list[Any]:
        return self.seen

    def most(self) -> int:
        return self.most_at_once


Subscribed = Callable[..., Function]


@pytest.fixture
def subscribed(closing: Closing, monkeypatch: pytest.MonkeyPatch) -> Subscribed:
    def make(*sources: EventSource, deployment: Any = Shop, **names: str) -> Function:
        def named(source: SQSQueue | S3Bucket) -> str:
            name = source.queue if isinstance(source, SQSQueue) else source.bucket
            return names.get(name, name)

        for name, value in event_variables(sources, named if names else None).items():
            monkeypatch.setenv(name, value)
        return closing(entry_point(deployment))

    return make


def told(function: Function) -> Any:
    return function({"method": "told"})


@pytest.mark.parametrize("method", ["note", "plain"])
@pytest.mark.parametrize("event", [{"any": "thing"}, None, [1], {"detail": {"$decimal": "1"}}])
def test_wrapped_event_reaches_the_method_as_it_is(
    subscribed: Subscribed,
    method: str,
    event: Any,
) -> None:
    function = subscribed(Schedule("rate(1 day)", method=method))

    assert function({"method": method, "event": event}) is None
    assert json.dumps(function._servable._instance.target.seen) == json.dumps([event])  # type: ignore[attr-defined]


def test_rules_are_told_apart_by_what_they_are_wrapped_in(subscribed: Subscribed) -> None:
    function = subscribed(
        EventBridgeRule({"source": ["shop"]}, method="note"),
        EventBridgeRule({"source": ["bank"]}, method="fail"),
    )

    function({"method": "note", "event": bus_event()})
    with pytest.raises(LookupError, match="no tea"):
        function({"method": "fail", "event": bus_event("bank", item="tea")})

    assert told(function) == [bus_event()]


def test_bare_event_of_a_bus_goes_to_the_one_method_there_is(subscribed: Subscribed) -> None:
    function = subscribed(
        EventBridgeRule({"source": ["shop"]}, method="note"),
        EventBridgeRule({"source": ["bank"]}, method="note"),
        Schedule("rate(1 day)", method="plain"),
    )

    function(bus_event("bank"))
    function(bus_event("aws.scheduler", "Scheduled Event", nightly=True))

    assert told(function) == [
        bus_event("bank"),
        bus_event("aws.scheduler", "Scheduled Event", nightly=True),
    ]


def test_deployment_that_is_a_function_gets_events_too(subscribed: Subscribed) -> None:
    seen = []

    @serve.deployment
    def nightly(event: Any) -> None:
        seen.append(event)

    function = subscribed(Schedule("rate(1 day)"), deployment=nightly)
    function({"method": "__call__", "event": {"depth": 2}})

    assert seen == [{"depth": 2}]


def test_failing_method_fails_the_invocation_so_that_lambda_tries_again(
    subscribed: Subscribed,
) -> None:
    function = subscribed(S3Bucket("uploads", method="fail"))

    with pytest.raises(KeyError):
        function(notification())


def test_messages_that_fail_and_no_others_return_to_the_queue(
    subscribed: Subscribed,
    caplog: pytest.LogCaptureFixture,
) -> None:
    function = subscribed(SQSQueue("orders", method="handle"))

    with caplog.at_level(logging.ERROR):
        answer = function(messages("1", "bad 2", "3", "bad 4"))

    assert answer == {
        "batchItemFailures": [{"itemIdentifier": "bad 2"}, {"itemIdentifier": "bad 4"}]
    }
    assert sorted(told(function)) == ["1", "3"]
    assert sorted(record.getMessage() for record in caplog.records) == [
        "the message bad 2 failed",
        "the message bad 4 failed",
    ]
    assert "this one is bad" in caplog.text


def test_batch_without_failures_is_done(subscribed: Subscribed) -> None:
    function = subscribed(SQSQueue("orders", method="handle"))

    assert function(messages("1", "2")) == {"batchItemFailures": []}


def test_as_many_messages_are_handled_at_once_as_the_deployment_takes(
    subscribed: Subscribed,
) -> None:
    function = subscribed(SQSQueue("orders", method="meet"))
    function(messages(*map(str, range(9))))

    assert function({"method": "most"}) == 2
    assert len(told(function)) == 9


def test_fifo_queue_stops_at_the_first_failure_of_each_group(subscribed: Subscribed) -> None:
    function = subscribed(SQSQueue("orders.fifo", method="handle"))
    bodies = ("a1", "b1", "bad a2", "a3", "b2")

    answer = function(messages(*bodies, queue="orders.fifo", groups=("a", "b", "a", "a", "b")))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad a2"}, {"itemIdentifier": "a3"}]}
    assert [body for body in told(function) if body[0] == "b"] == ["b1", "b2"]
    assert "a3" not in told(function)


def test_at_the_deadline_only_what_is_not_done_returns_to_the_queue(
    subscribed: Subscribed,
) -> None:
    function = subscribed(SQSQueue("orders", method="wait"))
    context = SimpleNamespace(aws_request_id="1", deadline_ms=int(time.time() * 1000) + 1000)

    answer = function(messages("slow", "2", "3"), context)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "slow"}]}
    assert sorted(told(function)) == ["2", "3"]


def test_method_that_cancels_itself_fails_its_message_only(subscribed: Subscribed) -> None:
    function = subscribed(SQSQueue("orders", method="cancel"))

    answer = function(messages("odd", "2"))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "odd"}]}


def test_queues_are_told_apart_by_name(subscribed: Subscribed) -> None:
    function = subscribed(
        SQSQueue("arn:aws:sqs:eu-central-1:123456789012:refunds", method="note"),
        SQSQueue("orders", method="handle"),
        orders="shop-orders",
    )

    assert function(messages("bad 1", queue="shop-orders")) == {
        "batchItemFailures": [{"itemIdentifier": "bad 1"}],
    }
    assert function(messages("bad 1", queue="refunds")) == {"batchItemFailures": []}
    with pytest.raises(
        UnsupportedEvent, match=r"not subscribed to 'arn:aws:sqs:.*:orders' \(aws:s"
    ):
        function(messages("bad 1", queue="orders"))


def test_queue_whose_name_only_aws_knows_takes_what_no_other_does(subscribed: Subscribed) -> None:
    function = subscribed(SQSQueue("${Q.Arn}", method="note"), SQSQueue("orders", method="handle"))

    assert len(function(messages("bad 1"))["batchItemFailures"]) == 1
    assert function(messages("bad 2", queue="another")) == {"batchItemFailures": []}
    assert [seen["body"] for seen in told(function)] == ["bad 2"]


BUCKETS = (
    S3Bucket("uploads", method="plain", prefix="in put/", suffix=".csv"),
    S3Bucket("uploads", method="note", events=["s3:ObjectRemoved:Delete"]),
)


@pytest.mark.parametrize(
    "event",
    [
        notification("in put/a b.csv"),
        notification("in put/ä+b.csv", name="ObjectCreated:CompleteMultipartUpload"),
        notification("x", name="ObjectRemoved:Delete"),
    ],
)
def test_notification_reaches_its_method_whole(subscribed: Subscribed, event: Any) -> None:
    function = subscribed(*BUCKETS)

    assert function(event) is None
    assert told(function) == [event]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (notification("in/a.csv"), "not subscribed to 'ObjectCreated:Put' of the bucket 'uploads'"),
        (notification("in put/a.txt"), "or not for this key"),
        (notification("in put/a.csv", bucket="other"), "of the bucket 'other'"),
        (notification("in put/a.csv", name="ObjectRemoved:DeleteMarkerCreated"), "of the bucket"),
        ({"Records": [{"eventSource": "aws:s3"}]}, "not subscribed to None of the bucket None"),
        ({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": 3}}]}, "of the bucket None"),
        (messages("1"), "not subscribed to 'arn:aws:sqs:eu-central-1:123456789012:orders'"),
        (bus_event(), "not subscribed to 'Paid' of 'shop', by one rule or schedule alone"),
        ({"method": "plain", "event": {}}, "not subscribed to events for a method 'plain'"),
        ({"method": ["plain"], "event": {}}, "not subscribed to events for a method ['plain']"),
        ({"Records": []}, "it was invoked with an object with keys ['Records']"),
        ({"Records": [{"EventSource": "aws:sns"}]}, "it was invoked with an object with keys"),
    ],
)
def test_event_that_nobody_subscribed_to_is_one_named_error(
    subscribed: Subscribed,
    event: Any,
    message: str,
) -> None:
    function = subscribed(*BUCKETS)

    with pytest.raises(UnsupportedEvent) as caught:
        function(event)

    assert message in str(caught.value)
    assert told(function) == []


def test_several_rules_and_a_bare_event_is_an_error_that_says_so(subscribed: Subscribed) -> None:
    function = subscribed(
        EventBridgeRule({"source": ["shop"]}, method="note"),
        EventBridgeRule({"source": ["bank"]}, method="plain"),
    )

    with pytest.raises(UnsupportedEvent, match="by one rule or schedule alone"):
        function(bus_event())


def test_deployment_without_subscriptions_serves_no_events(subscribed: Subscribed) -> None:
    function = subscribed()

    for event in (messages("1"), notification(), bus_event(), {"method": "note", "event": 1}):
        with pytest.raises(UnsupportedEvent, match="not subscribed"):
            function(event)
