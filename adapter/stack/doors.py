"""What lets requests and events into functions: URLs, routes, permissions, events."""

from collections.abc import Iterator, Mapping
from typing import Any

from adapter.stack.grant import Grant
from adapter.stack.resources import SERVERLESS_FUNCTION, Resource, Resources, shown

# https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventsource.html
_API_EVENTS = {"Api": "RestApiId", "HttpApi": "ApiId"}
_POLLED = ("DocumentDB", "DynamoDB", "Kinesis", "MQ", "MSK", "SelfManagedKafka", "SQS")


def door_grants(resource: Resource, resources: Resources) -> Iterator[Grant]:
    """Yield who may get into functions through a resource."""
    match resource.type:
        case "AWS::Serverless::Function":
            yield from _function_url(resource)
            yield from _events(resource, resources)
        case "AWS::Lambda::Url":
            yield from _url(resource, resources)
        case "AWS::Lambda::Permission" | "AWS::Lambda::LayerVersionPermission":
            yield _permission(resource, resources)
        case "AWS::S3::Bucket":
            yield from _public_access(resource)
    for what in _open_to_anybody(resource, resources):
        yield Grant("anybody", "call", what)


def _open_to_anybody(resource: Resource, resources: Resources) -> Iterator[str]:
    """Yield what an API leaves open; the routes in the events of functions are told there."""
    match resource.type:
        case "AWS::ApiGatewayV2::Route" | "AWS::ApiGateway::Method":
            if _is_open_route(resource, resources):
                yield _raw_route(resource)
        case "AWS::Serverless::WebSocketApi":
            if _socket_authorizer(resource) is None:
                yield _socket(resource)
        case "AWS::ApiGatewayV2::Api" if "Target" in resource.properties:  # makes a route of it
            yield f"every path of {resource.logical_id}"


def authorizers(template: Mapping[str, Any]) -> dict[str, str]:
    """Return what lets a request through, by route; routes that are open to anybody are left out.

    A route that has changed from one authorizer to another is open to other people than before.
    """
    resources = Resources(template)
    return {
        route: authorizer
        for resource in resources
        for route, authorizer in _routes(resource, resources)
        if authorizer is not None
    }


def _public_access(bucket: Resource) -> Iterator[Grant]:
    """Yield that a bucket can never be made public, where all four ways are blocked."""
    blocked = bucket.properties.get("PublicAccessBlockConfiguration") or {}
    if len(blocked) == 4 and all(value is True for value in blocked.values()):
        yield Grant("anybody", "public access to", bucket.logical_id, denied=True)


def _function_url(resource: Resource) -> Iterator[Grant]:
    config = resource.properties.get("FunctionUrlConfig")
    if isinstance(config, Mapping) and config.get("AuthType") != "AWS_IAM":
        yield _open_url(resource.deployment)


def _url(resource: Resource, resources: Resources) -> Iterator[Grant]:
    function = resources.function(resource.properties.get("TargetFunctionArn"))
    if resource.properties.get("AuthType") != "AWS_IAM":
        yield _open_url(function or resource.logical_id)


def _open_url(function: str) -> Grant:
    return Grant("anybody", "call", f"the function URL of {function}")


def _events(resource: Resource, resources: Resources) -> Iterator[Grant]:
    for route, authorizer in _routes(resource, resources):
        if authorizer is None:
            yield Grant("anybody", "call", route)
    for event in (resource.properties.get("Events") or {}).values():
        kind = event.get("Type", "")
        if kind in _POLLED:  # SAM gives the role what reading the source takes
            yield Grant(resource.deployment, "read", f"{kind} {_source(event)}")
        elif kind not in _API_EVENTS:
            yield Grant(f"events of {kind} {_source(event)}".strip(), "invoke", resource.deployment)


def _source(event: Mapping[str, Any]) -> str:
    properties = event.get("Properties") or {}
    for name in ("Queue", "Stream", "Bucket", "Topic", "Schedule", "ScheduleExpression", "Pattern"):
        if name in properties:
            return shown(properties[name])
    return ""


def _routes(resource: Resource, resources: Resources) -> Iterator[tuple[str, str | None]]:
    """Yield the routes that lead to a function, each with its authorizer, None for nobody."""
    if resource.type == "AWS::Serverless::WebSocketApi":
        yield _socket(resource), _socket_authorizer(resource)
    if resource.type != SERVERLESS_FUNCTION:
        return
    for event in (resource.properties.get("Events") or {}).values():
        if (reference := _API_EVENTS.get(event.get("Type", ""))) is not None:
            properties = event.get("Properties") or {}
            api = properties.get(reference)
            route = f"{properties.get('Method', 'ANY')} {properties.get('Path', '/{proxy+}')}"
            name = f"{route} ({_api(api)}, {resource.deployment})"
            yield name, _authorizer(properties, api, resources)


def _api(reference: Any) -> str:
    return reference["Ref"] if isinstance(reference, Mapping) and "Ref" in reference else "the API"


def _authorizer(properties: Mapping[str, Any], api: Any, resources: Resources) -> str | None:
    own = (properties.get("Auth") or {}).get("Authorizer")
    found = resources.by_id.get(_api(api))
    default = ((found.properties if found else {}).get("Auth") or {}).get("DefaultAuthorizer")
    chosen = default if own is None else own
    return None if chosen in (None, "NONE") else shown(chosen)


def _socket(api: Resource) -> str:
    return f"the WebSocket API {api.logical_id}"


def _socket_authorizer(api: Resource) -> str | None:
    """Return what lets a connection through; messages on it are not asked again."""
    chosen = (api.properties.get("Auth") or {}).get("AuthType", "NONE")
    return None if chosen == "NONE" else shown(chosen)


def _is_open_route(route: Resource, resources: Resources) -> bool:
    """Whether anybody may call a route. At a WebSocket API only $connect can have an authorizer."""
    api = resources.by_id.get(_api(route.properties.get("ApiId")))
    is_message = (
        api is not None
        and api.properties.get("ProtocolType") == "WEBSOCKET"
        and route.properties.get("RouteKey") != "$connect"
    )
    return not is_message and route.properties.get("AuthorizationType", "NONE") == "NONE"


def _permission(resource: Resource, resources: Resources) -> Grant:
    written = resource.properties
    principal = shown(written.get("Principal", "*"))
    function = resources.function(written.get("FunctionName"))
    target = function or shown(written.get("FunctionName", written.get("LayerVersionArn", "")))
    limits = ("SourceArn", "SourceAccount", "PrincipalOrgID", "FunctionUrlAuthType")
    when = ", ".join(f"{name} is {shown(written[name])}" for name in limits if name in written)
    return Grant("anybody" if principal == "*" else principal, "invoke", target, when)


def _raw_route(resource: Resource) -> str:
    route = resource.properties.get("RouteKey") or resource.properties.get("HttpMethod", "ANY")
    return f"{shown(route)} ({resource.logical_id})"
