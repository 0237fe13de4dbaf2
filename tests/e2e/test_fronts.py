"""What CloudFormation gets to see of APIs, URLs and the user's own resources."""

from typing import Any

import pytest

from tests.e2e.transform import transform
from tests.template.golden import pinned

pytestmark = [pytest.mark.sam, pytest.mark.timeout(300)]


def resources(case: str) -> dict[str, Any]:
    return transform(pinned(case).read_text())


def methods(api: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Return the methods of an API, by path and method."""
    paths = api["Properties"]["Body"]["paths"].items()
    short = "x-amazon-apigateway-any-method"
    return {
        (path, "any" if name == short else name): method
        for path, found in paths
        for name, method in found.items()
    }


def uri(method: dict[str, Any]) -> str:
    found: str = method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    return found


def permissions(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["Properties"] for one in found.values() if one["Type"] == "AWS::Lambda::Permission"]


def test_every_route_of_a_private_api_asks_for_a_signature() -> None:  # R11
    api = resources("private_api")["HttpApi"]

    routes = methods(api)
    assert routes.keys() == {("/", "any"), ("/{proxy+}", "any")}
    assert [route["security"] for route in routes.values()] == [[{"AWS_IAM": []}]] * 2
    schemes = api["Properties"]["Body"]["components"]["securitySchemes"]
    assert schemes["AWS_IAM"]["x-amazon-apigateway-authtype"] == "awsSigv4"


def test_a_public_api_asks_for_none() -> None:
    assert all(
        "security" not in route for route in methods(resources("one_function")["HttpApi"]).values()
    )


def test_browsers_may_ask_a_private_api_without_a_signature() -> None:
    api = resources("cors")["HttpApi"]

    routes = methods(api)
    assert {key: route["security"] for key, route in routes.items()} == {
        ("/", "any"): [{"AWS_IAM": []}],
        ("/", "options"): [{"NONE": []}],
        ("/{proxy+}", "any"): [{"AWS_IAM": []}],
        ("/{proxy+}", "options"): [{"NONE": []}],
    }
    assert api["Properties"]["Body"]["x-amazon-apigateway-cors"] == {
        "allowOrigins": ["https://shop.example"],
        "allowMethods": ["GET", "POST"],
        "allowHeaders": ["authorization", "content-type"],
        "exposeHeaders": ["x-request-id"],
        "maxAge": 3600,
        "allowCredentials": True,
    }


def test_api_and_url_answer_browsers_alike() -> None:
    found = resources("cors")

    cors = found["HttpApi"]["Properties"]["Body"]["x-amazon-apigateway-cors"]
    url = found["GatewayUrl"]["Properties"]["Cors"]
    assert {name[0].lower() + name[1:]: value for name, value in url.items()} == cors


def test_a_rest_api_streams_from_the_alias() -> None:
    found = resources("rest_streaming")

    routes = methods(found["RestApi"])
    assert routes.keys() == {("/shop", "any"), ("/shop/{proxy+}", "any")}
    for route in routes.values():
        integration = route["x-amazon-apigateway-integration"]
        assert integration["responseTransferMode"] == "STREAM"
        assert integration["timeoutInMillis"] == 120_000
        assert uri(route).endswith(
            "lambda:path/2021-11-15/functions/${GatewayAliaslive}/response-streaming-invocations",
        )
        assert route["security"] == [{"AWS_IAM": []}]
    assert {one["FunctionName"]["Ref"] for one in permissions(found)} == {"GatewayAliaslive"}
    body = found["RestApi"]["Properties"]["Body"]
    assert body["x-amazon-apigateway-binary-media-types"] == ["*/*"]
    assert found["RestApi"]["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    stages = [one for one in found.values() if one["Type"] == "AWS::ApiGateway::Stage"]
    assert [stage["Properties"]["StageName"] for stage in stages] == ["live"]


def test_the_function_of_a_rest_api_is_told_to_stream_there() -> None:
    [variables] = [
        one["Properties"]["Environment"]["Variables"]
        for one in resources("rest_streaming").values()
        if one["Type"] == "AWS::Lambda::Function"
    ]

    assert variables["ADAPTER_STREAMS"] == "rest"


def test_applications_of_a_stack_share_an_api_by_their_prefixes() -> None:
    found = resources("several_applications")

    routes = methods(found["HttpApi"])
    targets = {key[0]: uri(route).partition("functions/")[2] for key, route in routes.items()}
    assert targets == {
        "/": "${Gateway.Arn}/invocations",
        "/{proxy+}": "${Gateway.Arn}/invocations",
        "/billing": "${BillingPricesAliaslive}/invocations",
        "/billing/{proxy+}": "${BillingPricesAliaslive}/invocations",
    }
    apis = [name for name, one in found.items() if one["Type"] == "AWS::ApiGatewayV2::Api"]
    assert apis == ["HttpApi"]


@pytest.mark.parametrize("caller", ["Gateway", "JobsNightly"])
def test_a_handle_to_another_application_is_one_permission(caller: str) -> None:  # R12
    role = resources("several_applications")[f"{caller}Role"]["Properties"]

    allowed = {
        resource["Fn::Sub"].rpartition("function:")[2]
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
        for resource in statement["Resource"]
    }
    assert allowed == {
        "${AWS::StackName}-billing-Prices",
        "${AWS::StackName}-billing-Prices:live",
    }


def test_applications_whose_fronts_differ_have_each_its_own() -> None:
    found = resources("several_fronts")

    kinds = {name: one["Type"] for name, one in found.items() if one["Type"].endswith("Api")}
    assert kinds == {
        "HttpApi": "AWS::ApiGatewayV2::Api",
        "ChatRestApi": "AWS::ApiGateway::RestApi",
    }
    assert {path for path, _ in methods(found["ChatRestApi"])} == {"/chat", "/chat/{proxy+}"}
    assert found["RawGatewayUrl"]["Properties"]["AuthType"] == "AWS_IAM"
    assert {one["FunctionName"]["Ref"] for one in permissions(found)} == {"Gateway", "ChatGateway"}


def test_resources_of_the_users_own_refer_to_ours() -> None:
    found = resources("own_resources")

    assert found["DomainMapping"] == {
        "Type": "AWS::ApiGatewayV2::ApiMapping",
        "Condition": "HasDomain",
        "Properties": {
            "ApiId": {"Ref": "HttpApi"},
            "DomainName": {"Ref": "Domain"},
            "Stage": {"Ref": "HttpApiApiGatewayDefaultStage"},
        },
    }
    assert found["Orders"]["Properties"]["TableName"] == {"Fn::Sub": "${AWS::StackName}-orders"}
