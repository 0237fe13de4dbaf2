"""What the SAM transform makes of subscriptions: who invokes what, and with whose permission."""

import json
import re
from typing import Any

import pytest

from tests.e2e.sam import sam
from tests.e2e.transform import transform
from tests.template.golden import pinned

pytestmark = [pytest.mark.sam, pytest.mark.timeout(300)]

ALIAS = {"Ref": "ModelAliaslive"}


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    return transform(pinned("events").read_text())


def properties(resources: dict[str, Any], name: str) -> Any:
    return resources[name]["Properties"]


def test_template_passes_the_linter() -> None:
    folder = pinned("events").parent

    assert sam("validate", "--lint", folder=folder).strip().endswith("is a valid SAM Template")


def test_schedules_invoke_the_alias_as_a_role_that_may_do_nothing_else(
    resources: dict[str, Any],
) -> None:
    schedule = properties(resources, "ModelRefreshSchedule")
    [policy] = properties(resources, "ModelRefreshScheduleRole")["Policies"]

    assert schedule["Target"]["Arn"] == ALIAS
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert json.loads(schedule["Target"]["Input"]) == {"method": "refresh", "event": {"depth": 2}}
    assert policy["PolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ALIAS},
    ]


def test_schedules_of_two_stacks_do_not_share_a_name(resources: dict[str, Any]) -> None:
    assert "Name" not in properties(resources, "GatewayRefreshSchedule")


def test_schedule_without_input_sends_an_event_with_its_time(resources: dict[str, Any]) -> None:
    text = properties(resources, "GatewayRefreshSchedule")["Target"]["Input"]["Fn::Sub"]
    sent = json.loads(text)

    assert sent["method"] == "refresh"
    assert sent["event"]["time"] == "<aws.scheduler.scheduled-time>"


def test_queues_report_which_messages_failed(resources: dict[str, Any]) -> None:
    found = {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::EventSourceMapping"
    }

    assert len(found) == 4
    for mapping in found.values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    model = found["ModelHandleMessages"]
    assert model["FunctionName"] == ALIAS
    assert model["EventSourceArn"] == {"Fn::GetAtt": ["OrdersQueue", "Arn"]}
    assert model["ScalingConfig"] == {"MaximumConcurrency": 4}


def test_rule_wraps_its_events_and_is_all_that_may_invoke_for_itself(
    resources: dict[str, Any],
) -> None:
    [target] = properties(resources, "ModelPaidRule")["Targets"]
    permission = properties(resources, "ModelPaidRulePermission")

    assert target["Arn"] == ALIAS
    filled_in = target["InputTransformer"]["InputTemplate"].replace("<aws.events.event.json>", "{}")
    assert json.loads(filled_in) == {"method": "paid", "event": {}}
    assert permission["SourceArn"] == {"Fn::GetAtt": ["ModelPaidRule", "Arn"]}
    assert permission["FunctionName"] == ALIAS


@pytest.mark.parametrize(
    ("bucket", "permissions"),
    [
        ("UploadsBucket", {"ModelUploadedObjectsPermission", "ModelRemovedObjectsPermission"}),
        ("Archive", {"OrderedArchivedObjectsPermission"}),
    ],
)
def test_buckets_of_this_account_may_invoke_before_they_are_made(
    resources: dict[str, Any],
    bucket: str,
    permissions: set[str],
) -> None:
    assert set(resources[bucket]["DependsOn"]) == permissions
    for name in permissions:
        permission = properties(resources, name)
        assert permission["Principal"] == "s3.amazonaws.com"
        assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_nothing_that_buckets_need_needs_the_buckets(resources: dict[str, Any]) -> None:
    for bucket in ("UploadsBucket", "Archive"):
        needed, seen = [bucket], set[str]()
        while needed:
            name = needed.pop()
            for other in _references(resources[name]) & resources.keys() - seen:
                assert other != bucket
                seen.add(other)
                needed.append(other)


def _references(value: Any) -> set[str]:
    """Return the ids that a part of a template refers to."""
    if isinstance(value, list):
        return {name for item in value for name in _references(item)}
    if not isinstance(value, dict):
        return set()
    found = {name for item in value.values() for name in _references(item)}
    if isinstance(name := value.get("Ref"), str):
        found.add(name)
    found.update(re.findall(r"\$\{(\w+)", str(value.get("Fn::Sub", ""))))
    if isinstance(attribute := value.get("Fn::GetAtt"), list):
        found.add(attribute[0])
    depends: Any = value.get("DependsOn", [])
    return found | set([depends] if isinstance(depends, str) else depends)
