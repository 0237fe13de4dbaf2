"""API Gateway's WebSocket APIs of a stack: one for each route of an ingress.

A message says the stage that it came through, and not the path; so each route has a stage of its
own, and an API, because SAM gives an API one stage.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-websocketapi.html
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from adapter.plan.values import ApplicationPlan, FunctionPlan, SocketRoute, StackPlan
from adapter.template.cloudformation import GetAtt, Ref, Sub
from adapter.template.names import socket_api_id

_ROUTES = ("$connect", "$default", "$disconnect")
# Only those three routes are there, so whatever a message holds it takes $default.
_SELECTION = "$request.body.action"


class _Api(NamedTuple):
    application: ApplicationPlan
    route: SocketRoute

    @property
    def logical_id(self) -> str:
        return socket_api_id(self.application, self.route)


def socket_resources(stack: StackPlan) -> dict[str, Any]:
    """Return the WebSocket APIs, by logical id."""
    return {api.logical_id: _resource(api) for api in _apis(stack)}


def socket_outputs(stack: StackPlan) -> dict[str, Any]:
    """Return where clients connect."""
    return {
        f"{api.logical_id.removesuffix('Api')}Url": {
            "Description": _description(api),
            "Value": Sub(_address(api)),
        }
        for api in _apis(stack)
    }


def socket_statements(stack: StackPlan, function: FunctionPlan) -> list[dict[str, Any]]:
    """Return what lets a function send to the clients of its own APIs, and end connections."""
    if not function.is_ingress:
        return []
    arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"
    resources = [
        Sub(f"{arn}${{{api.logical_id}}}/{api.route.stage}/{method}/@connections/*")
        for api in _apis(stack)
        if api.application.name == function.application
        for method in ("POST", "DELETE")
    ]
    if not resources:
        return []
    return [{"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": resources}]


def _apis(stack: StackPlan) -> Iterator[_Api]:
    for plan in stack.applications:
        routes = () if plan.socket_api is None else plan.socket_api.routes
        yield from (_Api(plan, route) for route in routes)


def _resource(api: _Api) -> dict[str, Any]:
    target = _target(api.application.function(api.application.ingress))
    properties = {
        "Name": Sub(f"${{AWS::StackName}}-{api.route.stage}"),
        "StageName": api.route.stage,
        "RouteSelectionExpression": _SELECTION,
        "Auth": {"AuthType": "NONE" if _is_public(api) else "AWS_IAM"},
        "Routes": {route: {"FunctionArn": target} for route in _ROUTES},
    }
    return {"Type": "AWS::Serverless::WebSocketApi", "Properties": properties}


def _target(function: FunctionPlan) -> Ref | GetAtt:
    """Name the function; with an alias, the alias, which SAM makes. Its Ref is an ARN."""
    if function.alias:
        return Ref(f"{function.logical_id}Alias{function.alias}")
    return GetAtt(function.logical_id, "Arn")


def _is_public(api: _Api) -> bool:
    return api.application.socket_api is not None and api.application.socket_api.public


def _address(api: _Api) -> str:
    host = f"${{{api.logical_id}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"
    return f"wss://{host}/{api.route.stage}"


def _description(api: _Api) -> str:
    signed = "" if _is_public(api) else ", for signed requests"
    named = "; name the path with ?socket_path=" if "{" in api.route.path else ""
    return f"Where WebSockets reach {api.route.path} of {api.application.target}{signed}{named}"
