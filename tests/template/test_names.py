import pytest

from adapter.errors import BuildError
from adapter.plan.values import Concurrency, FunctionUrl
from adapter.template.names import (
    api_id,
    check_function_names,
    check_logical_ids,
    default_stack_name,
)
from tests.template.plans import application, function, gateway


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
    assert api_id(application(gateway())) == "HttpApi"
    assert api_id(application(gateway(), name="my-shop")) == "MyShopHttpApi"
