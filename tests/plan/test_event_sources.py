import json
from typing import Any

import pytest

from adapter.errors import PlanError
from adapter.plan.stack import stack_plan
from adapter.plan.values import ApplicationPlan
from adapter.serve import Schedule
from tests.plan.programs import Program, run

SHOP = """
from adapter.serve import EventBridgeRule, LambdaOptions, S3Bucket, Schedule, SQSQueue

class Base:
    def inherited(self, event): ...

@serve.deployment(lambda_options=LambdaOptions(events=({events}), {options}))
class Model(Base):
    attribute = 3
    async def refresh(self, event, depth=1): ...
    def handle(self, record): ...
    def nothing(self): ...
    def two(self, event, other): ...
    def items(self, event):
        yield event
    async def async_items(self, event):
        yield event
    @staticmethod
    def static(event): ...
    @classmethod
    def of(cls, event): ...
    def keywords(self, *, event): ...

app = Model.bind()
"""


def shop(program: Program, events: str, options: str = "", **settings: Any) -> ApplicationPlan:
    return program.plan(SHOP.format(events=events, options=options), **settings)


def variable(plan: ApplicationPlan) -> Any:
    return json.loads(plan.functions[0].environment["ADAPTER_EVENTS"])


@pytest.mark.parametrize("method", ["refresh", "handle", "inherited", "static", "of"])
def test_method_that_takes_one_argument_may_be_subscribed(program: Program, method: str) -> None:
    plan = shop(program, f'Schedule("rate(1 day)", method="{method}"),')

    assert plan.functions[0].events == (Schedule("rate(1 day)", method=method),)
    assert variable(plan) == [{"type": "Schedule", "method": method}]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            "none",
            "names the method 'none', which the class does not have. Define `def none(self, e",
        ),
        ("attribute", "names the method 'attribute', which the class does not have."),
        ("__call__", "names the method '__call__', which the class does not have."),
        ("nothing", "calls 'nothing' with the event as its one argument, which nothing(self) does"),
        ("two", "which two(self, event, other) does not take."),
        ("keywords", "which keywords(self, *, event) does not take."),
        ("items", "calls 'items', which is a generator; nobody would take its items."),
        ("async_items", "calls 'async_items', which is a generator"),
    ],
)
def test_method_that_cannot_get_an_event_is_refused(
    program: Program,
    method: str,
    message: str,
) -> None:
    with pytest.raises(PlanError) as caught:
        shop(program, f'Schedule("rate(1 day)", method="{method}"),')

    assert str(caught.value).startswith("Model: Schedule ")
    assert message in str(caught.value)


def test_deployment_function_is_subscribed_itself(program: Program) -> None:
    source = """
    @serve.deployment(lambda_options=serve.LambdaOptions(events=(serve.SQSQueue("orders"{method}),)))
    def handle(record): ...
    app = handle.bind()
    """
    plan = program.plan(source.format(method=""))
    assert variable(plan) == [{"type": "SQSQueue", "method": "__call__", "name": "orders"}]
    program.forget()
    with pytest.raises(PlanError, match="but the deployment is a function; leave method out"):
        program.plan(source.format(method=', method="handle"'))


def test_function_is_told_what_it_is_subscribed_to_as_far_as_this_machine_knows(
    program: Program,
) -> None:
    plan = shop(
        program,
        'SQSQueue("orders", method="handle"), SQSQueue("${Q.Arn}", method="handle"), '
        'SQSQueue("arn:aws:sqs:${AWS::Region}:1:refunds", method="handle"), '
        'S3Bucket("${B}", method="of", prefix="in/"), S3Bucket("uploads", method="of"), '
        'EventBridgeRule({"source": ["shop"]}, method="of"),',
    )

    assert [entry.get("name") for entry in variable(plan)] == [
        "orders",
        "*",
        "arn:aws:sqs:${AWS::Region}:1:refunds",
        "*",
        "uploads",
        None,
    ]
    assert variable(plan)[3]["prefix"] == "in/"


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ('Schedule("rate(1 day)", method="of"), Schedule("rate(1 day)", method="of")', "twice."),
        (
            'S3Bucket("${A}", method="of"), S3Bucket("${B}", method="handle")',
            "events of ${A} and ${B} cannot be told apart",
        ),
    ],
)
def test_what_cannot_be_told_apart_is_refused(program: Program, events: str, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        shop(program, events)

    assert message in str(caught.value)


def test_buckets_of_the_users_own_may_share_a_method_or_differ_in_their_keys(
    program: Program,
) -> None:
    shop(program, 'S3Bucket("${A}", method="of"), S3Bucket("${B}", method="of")')
    program.forget()
    shop(
        program,
        'S3Bucket("${A}", method="of", suffix=".a"), S3Bucket("${B}", method="handle", suffix="b")',
    )


@pytest.mark.parametrize("resource", ["${Uploads.Arn}/*", "arn:aws:s3:::${Uploads}"])
def test_policy_that_would_go_in_a_circle_is_refused(program: Program, resource: str) -> None:
    policy = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}

    with pytest.raises(PlanError, match="each would have to be made before the other"):
        shop(program, 'S3Bucket("${Uploads}", method="of"),', f"policies=({policy},)")


@pytest.mark.parametrize(
    ("one", "other", "refused"),
    [
        ('SQSQueue("orders", method="of")', 'SQSQueue("orders", method="of")', "each gets a part"),
        ('SQSQueue("orders", method="of")', 'SQSQueue("other", method="of")', ""),
        ('S3Bucket("up", method="of")', 'S3Bucket("up", method="of", prefix="a")', "S3 refuses"),
        ('S3Bucket("up", method="of")', 'S3Bucket("down", method="of")', ""),
        ('S3Bucket("up", method="of", prefix="b")', 'S3Bucket("up", method="of", prefix="a")', ""),
        (
            'S3Bucket("up", method="of", suffix="xa")',
            'S3Bucket("up", method="of", suffix="a")',
            "S3",
        ),
        (
            'S3Bucket("up", method="of", events=["s3:ObjectRemoved:*"])',
            'S3Bucket("up", method="of")',
            "",
        ),
        (
            'S3Bucket("up", method="of", events=["s3:ObjectCreated:Put"])',
            'S3Bucket("up", method="of")',
            "S3 refuses",
        ),
    ],
)
def test_functions_do_not_take_each_others_events(
    program: Program,
    one: str,
    other: str,
    refused: str,
) -> None:
    first = shop(program, f"{one},", name="one", route_prefix="/one")
    program.forget()
    second = shop(program, f"{other},", name="two", route_prefix="/two")

    if not refused:
        assert len(stack_plan([first, second]).functions) == 2
        return
    with pytest.raises(PlanError, match=refused):
        stack_plan([first, second])


def test_entry_point_serves_the_events_of_its_variables(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = shop(program, 'SQSQueue("orders", method="handle"),').functions[0]
    monkeypatch.setenv("ADAPTER_EVENTS", plan.environment["ADAPTER_EVENTS"])
    handler = run(plan.entry_point)["handler"]
    record = {"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:1:orders"}

    assert handler({"Records": [{**record, "messageId": "1"}]}) == {"batchItemFailures": []}
    handler.close()
