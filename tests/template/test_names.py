import pytest

from adapter.errors import BuildError
from adapter.plan.values import ApiPlan, Concurrency, FunctionUrl
from adapter.template.names import (
    api_ids,
    check_function_names,
    check_logical_ids,
    default_stack_name,
)
from tests.template.plans import MANAGED, PROVIDER, application, function, gateway, stack


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("text_service:app", "text-service"),
        ("shop.api:app", "shop-api"),
        ("_private:app", "private"),
        ("2fast:app", "app-2fast"),
        ("shop:build size=3", "shop"),
        ("shop.yaml", "shop"),
        ("deploy/shop_eu.yml", "deploy-shop-eu"),
    ],
)
def test_stack_is_named_after_the_module_or_the_config_file(target: str, name: str) -> None:
    assert default_stack_name(target) == name


def test_function_name_too_long_behind_one_of_the_stack_names_is_refused() -> None:
    plan = application(gateway(), function("M" * 50))

    check_function_names(plan, ["s" * 13])
    with pytest.raises(BuildError, match=r"deployment 'M+': .* has 65 characters; Lambda allows"):
        check_function_names(plan, ["short", "s" * 14])


@pytest.mark.parametrize(
    "name",
    [
        *("HttpApi", "AdapterLayer", "GatewayRole", "GatewayAliaslive"),
        *("GatewayUrl", "GatewayUrlPublicPermissions", "ShutdownExtensionLayer"),
    ],
)
def test_deployment_that_takes_the_id_of_another_resource_is_refused(name: str) -> None:
    ingress = gateway(
        concurrency=Concurrency(provisioned=1),
        shutdown_extension=True,
        url=FunctionUrl(streams=True),
    )
    plan = application(ingress, function(name))

    with pytest.raises(BuildError, match=f"the CloudFormation id '{name}' is taken"):
        check_logical_ids(plan)


def test_api_of_a_named_application_carries_its_name() -> None:
    assert api_ids(application(gateway())) == {"default": "HttpApi"}
    assert api_ids(application(gateway(), name="my-shop")) == {"my-shop": "MyShopHttpApi"}
    assert api_ids(application(gateway(), route_prefix=None)) == {}


def test_applications_share_an_api_unless_their_fronts_differ() -> None:
    first = application(gateway(), api=ApiPlan(public=True))
    second = application(function("b-B", is_ingress=True), name="b", route_prefix="/b")
    same = application(
        function("b-B", is_ingress=True),
        name="b",
        route_prefix="/b",
        api=ApiPlan(public=True, chosen=True),
    )

    assert api_ids(stack(first, same)) == {"default": "HttpApi", "b": "HttpApi"}
    assert api_ids(stack(first, second)) == {"default": "HttpApi", "b": "BHttpApi"}


def test_applications_whose_names_are_one_to_cloudformation_are_refused() -> None:
    first = application(function("a-b-C", logical_id="One"), name="a-b", route_prefix="/1")
    second = application(function("a_b-C", logical_id="Two"), name="a_b", route_prefix="/2")

    with pytest.raises(BuildError, match="applications 'a-b' and 'a_b' have the same name without"):
        check_logical_ids(stack(first, second))


@pytest.mark.parametrize(
    "name",
    [
        *("GatewayLogGroup", "GatewayFailureQueue", "GatewayEventInvokeConfig"),
        *("DependenciesLayerPython312Arm64", "CapacityProvider", "CapacityProviderOperatorRole"),
    ],
)
def test_deployment_that_takes_the_id_of_what_others_ask_for_is_refused(name: str) -> None:
    ingress = gateway(new_capacity_provider=PROVIDER, capacity_provider="default", **MANAGED)

    with pytest.raises(BuildError, match=f"the CloudFormation id '{name}' is taken"):
        check_logical_ids(application(ingress, function(name)))
