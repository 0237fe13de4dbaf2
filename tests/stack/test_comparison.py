from typing import Any

import pytest

from adapter.stack.comparison import compare
from adapter.template.cloudformation import read_template
from tests.stack.templates import changed, function, invoke, lines, route, template
from tests.template.golden import pinned
from tests.template.plans import CASES

SHOP = template(Gateway=function("Gateway", Policies=[invoke("Prices")]), Prices=function("Prices"))


def compared(old: dict[str, Any], new: dict[str, Any], **options: Any) -> list[str]:
    return lines(compare(old, new, **options))


def test_no_stack_at_all_is_an_empty_template() -> None:
    assert compared({}, SHOP) == ["+ Gateway: new function", "+ Prices: new function"]
    assert compared(SHOP, {}) == ["- Gateway: function removed", "- Prices: function removed"]


@pytest.mark.parametrize("case", CASES)
def test_a_built_template_does_not_differ_from_itself(case: str) -> None:
    built = read_template(pinned(case).read_text())

    assert not compare(built, built)
    assert compare({}, built).changes


def test_where_the_code_was_uploaded_to_is_no_change() -> None:
    deployed = changed(SHOP, Gateway={"CodeUri": "s3://bucket/shop/0f3a"})
    deployed["Resources"]["Gateway"]["Metadata"] = {"SamResourceId": "Gateway"}

    assert not compare(deployed, SHOP)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            {"ReservedConcurrentExecutions": 10},
            {"ReservedConcurrentExecutions": 20},
            "reserved concurrency 10 → 20",
        ),
        ({}, {"MemorySize": 1024}, "memory MB none → 1024"),
        (
            {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 2}},
            {"ProvisionedConcurrencyConfig": None},
            "provisioned concurrency 2 → none",
        ),
        (
            {"FunctionUrlConfig": {"AuthType": "NONE", "InvokeMode": "BUFFERED"}},
            {"FunctionUrlConfig": {"AuthType": "AWS_IAM", "InvokeMode": "BUFFERED"}},
            "function URL's authorization NONE → AWS_IAM",
        ),
        ({"Layers": [{"Ref": "A"}]}, {"Layers": [{"Ref": "B"}]}, "Layers ${A} → ${B}"),
        ({"Timeout": {"Ref": "T"}}, {"Timeout": 30}, "timeout s ${T} → 30"),
    ],
)
def test_a_setting_is_told_in_words(old: Any, new: Any, said: str) -> None:
    before, after = changed(SHOP, Prices=old), changed(SHOP, Prices=new)

    assert f"~ Prices: {said}" in compared(before, after)


def test_the_values_of_variables_are_not_shown() -> None:
    old = changed(SHOP, Prices={"Environment": {"Variables": {"KEY": "hunter2", "A": "1"}}})
    new = changed(SHOP, Prices={"Environment": {"Variables": {"KEY": "hunter3", "B": "1"}}})

    assert compared(old, new) == [
        "~ Prices: variable KEY changed",
        "~ Prices: variable A removed",
        "~ Prices: variable B added",
    ]
    assert compared(SHOP, new) == ["~ Prices: variables B, KEY added"]


def test_a_setting_may_move_to_globals() -> None:
    old = changed(SHOP, Gateway={"Timeout": 30}, Prices={"Timeout": 30})
    new = {**SHOP, "Globals": {"Function": {"Timeout": 30}}}

    assert not compare(old, new)


def test_globals_are_merged_as_sam_does() -> None:
    shared = {"Layers": [1], "Environment": {"Variables": {"A": "1"}}, "Timeout": 3}
    own = {"Layers": [2], "Environment": {"Variables": {"B": "2"}}, "Timeout": 5}
    both = {
        "Layers": [1, 2],
        "Environment": {"Variables": {"A": "1", "B": "2"}},
        "Timeout": 5,
    }
    old = template(Prices=function("Prices", **both))
    new = {**template(Prices=function("Prices", **own)), "Globals": {"Function": shared}}

    assert not compare(old, new)


def test_a_role_and_a_log_group_come_and_go_with_their_function() -> None:
    new = template(
        Prices=function(
            "Prices",
            Role={"Fn::GetAtt": ["PricesRole", "Arn"]},
            LoggingConfig={"LogGroup": {"Ref": "PricesLogGroup"}},
        ),
        PricesRole={"Type": "AWS::IAM::Role"},
        PricesLogGroup={"Type": "AWS::Logs::LogGroup"},
    )
    new["Outputs"] = {"PricesFunction": {"Value": {"Ref": "Prices"}}, "Other": {"Value": "x"}}

    assert compared({}, new) == ["+ Prices: new function", "+ Other: new output"]
    assert compared(new, {}) == ["- Prices: function removed", "- Other: output removed"]
    assert compared(template(Prices=new["Resources"]["Prices"]), new)[:2] == [
        "+ PricesRole: new role",
        "+ PricesLogGroup: new log group",
    ]


def test_another_name_or_type_replaces() -> None:
    other_name = changed(SHOP, Prices={"FunctionName": {"Fn::Sub": "${AWS::StackName}-Costs"}})
    other_type = {"Resources": {**SHOP["Resources"], "Prices": {"Type": "AWS::SQS::Queue"}}}

    assert compared(SHOP, other_name) == ["± Costs: was called Prices"]
    assert compared(SHOP, other_type) == [
        "± Prices: AWS::Serverless::Function → AWS::SQS::Queue",
    ]


def test_what_cloudformation_would_replace_is_told_with_the_reason() -> None:
    new = changed(SHOP, Prices={"PackageType": "Image"})

    assert compared(SHOP, new, replaced={"Prices": ["PackageType"]}) == [
        "± Prices: is replaced, because of PackageType",
        "~ Prices: PackageType none → Image",
    ]


def test_what_is_no_longer_allowed_is_told_too() -> None:
    new = changed(SHOP, Gateway={"Policies": []})

    assert compared(SHOP, new) == ["~ Gateway: may no longer invoke Prices"]
    assert compare(SHOP, new).access == ()


def test_a_denial_that_comes_with_its_resource_needs_no_word() -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    policy = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"PolicyDocument": {"Statement": [statement]}},
    }

    assert compared({}, template(Policy=policy)) == ["+ Policy: new AWS::S3::BucketPolicy"]
    silent = template(Policy={**policy, "Properties": {}})
    assert compared(silent, template(Policy=policy)) == ["~ anybody: is now denied s3:* on *"]


def test_sections_are_compared_by_name() -> None:
    old = {**SHOP, "Parameters": {"A": {"Type": "String"}, "B": {"Type": "String"}}}
    new = {**SHOP, "Parameters": {"A": {"Type": "Number"}, "C": {"Type": "String"}}}

    assert compared(old, new) == [
        "~ A: parameter changed",
        "- B: parameter removed",
        "+ C: new parameter",
    ]


def test_attributes_of_resources_are_compared_but_not_their_order() -> None:
    new = changed(SHOP)
    new["Resources"]["Prices"] |= {"DeletionPolicy": "Retain", "DependsOn": "Gateway"}

    assert compared(SHOP, new) == ["~ Prices: DeletionPolicy none → Retain"]


def test_a_private_route_that_goes_with_its_api_was_never_anybodys() -> None:
    api = {
        "Type": "AWS::Serverless::HttpApi",
        "Properties": {"Auth": {"DefaultAuthorizer": "AWS_IAM"}},
    }
    before = template(HttpApi=api, Shop=function("Shop", Events={"Root": route()}))
    after = template(Shop=function("Shop"))

    assert not any("anybody" in line for line in compared(before, after))
