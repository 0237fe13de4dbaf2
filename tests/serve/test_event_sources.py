from typing import Any

import pytest

from adapter import serve
from adapter.errors import InvalidOption, UnknownOption
from adapter.serve import EventBridgeRule, LambdaOptions, S3Bucket, Schedule, SQSQueue

ARN = "arn:aws:sqs:eu-central-1:123456789012:orders"


@pytest.mark.parametrize(
    "schedule",
    [
        "rate(5 minutes)",
        "rate(1 hour)",
        "rate(1 days)",
        "cron(0 8 ? * MON-FRI *)",
        "cron(0/15 * * * ? *)",
        "at(2027-01-01T08:00:00)",
    ],
)
def test_schedule_is_written_as_aws_writes_it(schedule: str) -> None:
    assert Schedule(schedule, method="refresh").schedule == schedule


@pytest.mark.parametrize(
    "schedule",
    [
        *("5 minutes", "rate(0 minutes)", "rate(5 weeks)", "cron(0 8 * * *)", "at(2027-01-01)"),
        *("cron(0 8 * * * *)", "cron(0 8 ? * ? *)", "rate(5 minutes", 5, None),
    ],
)
def test_any_other_schedule_is_refused_with_examples(schedule: Any) -> None:
    with pytest.raises(InvalidOption, match=r"must be 'rate\(5 minutes\)'"):
        Schedule(schedule, method="refresh")


def test_queue_is_one_that_is_made_or_another_one() -> None:
    made = [SQSQueue("orders"), SQSQueue("orders.fifo")]
    others = [SQSQueue(ARN), SQSQueue("${Orders.Arn}"), SQSQueue(f"{ARN}.fifo")]

    assert [queue.is_made for queue in [*made, *others]] == [True, True, False, False, False]
    assert [queue.is_fifo for queue in [*made, *others]] == [False, True, False, False, True]


def test_bucket_is_one_that_is_made_or_the_users_own() -> None:
    assert S3Bucket("uploads").is_made
    assert not S3Bucket("${Uploads}").is_made
    assert S3Bucket("uploads", events=["s3:ObjectRemoved:*"]).events == ("s3:ObjectRemoved:*",)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Schedule("rate(1 day)", timezone="Berlin!"), "timezone='Berlin!' must be a name"),
        (lambda: Schedule("rate(1 day)", input={1, 2}), "input={1, 2} must be what JSON can say"),
        (lambda: Schedule("rate(1 day)", input=float("nan")), "input=nan must be what JSON can"),
        (lambda: Schedule("rate(1 day)", method="a-b"), "method='a-b' must be the name of a met"),
        (lambda: Schedule("rate(1 day)", method="_own"), "method='_own' must be a public method"),
        (lambda: SQSQueue("a b"), "queue='a b' must be the name of a queue to make"),
        (lambda: SQSQueue("arn:aws:sns:eu-central-1:1:a"), "queue='arn:aws:sns:eu-central-1:1:a'"),
        (lambda: SQSQueue("orders", batch_size=0), "batch_size=0 must be a whole number from 1"),
        (lambda: SQSQueue("orders", batch_size=11), "batch_size=11 needs maximum_batching_window"),
        (lambda: SQSQueue("o.fifo", batch_size=11), "batch_size=11 must be a whole number from 1"),
        (lambda: SQSQueue("o.fifo", maximum_batching_window_s=1), "maximum_batching_window_s=1 mu"),
        (lambda: SQSQueue("orders", maximum_concurrency=1), "maximum_concurrency=1 must be a whol"),
        (lambda: S3Bucket("Uploads"), "bucket='Uploads' must be the name of a bucket to make (low"),
        (lambda: S3Bucket("uploads", events=()), "events=() must be a list of events of S3"),
        (lambda: S3Bucket("uploads", events=["ObjectCreated"]), "events=['ObjectCreated'] must be"),
        (lambda: S3Bucket("uploads", prefix=3), "prefix=3 must be a string."),  # type: ignore[arg-type]
        (lambda: EventBridgeRule({}), "pattern={} must be a dict whose innermost values are lis"),
        (lambda: EventBridgeRule({"source": "shop"}), "pattern={'source': 'shop'} must be a dict"),
        (lambda: EventBridgeRule({"source": []}), "pattern={'source': []} must be a dict"),
        (lambda: EventBridgeRule({"a": ["b"]}, event_bus_name="a b"), "event_bus_name='a b' must"),
    ],
)
def test_mistake_is_told_where_it_is_made(make: Any, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        make()

    assert str(caught.value).startswith(message)


def test_a_misspelt_setting_is_named() -> None:
    with pytest.raises(UnknownOption, match="SQSQueue has no option 'batchsize'"):
        SQSQueue("orders", batchsize=5)  # type: ignore[call-arg]


def test_config_file_writes_them_as_mappings_with_a_type() -> None:
    written: Any = [
        {"type": "Schedule", "schedule": "rate(1 day)", "method": "refresh"},
        {"type": "SQSQueue", "queue": "orders", "method": "handle"},
    ]

    assert LambdaOptions(events=written).events == (
        Schedule("rate(1 day)", method="refresh"),
        SQSQueue("orders", method="handle"),
    )


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (Schedule("rate(1 day)"), "must be a tuple: events=(Schedule(...),)."),
        (["rate(1 day)"], "events: 'rate(1 day)' must be one of Schedule, SQSQueue, S3Bucket, Ev"),
        ([{"queue": "orders"}], "must have a type, one of Schedule, SQSQueue, S3Bucket, EventBri"),
        ([{"type": "SQSQueue"}], "events: a SQSQueue needs 'queue'."),
        ([{"type": "SQSQueue", "queue": "a", "x": 1}], "SQSQueue has no option 'x'."),
    ],
)
def test_what_is_no_event_source_is_refused(written: Any, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        LambdaOptions(events=written)

    assert message in str(caught.value)


def test_they_are_names_of_serve_and_of_a_module_of_it() -> None:
    for name in ("EventBridgeRule", "S3Bucket", "SQSQueue", "Schedule"):
        assert getattr(serve, name) is getattr(serve.event_sources, name)
