from typing import Any

import pytest

from adapter.plan.values import Concurrency
from adapter.template.cloudformation import Ref
from adapter.template.document import describe
from adapter.template.function_resource import environment
from tests.template.golden import GOLDEN, pinned, template
from tests.template.plans import CASES, application, function, gateway, settings


@pytest.mark.parametrize("case", CASES)
def test_template_is_the_pinned_one(case: str) -> None:
    assert template(case) == pinned(case).read_text(encoding="utf-8")


def test_every_pinned_template_has_its_case() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == sorted(CASES)


def resources(*functions: Any, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = describe(application(*functions, **options), settings())["Resources"]
    return found


def test_callers_are_told_the_aliases_of_their_callees() -> None:
    plan = application(
        gateway(calls=("Model", "Other", "Elsewhere")),
        function("Model", concurrency=Concurrency(provisioned=1)),
        function("Other"),
    )

    assert environment(plan, plan.function("Gateway"))["ADAPTER_ALIASES"] == "Model:live"
    assert "ADAPTER_ALIASES" not in environment(plan, plan.function("Model"))


def test_function_without_exec_wrapper_stays_with_the_client_of_aws() -> None:
    plan = application(gateway(exec_wrapper=False))

    assert "AWS_LAMBDA_EXEC_WRAPPER" not in environment(plan, plan.functions[0])


def test_properties_that_differ_are_said_by_each_function() -> None:
    found = resources(gateway(memory_mb=512), function("Model", memory_mb=1024))

    assert found["Gateway"]["Properties"]["MemorySize"] == 512
    assert found["Model"]["Properties"]["MemorySize"] == 1024
    assert "Timeout" not in found["Model"]["Properties"]


def test_an_alias_follows_the_layers() -> None:
    found = resources(gateway(concurrency=Concurrency(provisioned=1)))

    assert found["Gateway"]["Properties"]["AutoPublishAliasAllProperties"] is True
    assert found["ApplicationLayer"]["Properties"]["PublishLambdaVersion"] is True


def test_fixed_number_of_environments_has_no_scaling_policy() -> None:
    found = resources(gateway(concurrency=Concurrency(provisioned=3, maximum=3)))

    assert found["Gateway"]["Properties"]["ReservedConcurrentExecutions"] == 3
    assert [name for name in found if name.startswith("GatewayScal")] == []


def test_application_without_http_has_no_api() -> None:
    template_data = describe(application(gateway(), route_prefix=None), settings())

    assert "HttpApi" not in template_data["Resources"]
    assert "Events" not in template_data["Resources"]["Gateway"]["Properties"]
    assert "Url" not in template_data["Outputs"]


def test_routes_are_the_prefix_and_all_below_it() -> None:
    events = resources(gateway(), route_prefix="/api")["Gateway"]["Properties"]["Events"]

    assert [event["Properties"]["Path"] for event in events.values()] == ["/api", "/api/{proxy+}"]
    assert {event["Properties"]["Method"] for event in events.values()} == {"ANY"}
    assert events["Root"]["Properties"]["ApiId"] == Ref("HttpApi")
