from typing import Any

from adapter.plan.values import ApiPlan, FunctionUrl
from adapter.serve import Cors
from adapter.template.cloudformation import Ref
from adapter.template.fronts import (
    front_events,
    front_notes,
    front_outputs,
    front_resources,
    public_apis,
    url_property,
)
from tests.template.plans import application, function, gateway, stack

CORS = Cors(allow_origins=("*",))


def events(*functions: Any, **options: Any) -> dict[str, Any]:
    plan = application(*functions, **options)
    found: dict[str, Any] = front_events(plan, plan.functions[0])["Events"]
    return {name: event["Properties"] for name, event in found.items()}


def test_an_http_api_asks_for_signed_requests_unless_it_is_public() -> None:  # R11
    [private] = front_resources(application(gateway())).values()
    [public] = front_resources(application(gateway(), api=ApiPlan(public=True))).values()

    assert private["Properties"]["Auth"] == {
        "EnableIamAuthorizer": True,
        "DefaultAuthorizer": "AWS_IAM",
    }
    assert public == {"Type": "AWS::Serverless::HttpApi"}


def test_a_rest_api_asks_for_signed_requests_unless_it_is_public() -> None:  # R11
    [private] = front_resources(application(gateway(), api=ApiPlan(kind="rest"))).values()
    [public] = front_resources(
        application(gateway(), api=ApiPlan(kind="rest", public=True)),
    ).values()

    assert private["Properties"]["Auth"] == {"DefaultAuthorizer": "AWS_IAM", "InvokeRole": "NONE"}
    assert "Auth" not in public["Properties"]
    assert public["Properties"]["EndpointConfiguration"] == {"Type": "REGIONAL"}
    assert public["Properties"]["BinaryMediaTypes"] == ["*/*"]


def test_routes_of_a_rest_api_stream_as_long_as_the_function_may_run() -> None:
    found = events(gateway(timeout_s=120), route_prefix="/shop", api=ApiPlan(kind="rest"))

    assert [event["Path"] for event in found.values()] == ["/shop", "/shop/{proxy+}"]
    assert {event["ResponseTransferMode"] for event in found.values()} == {"RESPONSE_STREAM"}
    assert {event["TimeoutInMillis"] for event in found.values()} == {120_000}
    assert found["Root"]["RestApiId"] == Ref("RestApi")


def test_what_browsers_ask_first_needs_no_signature() -> None:
    found = events(gateway(), api=ApiPlan(cors=CORS))

    unsigned = {name: event for name, event in found.items() if "Auth" in event}
    assert unsigned.keys() == {"RootPreflight", "ProxyPreflight"}
    assert {event["Method"] for event in unsigned.values()} == {"OPTIONS"}
    assert {event["Auth"]["Authorizer"] for event in unsigned.values()} == {"NONE"}


def test_without_cors_or_in_public_every_route_is_alike() -> None:
    assert events(gateway()).keys() == {"Root", "Proxy"}
    assert events(gateway(), api=ApiPlan(public=True, cors=CORS)).keys() == {"Root", "Proxy"}


def test_cors_says_what_there_is_to_say() -> None:
    url = FunctionUrl(streams=True, cors=CORS)

    assert url_property(gateway(url=url))["FunctionUrlConfig"]["Cors"] == {
        "AllowOrigins": ["*"],
        "AllowMethods": ["*"],
        "AllowHeaders": ["*"],
        "MaxAge": 600,
    }


def test_addresses_say_who_may_call() -> None:
    private = front_outputs(application(gateway(), route_prefix="/a"))["Url"]
    rest = front_outputs(application(gateway(), api=ApiPlan(kind="rest", public=True)))["Url"]

    assert private["Description"] == "Where HTTP reaches shop:app, for signed requests"
    assert private["Value"].text == "${HttpApi.ApiEndpoint}/a"
    assert rest["Description"] == "Where HTTP reaches shop:app"
    assert rest["Value"].text == (
        "https://${RestApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live/"
    )


def test_an_application_without_an_api_has_its_urls_only() -> None:
    plan = application(gateway(), api=None)

    assert front_resources(plan) == {}
    assert front_outputs(plan) == {}
    assert front_events(plan, plan.functions[0]) == {}


def test_only_what_is_called_public_is() -> None:
    first = application(gateway(), api=ApiPlan(public=True))
    second = application(function("b-B", is_ingress=True), name="b", route_prefix="/b")

    assert public_apis(stack(first, second)) == {"HttpApi"}
    assert public_apis(second) == frozenset()


def test_a_private_api_refuses_what_a_middleware_would_answer() -> None:
    [note] = front_notes(application(gateway(), own_cors=True))

    assert note.startswith("Gateway: CORSMiddleware answers browsers, but what they ask first (a p")
    assert not list(front_notes(application(gateway(), own_cors=True, api=ApiPlan(public=True))))
    assert not list(front_notes(application(gateway())))
