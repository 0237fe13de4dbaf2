from typing import Any

import pytest

from adapter.errors import BuildError
from adapter.plan.values import StackPlan
from adapter.serve import EventBridgeRule, S3Bucket, Schedule, SQSQueue
from adapter.serve.event_sources import EventSource
from adapter.template.cloudformation import GetAtt, Ref, Sub
from adapter.template.document import describe
from adapter.template.event_sources import check_made_names, event_source_resources
from adapter.template.function_resource import environment
from adapter.template.names import check_logical_ids
from tests.template.plans import application, function, gateway, settings


def stack(*sources: EventSource, **options: Any) -> StackPlan:
    return application(gateway(), function("Model", events=sources, **options))


def resources(*sources: EventSource, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = describe(stack(*sources, **options), settings())["Resources"]
    return found


def events(*sources: EventSource) -> dict[str, Any]:
    found: dict[str, Any] = resources(*sources)["Model"]["Properties"]["Events"]
    return found


def allowed(found: dict[str, Any]) -> list[dict[str, Any]]:
    [policy] = found["ModelRole"]["Properties"]["Policies"]
    return [one for one in policy["PolicyDocument"]["Statement"] if "logs" not in str(one)]


def test_function_without_subscriptions_has_no_events() -> None:
    found = resources()["Model"]["Properties"]

    assert "Events" not in found
    assert "ADAPTER_EVENTS" not in environment(stack(), stack().function("Model"))


def test_made_queue_is_visible_again_after_six_times_the_timeout() -> None:
    source = SQSQueue("orders", batch_size=100, maximum_batching_window_s=20)
    found = resources(source, timeout_s=40)

    queue = found["OrdersQueue"]["Properties"]
    assert queue["VisibilityTimeout"] == 6 * 40 + 20
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": GetAtt("OrdersDeadLetterQueue", "Arn"),
        "maxReceiveCount": 5,
    }
    for name in ("OrdersQueue", "OrdersDeadLetterQueue"):
        assert found[name]["Properties"]["SqsManagedSseEnabled"] is True


def test_dead_letters_of_a_fifo_queue_are_in_one_too() -> None:
    found = resources(SQSQueue("orders.fifo"))

    assert found["OrdersDeadLetterQueue"]["Properties"]["FifoQueue"] is True
    assert found["OrdersQueue"]["Properties"]["QueueName"] == Sub("${AWS::StackName}-orders.fifo")


def test_lambda_may_take_messages_of_these_queues_and_no_others() -> None:
    arn = "arn:aws:sqs:eu-central-1:123456789012:refunds"
    [statement] = allowed(resources(SQSQueue("orders"), SQSQueue(arn), SQSQueue("${Q.Arn}")))

    assert statement == {
        "Effect": "Allow",
        "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        "Resource": [GetAtt("OrdersQueue", "Arn"), arn, Sub("${Q.Arn}")],
    }


def test_function_may_read_the_bucket_that_is_made_for_it() -> None:
    found = resources(S3Bucket("uploads"), S3Bucket("uploads", events=["s3:ObjectRemoved:*"]))
    [statement] = allowed(found)

    name = "${AWS::StackName}-uploads-${AWS::AccountId}-${AWS::Region}"
    assert found["UploadsBucket"]["Properties"]["BucketName"] == Sub(name)
    assert statement["Action"] == "s3:GetObject"
    assert statement["Resource"] == [Sub(f"arn:${{AWS::Partition}}:s3:::{name}/*")]


def test_own_bucket_is_neither_made_nor_referred_to_by_the_role() -> None:
    found = resources(S3Bucket("${Uploads}"))

    assert not {name for name in found if name.startswith("Uploads")}
    assert allowed(found) == []
    event = found["Model"]["Properties"]["Events"]["CallObjects"]["Properties"]
    assert event["Bucket"] == Ref("Uploads")


def test_events_are_called_after_method_and_kind() -> None:
    found = events(
        Schedule("rate(1 day)", method="clean_up"),
        Schedule("rate(2 days)", method="clean_up"),
        EventBridgeRule({"source": ["shop"]}, method="clean_up"),
    )

    assert list(found) == ["CleanUpSchedule", "CleanUpSchedule2", "CleanUpRule"]


def test_users_dollars_stay_as_they_are() -> None:
    plan = stack(SQSQueue("orders"), S3Bucket("uploads", prefix="${a}/"))
    variable = environment(plan, plan.function("Model"))["ADAPTER_EVENTS"]

    assert isinstance(variable, Sub)
    assert '"prefix":"${!a}/"' in variable.text
    assert '"name":"${AWS::StackName}-orders"' in variable.text


@pytest.mark.parametrize(
    ("source", "stack_name", "message"),
    [
        (SQSQueue("q" * 70), "s" * 11, "would be called 'sssssssssss-qqq"),
        (S3Bucket("uploads"), "Shop", "'Shop-uploads-000000000000-ap-southeast-1'; AWS allows 63"),
        (S3Bucket("u" * 30), "shop-in-production", "AWS allows 63 characters, and in buckets no c"),
    ],
)
def test_name_that_aws_refuses_is_told_before(
    source: EventSource,
    stack_name: str,
    message: str,
) -> None:
    with pytest.raises(BuildError) as caught:
        check_made_names(stack(source), ["shop", stack_name])

    assert message in str(caught.value)


def test_names_that_fit_pass() -> None:
    check_made_names(stack(SQSQueue("orders.fifo"), S3Bucket("uploads")), ["shop", "shop-dev"])


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (stack(SQSQueue("a-b"), SQSQueue("aB")), "the CloudFormation id 'ABQueue' of a queue or b"),
        (
            application(gateway(), function("OrdersQueue", events=(SQSQueue("orders"),))),
            "deployment 'OrdersQueue': the CloudFormation id 'OrdersQueue' is taken",
        ),
        (
            application(
                gateway(),
                function("Model", events=(Schedule("rate(1 day)", method="refresh"),)),
                function("ModelRefreshSchedule"),
            ),
            "the CloudFormation id 'ModelRefreshSchedule",
        ),
    ],
)
def test_ids_that_are_taken_are_refused(plan: StackPlan, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        check_logical_ids(plan)

    assert message in str(caught.value)


def test_queues_that_nobody_makes_add_nothing() -> None:
    assert event_source_resources(stack(SQSQueue("${Q.Arn}"), Schedule("rate(1 day)"))) == {}
