"""Doors that are open to anybody: function URLs, APIs, permissions."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from adapter.check.stack import SAM_FUNCTION, Resource, Stack, items, mapping, reference, text
from adapter.check.values import Fault
from adapter.plan.values import FunctionPlan, SocketApiPlan
from adapter.template.fronts import public_apis
from adapter.template.names import api_ids, socket_api_id

_APIS = {
    "AWS::Serverless::HttpApi": "HTTP API",
    "AWS::Serverless::Api": "REST API",
    "AWS::Serverless::WebSocketApi": "WebSocket API",
}
# The plain resources, without SAM, and the property that says who may call.
_ROUTES = {"AWS::ApiGateway::Method": "REST API", "AWS::ApiGatewayV2::Route": "HTTP API"}
_EVENTS = {"HttpApi": "ApiId", "Api": "RestApiId"}
# What is the user's own knows nothing of the words of the program.
_SILENCE = "where it is meant, silence this in the resource's Metadata."


def public_url(stack: Stack) -> Iterator[Fault]:
    """A URL is public where the deployment says so, and not by accident."""
    for resource in stack.of(SAM_FUNCTION, "AWS::Lambda::Url"):
        config = resource.properties.get("FunctionUrlConfig", resource.properties)
        if mapping(config).get("AuthType") == "NONE" and not _says_public_url(stack, resource):
            remedy = 'Write url="public-stream" if that is meant, or keep AWS_IAM.'
            if _plan_of(stack, resource) is None:
                remedy = f"Set AuthType: AWS_IAM; {_SILENCE}"
            yield Fault(resource.where, "the function URL is public.", remedy, resource.logical_id)


def public_api(stack: Stack) -> Iterator[Fault]:
    """An API without an authorizer; of one that functions name, `public_route` sees each route."""
    named = {reference(route.api) for _, route in _all_routes(stack)}
    meant = _public_sockets(stack)
    for resource in stack.of(*_APIS):
        known = resource.logical_id in named or resource.logical_id in meant
        if not known and _authorizer(resource) == "NONE" and not _is_in_a_vpc(resource):
            reason = f"the {_APIS[resource.type]} is public: it has no authorizer."
            yield _open(stack, resource, reason)
    for resource in stack.of(*_ROUTES):
        if _is_open(stack, resource):
            kind = _ROUTES[resource.type]
            yield _open(stack, resource, f"the route of a {kind} has no authorizer.")
    for resource in stack.of("AWS::ApiGatewayV2::Api"):
        if "Target" in resource.properties:
            reason = "the HTTP API is public: with Target it has a route without an authorizer."
            yield _open(stack, resource, reason)


def public_route(stack: Stack) -> Iterator[Fault]:
    """A route has an authorizer of its own, or that of its API, or none."""
    apis = {api.logical_id: api for api in stack.of(*_APIS)}
    meant = public_apis(stack.plan)
    for function, route in _all_routes(stack):
        api = apis.get(reference(route.api) or "")
        inherited = "NONE" if api is None and route.api is None else _authorizer(api)
        if (route.authorizer or inherited) == "NONE" and reference(route.api) not in meant:
            reason = f"{route.path} is public: the route has no authorizer."
            yield _open(stack, function, reason)


def anybody_may_invoke(stack: Stack) -> Iterator[Fault]:
    """A permission for the principal `*` is one for every AWS account."""
    for permission in stack.of("AWS::Lambda::Permission"):
        written = permission.properties
        if written.get("Principal") != "*" or "PrincipalOrgID" in written:
            continue
        target = reference(written.get("FunctionName")) or ""
        function = next((one for one in stack.functions if one.logical_id == target), None)
        if function is None or not _says_public_url(stack, function):
            yield Fault(
                function.where if function else permission.where,
                f"the permission {permission.logical_id} lets anybody invoke the function.",
                "Name the account, the service or the organization (PrincipalOrgID) that may.",
                permission.logical_id,
            )


def any_account_of_a_service(stack: Stack) -> Iterator[Fault]:
    """A service acts for everybody, so it has to be said for whom.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    for permission in stack.of("AWS::Lambda::Permission"):
        written = permission.properties
        principal = text(written.get("Principal")) or ""
        limits = {"SourceArn", "SourceAccount", "PrincipalOrgID"} & written.keys()
        if principal.endswith(".amazonaws.com") and not limits:
            yield Fault(
                permission.where,
                f"the permission {permission.logical_id} lets {principal} invoke the function for "
                "any account.",
                "Set SourceArn to what may, or SourceAccount: !Ref AWS::AccountId.",
                permission.logical_id,
            )


