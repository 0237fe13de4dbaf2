from dataclasses import replace

import pytest

from adapter.errors import BuildError
from adapter.plan.fronts import made_public
from adapter.plan.values import Concurrency, SocketApiPlan, SocketRoute, StackPlan
from adapter.template.cloudformation import GetAtt, Ref, Sub
from adapter.template.names import check_logical_ids, taken_ids
from adapter.template.socket_api import socket_outputs, socket_resources, socket_statements
from tests.template.plans import application, function, gateway

WS = SocketRoute(path="/ws", stage="ws")
ROOM = SocketRoute(path="/chat/{room}", stage="chatRoom")
ROUTES = ("$connect", "$default", "$disconnect")


def with_sockets(*routes: SocketRoute, public: bool = False, chosen: bool = False) -> StackPlan:
    api = SocketApiPlan(routes=routes, public=public, chosen=chosen)
    return application(gateway(), function("Model"), socket_api=api)


def auth_type(plan: StackPlan) -> str:
    resource = socket_resources(plan)["WsSocketApi"]
    found: str = resource["Properties"]["Auth"]["AuthType"]
    return found


def test_each_route_has_an_api_with_a_stage_of_its_own() -> None:
    resources = socket_resources(with_sockets(WS, ROOM))

    assert list(resources) == ["WsSocketApi", "ChatRoomSocketApi"]
    stages = [one["Properties"]["StageName"] for one in resources.values()]
    assert stages == ["ws", "chatRoom"]
    for one in resources.values():
        assert one["Type"] == "AWS::Serverless::WebSocketApi"
        target = {"FunctionArn": GetAtt("Gateway", "Arn")}
        assert one["Properties"]["Routes"] == dict.fromkeys(ROUTES, target)


def test_an_application_without_web_sockets_has_none() -> None:
    plan = application(gateway())

    assert socket_resources(plan) == socket_outputs(plan) == {}
    assert socket_statements(plan, plan.function("Gateway")) == []


def test_who_may_connect_is_private_unless_somebody_says_public() -> None:
    assert auth_type(with_sockets(WS)) == "AWS_IAM"
    assert auth_type(with_sockets(WS, public=True, chosen=True)) == "NONE"
    assert auth_type(made_public(with_sockets(WS))) == "NONE"
    assert auth_type(made_public(with_sockets(WS, chosen=True))) == "AWS_IAM"


def test_the_function_may_reach_the_clients_of_its_own_apis_only() -> None:
    plan = with_sockets(WS)
    (statement,) = socket_statements(plan, plan.function("Gateway"))

    arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${WsSocketApi}/ws"
    assert statement == {
        "Effect": "Allow",
        "Action": "execute-api:ManageConnections",
        "Resource": [Sub(f"{arn}/{method}/@connections/*") for method in ("POST", "DELETE")],
    }
    assert socket_statements(plan, plan.function("Model")) == []


def test_of_a_function_with_an_alias_the_alias_is_reached() -> None:
    warm = gateway(concurrency=Concurrency(provisioned=1, maximum=1))
    plan = application(warm, socket_api=SocketApiPlan(routes=(WS,)))

    (resource,) = socket_resources(plan).values()
    assert resource["Properties"]["Routes"]["$default"] == {"FunctionArn": Ref("GatewayAliaslive")}


def test_outputs_say_where_clients_connect() -> None:
    outputs = socket_outputs(with_sockets(WS, ROOM))

    address = "wss://${WsSocketApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/ws"
    assert outputs["WsSocketUrl"]["Value"] == Sub(address)
    assert outputs["WsSocketUrl"]["Description"].endswith("/ws of shop:app, for signed requests")
    assert outputs["ChatRoomSocketUrl"]["Description"].endswith("?socket_path=")


def test_ids_of_what_sam_makes_are_taken() -> None:
    plan = with_sockets(WS)

    made = {"WsSocketApi", "WsSocketApiwsStage", "WsSocketApiConnectRoute"}
    assert made <= taken_ids(plan)
    other = function("Other", logical_id="WsSocketApi")
    clash = replace(
        plan,
        applications=tuple(
            replace(one, functions=(*one.functions, other)) for one in plan.applications
        ),
    )
    with pytest.raises(BuildError, match="'WsSocketApi' is taken"):
        check_logical_ids(clash)
