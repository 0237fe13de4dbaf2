from dataclasses import replace

import pytest

from adapter.check.findings import findings
from adapter.errors import InvalidOption
from adapter.template.cloudformation import Ref
from tests.check.stacks import codes, function, resource, stack
from tests.template.plans import application, gateway
from tests.template.plans import stack as several

PUBLIC_URL = function(FunctionUrlConfig={"AuthType": "NONE"}, Runtime="python3.9", FunctionName="x")


def test_errors_come_before_warnings() -> None:
    found = findings(stack(resources={"Gateway": PUBLIC_URL}))

    assert [(one.code, one.severity) for one in found] == [
        ("A103", "error"),
        ("A204", "warning"),
        ("A210", "warning"),
    ]


def test_a_finding_names_the_deployment_and_the_resource() -> None:
    plan = application(gateway(deployment="Front door"))

    [found, *_] = findings(stack(plan=plan, resources={"Gateway": PUBLIC_URL}))

    assert (found.where, found.resource) == ("Front door", "Gateway")


def test_a_deployment_of_several_applications_is_called_as_its_function() -> None:
    shop = application(replace(gateway(), name="shop-Gateway"), name="shop")
    blog = application(replace(gateway(), name="blog-Gateway", logical_id="Blog"), name="blog")

    [found, *_] = findings(
        stack(plan=several(shop, blog), resources={"Gateway": PUBLIC_URL, "Blog": function()}),
    )

    assert found.where == "shop-Gateway"


def test_a_role_of_a_deployment_is_named_as_the_deployment() -> None:
    role = resource("IAM::Role", ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])

    [found] = findings(stack(resources={"GatewayRole": role}))

    assert (found.where, found.resource) == ("Gateway", "GatewayRole")


def test_a_code_is_silenced_for_all() -> None:
    found = findings(stack(resources={"Gateway": PUBLIC_URL}), ["A103", "A204"])

    assert [one.code for one in found] == ["A210"]


def test_a_code_is_silenced_for_one_deployment() -> None:
    checked = stack(
        gateway(ignore_checks=("A103",)),
        resources={"Gateway": PUBLIC_URL, "Own": PUBLIC_URL},
    )

    assert [one.where for one in findings(checked) if one.code == "A103"] == ["Own"]


def test_a_code_is_silenced_for_a_resource_of_the_users_own() -> None:
    silent = {**PUBLIC_URL, "Metadata": {"adapter": {"ignore_checks": ["A103"]}}}

    found = findings(stack(resources={"Own": silent, "Other": PUBLIC_URL}))

    assert [one.where for one in found if one.code == "A103"] == ["Other"]


def test_a_permission_of_the_users_own_is_silenced_where_it_stands() -> None:
    door = resource("Lambda::Permission", Principal="*", FunctionName=Ref("Gateway"))
    silent = {**door, "Metadata": {"adapter": {"ignore_checks": ["A106"]}}}

    found = findings(stack(resources={"Gateway": function(), "Open": door, "Meant": silent}))

    doors = [(one.where, one.resource) for one in found if one.code == "A106"]
    assert doors == [("Gateway", "Open")]


def test_an_unknown_code_is_refused_wherever_it_is() -> None:
    with pytest.raises(
        InvalidOption, match=r"ignore in \[tool.adapter\]: there is no check 'A999'"
    ):
        findings(stack(), ["A999"])
    with pytest.raises(InvalidOption, match="Gateway: ignore_checks: there is no check 'a207'"):
        findings(stack(gateway(ignore_checks=("a207",))))
    own = {**PUBLIC_URL, "Metadata": {"adapter": {"ignore_checks": "A1"}}}
    with pytest.raises(InvalidOption, match="Own: Metadata: there is no check 'A1'"):
        findings(stack(resources={"Own": own}))


def test_an_empty_template_has_no_findings() -> None:
    assert codes(stack()) == set()