def _says_public_url(stack: Stack, resource: Resource) -> bool:
    """Whether the deployment that a function or a URL belongs to has asked for a public one."""
    plan = _plan_of(stack, resource)
    return plan is not None and plan.url is not None and plan.url.public


def _plan_of(stack: Stack, resource: Resource) -> FunctionPlan | None:
    """Return the deployment's function that a function or a URL belongs to, if it is one."""
    plans = {function.logical_id: function for function in stack.plan.functions}
    return plans.get(reference(resource.properties.get("TargetFunctionArn")) or resource.logical_id)


def _is_in_a_vpc(api: Resource) -> bool:
    """Whether a REST API is reached from VPCs only."""
    written = mapping(api.properties.get("EndpointConfiguration"))
    return "PRIVATE" in [*items(written.get("Type")), *items(written.get("Types"))]


def _is_open(stack: Stack, route: Resource) -> bool:
    """Whether anybody may call a plain route; what browsers ask first (OPTIONS) may be."""
    written = route.properties
    key = text(written.get("RouteKey")) or ""
    if written.get("HttpMethod") == "OPTIONS" or key.startswith("OPTIONS "):
        return False
    named = reference(written.get("ApiId")) or reference(written.get("RestApiId"))
    api = next((one for one in stack.resources if one.logical_id == named), None)
    if api is not None and _is_in_a_vpc(api):
        return False
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-control-access.html
    is_socket = api is not None and api.properties.get("ProtocolType") == "WEBSOCKET"
    if is_socket and key != "$connect":
        return False  # who is connected has been let in
    return bool(written.get("AuthorizationType", "NONE") == "NONE")


def _public_sockets(stack: Stack) -> frozenset[str]:
    """Return the logical ids of the WebSocket APIs that the program calls public."""
    return frozenset(name for name, api in _sockets(stack).items() if api.public)


def _sockets(stack: Stack) -> dict[str, SocketApiPlan]:
    """Return the WebSocket APIs of the program, by logical id."""
    return {
        socket_api_id(plan, route): plan.socket_api
        for plan in stack.plan.applications
        if plan.socket_api is not None
        for route in plan.socket_api.routes
    }


class _Route(NamedTuple):
    path: str
    api: Any
    authorizer: str | None


def _all_routes(stack: Stack) -> Iterator[tuple[Resource, _Route]]:
    for function in stack.functions:
        for event in mapping(function.properties.get("Events")).values():
            kind = _EVENTS.get(str(mapping(event).get("Type")))
            written = mapping(mapping(event).get("Properties"))
            if kind and written.get("Method") not in {"OPTIONS", "options"}:
                path = text(written.get("Path")) or "every path"
                chosen = text(mapping(written.get("Auth")).get("Authorizer"))
                yield function, _Route(path, written.get(kind), chosen)


def _authorizer(api: Resource | None) -> str:
    """Return what an API asks for by default; of one elsewhere nothing is known."""
    if api is None:
        return "unknown"
    auth = mapping(api.properties.get("Auth"))
    key = "AuthType" if api.type == "AWS::Serverless::WebSocketApi" else "DefaultAuthorizer"
    return str(auth.get(key) or "NONE")


def _open(stack: Stack, resource: Resource, reason: str) -> Fault:
    word = None
    if resource.type == "AWS::Serverless::WebSocketApi" and resource.logical_id in _sockets(stack):
        word = 'socket="public"'
    elif resource.plan is not None or resource.logical_id in api_ids(stack.plan).values():
        word = 'api="public-http"'
    remedy = f"Give it an authorizer; {_SILENCE}"
    if word is not None:
        remedy = (
            f"Write {word} (or public = true in [tool.adapter]) if that is meant, or give it an "
            "authorizer."
        )
    return Fault(resource.where, reason, remedy, resource.logical_id)
