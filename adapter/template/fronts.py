"""How HTTP reaches the applications of a stack: API Gateway's part of the template."""

from collections.abc import Iterator
from typing import Any

from adapter.plan.values import ApiPlan, ApplicationPlan, FunctionPlan, StackPlan
from adapter.serve.cors import Cors
from adapter.template.cloudformation import Ref, Sub
from adapter.template.names import REST_STAGE, api_ids, application_id


def front_resources(stack: StackPlan) -> dict[str, Any]:
    """Return the APIs, by logical id."""
    ids = api_ids(stack)
    fronts = {ids[plan.name]: plan.front for plan in stack.applications if plan.front is not None}
    return {
        logical_id: _rest_api(front) if front.kind == "rest" else _http_api(front)
        for logical_id, front in fronts.items()
    }


def public_apis(stack: StackPlan) -> frozenset[str]:
    """Return the logical ids of the APIs that anybody may call, because somebody has said so."""
    ids = api_ids(stack)
    return frozenset(
        ids[plan.name]
        for plan in stack.applications
        if plan.front is not None and plan.front.public
    )


def front_outputs(stack: StackPlan) -> dict[str, Any]:
    """Return where HTTP reaches the applications."""
    ids = api_ids(stack)
    return {
        f"{application_id(plan)}Url": {
            "Description": _description(plan, stack),
            "Value": Sub(_address(ids[plan.name], plan.front) + str(plan.route_prefix)),
        }
        for plan in stack.applications
        if plan.front is not None
    }


def front_notes(stack: StackPlan) -> Iterator[str]:
    """Say what browsers will meet that the user may not expect."""
    for plan in stack.applications:
        if plan.own_cors and plan.front is not None and not plan.front.public:
            yield (
                f"{plan.function(plan.ingress).deployment}: CORSMiddleware answers browsers, but "
                "what they ask first (a preflight) is not signed, and the API refuses it. Call it "
                "public, or let an HTTP API answer with LambdaOptions(cors=...) instead."
            )


def front_events(stack: StackPlan, function: FunctionPlan) -> dict[str, Any]:
    """Return the events that bring HTTP to the ingress of an application.

    Of several routes that fit API Gateway takes the most specific one, so the longest prefix wins.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """
    plan = stack.application(function.application)
    if not function.is_ingress or plan.front is None:
        return {}
    prefix = str(plan.route_prefix).rstrip("/")
    # {proxy+} does not match the prefix itself.
    paths = {"Root": prefix or "/", "Proxy": f"{prefix}/{{proxy+}}"}
    api = Ref(api_ids(stack)[plan.name])
    if plan.front.kind == "rest":
        events = {name: _rest_event(api, path, function) for name, path in paths.items()}
    else:
        events = {name: _http_event(api, path) for name, path in paths.items()}
        if plan.front.cors is not None and not plan.front.public:
            events |= {f"{name}Preflight": _preflight(api, path) for name, path in paths.items()}
    return {"Events": events}


def url_property(function: FunctionPlan) -> dict[str, Any]:
    """Return the function URL. SAM adds the two permissions that a public one needs.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    if function.url is None:
        return {}
    config: dict[str, Any] = {
        "AuthType": "NONE" if function.url.public else "AWS_IAM",
        "InvokeMode": "RESPONSE_STREAM" if function.url.streams else "BUFFERED",
    }
    if function.url.cors is not None:
        config["Cors"] = _cors(function.url.cors)
    return {"FunctionUrlConfig": config}


def _http_api(front: ApiPlan) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if not front.public:
        properties["Auth"] = {"EnableIamAuthorizer": True, "DefaultAuthorizer": "AWS_IAM"}
    if front.cors is not None:
        properties["CorsConfiguration"] = _cors(front.cors)
    resource = {"Type": "AWS::Serverless::HttpApi"}
    return {**resource, "Properties": properties} if properties else resource


def _rest_api(front: ApiPlan) -> dict[str, Any]:
    """Return a REST API. Edge-optimized ones, SAM's default, cut streams after 30 s of silence.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html
    """
    properties: dict[str, Any] = {
        "StageName": REST_STAGE,
        "OpenApiVersion": "3.0.1",  # without it SAM makes a second stage, called Stage
        "EndpointConfiguration": {"Type": "REGIONAL"},
        "BinaryMediaTypes": ["*/*"],  # what is no text breaks otherwise
    }
    if not front.public:
        # NONE: the function is invoked by the API's permission, not as the caller.
        properties["Auth"] = {"DefaultAuthorizer": "AWS_IAM", "InvokeRole": "NONE"}
    return {"Type": "AWS::Serverless::Api", "Properties": properties}


def _cors(cors: Cors) -> dict[str, Any]:
    """Return what HTTP APIs and function URLs alike call CORS."""
    lists = {
        "AllowOrigins": cors.allow_origins,
        "AllowMethods": cors.allow_methods,
        "AllowHeaders": cors.allow_headers,
        "ExposeHeaders": cors.expose_headers,
    }
    properties: dict[str, Any] = {name: list(value) for name, value in lists.items() if value}
    properties["MaxAge"] = cors.max_age_s
    return {**properties, "AllowCredentials": True} if cors.allow_credentials else properties


def _http_event(api: Ref, path: str, method: str = "ANY") -> dict[str, Any]:
    properties = {"ApiId": api, "Method": method, "Path": path, "PayloadFormatVersion": "2.0"}
    return {"Type": "HttpApi", "Properties": properties}


def _preflight(api: Ref, path: str) -> dict[str, Any]:
    """Return a route for what browsers ask first, unsigned; the function answers that itself.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
    """
    event = _http_event(api, path, "OPTIONS")
    event["Properties"]["Auth"] = {"Authorizer": "NONE"}
    return event


def _rest_event(api: Ref, path: str, function: FunctionPlan) -> dict[str, Any]:
    properties = {
        "RestApiId": api,
        "Method": "ANY",
        "Path": path,
        "ResponseTransferMode": "RESPONSE_STREAM",
        "TimeoutInMillis": function.timeout_s * 1000,
    }
    return {"Type": "Api", "Properties": properties}


def _address(api_id: str, front: ApiPlan | None) -> str:
    if front is not None and front.kind == "rest":
        return (
            f"https://${{{api_id}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{REST_STAGE}"
        )
    return f"${{{api_id}.ApiEndpoint}}"


def _description(plan: ApplicationPlan, stack: StackPlan) -> str:
    alone = len(stack.applications) == 1
    what = stack.target if alone else f"application {plan.name} of {stack.target}"
    signed = "" if plan.front is not None and plan.front.public else ", for signed requests"
    return f"Where HTTP reaches {what}{signed}"
