from typing import Any

import pytest

from adapter.plan.values import Concurrency, FunctionPlan, FunctionUrl
from adapter.template.cloudformation import Ref, Sub
from adapter.template.document import describe
from tests.template.plans import application, function, gateway, settings

PROVIDER = "arn:aws:lambda:eu-central-1:123456789012:capacity-provider:models"
ON_MANAGED = Concurrency(provisioned=1, maximum=4, managed=True)


def properties(planned: FunctionPlan) -> dict[str, Any]:
    template = describe(application(gateway(), planned), settings())
    found: dict[str, Any] = template["Resources"][planned.logical_id]["Properties"]
    return found


def outputs(planned: FunctionPlan, **options: Any) -> dict[str, Any]:
    template = describe(application(planned, **options), settings())
    return {name: output["Value"] for name, output in template["Outputs"].items()}


@pytest.mark.parametrize(
    ("url", "config"),
    [
        (FunctionUrl(streams=True), {"AuthType": "AWS_IAM", "InvokeMode": "RESPONSE_STREAM"}),
        (FunctionUrl(streams=False), {"AuthType": "AWS_IAM", "InvokeMode": "BUFFERED"}),
        (
            FunctionUrl(streams=True, public=True),
            {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"},
        ),
    ],
)
def test_function_url_is_signed_unless_it_is_public(  # R11
    url: FunctionUrl,
    config: dict[str, str],
) -> None:
    assert properties(function("Model", url=url))["FunctionUrlConfig"] == config


def test_function_without_a_url_has_none() -> None:
    assert "FunctionUrlConfig" not in properties(function("Model"))
    assert "ModelUrl" not in outputs(function("Model"))


@pytest.mark.parametrize(
    ("prefix", "ingress", "expected"),
    [
        ("/", True, "${ModelUrl.FunctionUrl}"),
        ("/shop/v1", True, "${ModelUrl.FunctionUrl}shop/v1"),
        (None, True, "${ModelUrl.FunctionUrl}"),
        ("/shop/v1", False, "${ModelUrl.FunctionUrl}"),
    ],
)
def test_function_url_is_an_output_with_the_prefix_of_the_application(
    *,
    prefix: str | None,
    ingress: bool,
    expected: str,
) -> None:
    planned = function("Model", is_ingress=ingress, url=FunctionUrl(streams=True))

    assert outputs(planned, route_prefix=prefix)["ModelUrl"] == Sub(expected)


def test_output_names_the_alias_where_environments_are_warm() -> None:
    warm = function("Model", concurrency=Concurrency(provisioned=1))

    assert outputs(warm)["ModelFunction"] == Sub("${Model}:live")
    assert outputs(function("Model"))["ModelFunction"] == Ref("Model")


def test_managed_instances_have_their_own_words_for_concurrency() -> None:
    found = properties(
        function(
            "Model",
            capacity_provider=PROVIDER,
            concurrency=ON_MANAGED,
            max_concurrency=16,
        ),
    )

    assert found["CapacityProviderConfig"] == {
        "Arn": PROVIDER,
        "PerExecutionEnvironmentMaxConcurrency": 16,
    }
    assert found["FunctionScalingConfig"] == {
        "MinExecutionEnvironments": 1,
        "MaxExecutionEnvironments": 4,
    }
    assert found["AutoPublishAlias"] == "live"
    assert found["LoggingConfig"]["LogFormat"] == "JSON"
    assert not {"ProvisionedConcurrencyConfig", "ReservedConcurrentExecutions"} & found.keys()


def test_capacity_provider_may_be_named_without_its_account() -> None:
    found = properties(
        function("Model", capacity_provider="models", concurrency=ON_MANAGED),
    )

    assert found["CapacityProviderConfig"]["Arn"] == Sub(
        "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:capacity-provider:models",
    )


def test_application_auto_scaling_leaves_managed_instances_alone() -> None:
    planned = function("Model", capacity_provider="models", concurrency=ON_MANAGED)

    resources = describe(application(planned), settings())["Resources"]

    assert [name for name in resources if "Scal" in name] == []


def test_only_a_function_that_asks_gets_the_shutdown_extension() -> None:
    template = describe(
        application(gateway(), function("Model", shutdown_extension=True)),
        settings(),
    )

    resources = template["Resources"]
    assert resources["Model"]["Properties"]["Layers"] == [Ref("ShutdownExtensionLayer")]
    assert "Layers" not in resources["Gateway"]["Properties"]
    assert resources["ShutdownExtensionLayer"]["Properties"]["ContentUri"] == (
        "layers/shutdown-extension/"
    )
    assert "Metadata" not in resources["ShutdownExtensionLayer"]  # SAM would move it below python/


def test_no_function_asks_no_layer_is_there() -> None:
    assert "ShutdownExtensionLayer" not in describe(application(gateway()), settings())["Resources"]
