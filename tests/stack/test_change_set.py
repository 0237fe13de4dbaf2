"""What CloudFormation would replace: with moto as far as it goes, then with AWS's own words."""

import copy
from typing import Any

import pytest

from adapter.errors import StackError
from adapter.stack import change_set
from adapter.stack.change_set import replacements
from tests.aws import Aws, Reply, aws, error, region, shop

__all__ = ["aws", "region"]

XML = {"content-type": "text/xml"}


def described(status: str, inside: str = "", reason: str = "") -> Reply:
    body = f"""<DescribeChangeSetResponse><DescribeChangeSetResult>
        <Status>{status}</Status><StatusReason>{reason}</StatusReason>{inside}
        </DescribeChangeSetResult></DescribeChangeSetResponse>"""
    return Reply(200, body, XML)


def member(logical_id: str, replacement: str, kind: str = "AWS::Lambda::Function") -> str:
    return f"""<member><Type>Resource</Type><ResourceChange>
        <Action>Modify</Action><LogicalResourceId>{logical_id}</LogicalResourceId>
        <ResourceType>{kind}</ResourceType><Replacement>{replacement}</Replacement>
        <Details>
          <member><Target><Attribute>Properties</Attribute><Name>PackageType</Name>
            <RequiresRecreation>Always</RequiresRecreation></Target></member>
          <member><Target><Attribute>Properties</Attribute><Name>Timeout</Name>
            <RequiresRecreation>Never</RequiresRecreation></Target></member>
        </Details></ResourceChange></member>"""


def replaced(aws: Aws, new: dict[str, Any], **options: Any) -> dict[str, tuple[str, ...]]:
    aws.create_stack("shop", shop())
    client = aws.client("cloudformation")
    through_front = type(aws)(url=aws.url, moto=aws.url).client("cloudformation")
    try:
        return replacements(through_front, "shop", shop(), new, **options)
    finally:
        assert client.list_change_sets(StackName="shop")["Summaries"] == []


def test_the_change_set_is_deleted_again(aws: Aws) -> None:
    new = shop()
    new["Resources"]["Model"]["Properties"]["Timeout"] = 5

    assert replaced(aws, new) == {}
    assert aws.asked["POST CreateChangeSet"] == aws.asked["POST DeleteChangeSet"] == 1


def test_the_properties_that_ask_for_it_are_told(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_set, "_POLL_S", 0)
    changes = [
        member("Model", "True"),
        member("Gateway", "False"),
        member("Layer", "True", "AWS::Lambda::LayerVersion"),
    ]
    aws.answers(
        "POST DescribeChangeSet",
        described("CREATE_IN_PROGRESS"),
        described(
            "CREATE_COMPLETE",
            f"<Changes>{''.join(changes)}</Changes><NextToken>2</NextToken>",
        ),
        described("CREATE_COMPLETE", f"<Changes>{member('Other', 'Conditional')}</Changes>"),
    )

    assert replaced(aws, shop()) == {"Model": ("PackageType",), "Other": ("PackageType",)}


def test_no_change_at_all_fails_there_and_is_none_here(aws: Aws) -> None:
    reason = "The submitted information didn't contain changes."
    aws.answers("POST DescribeChangeSet", described("FAILED", reason=reason))

    assert replaced(aws, shop()) == {}


def test_a_template_that_is_refused_is_an_error_with_the_reason(aws: Aws) -> None:
    aws.answers("POST DescribeChangeSet", described("FAILED", reason="Transform failed with: x"))

    with pytest.raises(StackError, match="makes no change set: Transform failed with: x"):
        replaced(aws, shop())


def test_a_change_set_that_never_comes_is_an_error(aws: Aws) -> None:
    aws.answers("POST DescribeChangeSet", described("CREATE_PENDING"))

    with pytest.raises(StackError, match="takes too long"):
        replaced(aws, shop(), wait_s=-1)


def test_who_may_make_none_is_told(aws: Aws) -> None:
    aws.answers("POST CreateChangeSet", error("AccessDenied", "not yours", 403))

    with pytest.raises(StackError, match="AWS refuses CreateChangeSet: not yours"):
        replaced(aws, shop())


def test_a_template_that_is_too_large_is_not_sent(aws: Aws) -> None:
    large = {**shop(), "Metadata": {"Text": "x" * 60_000}}

    with pytest.raises(StackError, match=r"60,\d+ bytes, and CloudFormation compares 51,200"):
        replaced(aws, large)
    assert "POST CreateChangeSet" not in aws.asked


def test_code_is_where_the_deployed_template_has_it() -> None:
    local = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "functions/model/"}}
    there = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "s3://bucket/key"}}

    sent = change_set._with_code(
        {"Resources": {"Model": there}},
        {"Resources": {"Model": local, "New": copy.deepcopy(local)}},
    )

    assert sent["Resources"]["Model"]["Properties"]["CodeUri"] == "s3://bucket/key"
    assert sent["Resources"]["New"]["Properties"]["CodeUri"].startswith("s3://")
    assert local["Properties"] == {"CodeUri": "functions/model/"}
