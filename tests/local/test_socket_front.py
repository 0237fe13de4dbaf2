"""WebSockets of `adapter run` over real sockets; the functions run in processes of their own."""

import asyncio
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from adapter.local.http_front import HttpFront
from adapter.local.log import Log
from adapter.local.socket_front import SocketLimits
from adapter.plan.values import SocketApiPlan, SocketRoute
from tests.local.world import (
    CRASH,
    Gate,
    Served,
    application_plan,
    function_plan,
    serving,
)

# A function by hand: it takes clients, and posts the events back as they came.
EVENTS = """
import json
from adapter.sockets.connections import ManagementApi
from adapter.sockets.event import Address

api = ManagementApi()

class Handler:
    async def serve(self, event, context, responder):
        asked = event["requestContext"]
        if asked["eventType"] == "CONNECT":
            asked = event["headers"].get("sec-websocket-protocol", "")
            headers = {"Sec-WebSocket-Protocol": asked.split(", ")[-1]} if asked else {}
            await responder.respond({"statusCode": 200, "headers": headers})
            return
        if asked["eventType"] == "MESSAGE":
            address = Address(asked["apiId"], asked["stage"], asked["connectionId"])
            if event["body"] == "end":
                await api.delete(address)
            else:
                await api.post(address, json.dumps(event))
        else:
            print(json.dumps(event["requestContext"]))
        await responder.respond({"statusCode": 200})

    def __call__(self, event, context):
        raise NotImplementedError

handler = Handler()
"""


def web_socket(served: Served, path: str = "/ws", **more: Any) -> Any:
    return connect(served.server.http_url.replace("http", "ws") + path, **more)


async def closed_with(client: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await client.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def test_messages_are_events_of_a_web_socket_api() -> None:
    async with serving(application_plan(function_plan(EVENTS))) as served:
        async with web_socket(served, "/ws?a=1", subprotocols=["a", "b"]) as client:
            assert client.subprotocol == "b"
            await client.send("hé")
            event = json.loads(await client.recv())
        output = await served.records.wait_for("output")
        told = await served.records.wait_for("invocation", 3)

    assert (event["body"], event["isBase64Encoded"]) == ("hé", False)
    assert "headers" not in event
    context = event["requestContext"]
    assert (context["routeKey"], context["eventType"]) == ("$default", "MESSAGE")
    assert len(context["connectionId"]) == 16
    ended = json.loads(output[0]["text"])
    assert (ended["eventType"], ended["disconnectStatusCode"]) == ("DISCONNECT", 1000)
    assert [(one["label"], one["status"]) for one in told] == [
        ("WS /ws connect", "101"),
        ("WS /ws message", "200"),
        ("WS /ws disconnect", "1000"),
    ]


CONNECT = """
import json

def handler(event, context):
    if event["requestContext"]["eventType"] == "CONNECT":
        print(json.dumps(event))
    return {"statusCode": 200}
"""


async def test_the_event_of_a_client_that_connects_has_its_request() -> None:
    stages = SocketApiPlan(routes=(SocketRoute(path="/ws", stage="ws"),))
    plan = application_plan(function_plan(CONNECT), socket_api=stages)
    async with serving(plan) as served:
        async with web_socket(served, "/ws?room=7&room=8", additional_headers={"X-One": "1"}):
            pass
        async with web_socket(served, "/chat/a%20b?room=7"):
            pass
        output = await served.records.wait_for("output", 2)

    known, named = (json.loads(one["text"]) for one in output)
    assert known["requestContext"]["stage"] == "ws"
    assert known["multiValueQueryStringParameters"] == {"room": ["7", "8"]}
    assert known["headers"]["x-one"] == "1"
    assert known["headers"]["x-forwarded-proto"] == "http"
    assert known["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert named["queryStringParameters"] == {"socket_path": "/chat/a b", "room": "7"}


async def test_a_client_that_is_refused_sees_the_status() -> None:
    refuse = "def handler(event, context):\n    return {'statusCode': 401}\n"
    async with serving(application_plan(function_plan(refuse))) as served:
        with pytest.raises(InvalidStatus) as refused:
            async with web_socket(served):
                pass
        (told,) = served.records.of("invocation")

    assert refused.value.response.status_code == 401
    assert (told["status"], told["error"]) == ("401", "refused")


@pytest.mark.parametrize("source", [CRASH, "def handler(event, context):\n    return None\n"])
async def test_a_function_that_fails_takes_no_clients(source: str) -> None:
    async with serving(application_plan(function_plan(source))) as served:
        with pytest.raises(InvalidStatus) as refused:
            async with web_socket(served):
                pass

    assert refused.value.response.status_code == 500


async def test_outside_of_every_prefix_nothing_is_found() -> None:
    async with serving(application_plan(function_plan(), route_prefix="/api")) as served:
        with pytest.raises(InvalidStatus) as refused:
            async with web_socket(served, "/ws"):
                pass
        with pytest.raises(InvalidStatus):
            async with connect(served.server.lambda_url.replace("http", "ws")):
                pass

    assert refused.value.response.status_code == 404


FAIL = """
def handler(event, context):
    if event["requestContext"]["eventType"] == "MESSAGE":
        raise KeyError("missing")
    return {"statusCode": 200}
"""


async def test_a_message_that_fails_is_told_as_api_gateway_tells_it() -> None:
    plan = application_plan(function_plan(FAIL))
    async with serving(plan) as served, web_socket(served) as client:
        await client.send("a")
        told = json.loads(await client.recv())

    assert told["message"] == "Internal server error"
    assert told.keys() == {"message", "connectionId", "requestId"}


async def test_what_api_gateway_does_not_take_ends_the_connection() -> None:
    async with serving(application_plan(function_plan(EVENTS))) as served:
        async with web_socket(served) as binary:
            await binary.send(b"a")
            no_binary = await closed_with(binary)
        async with web_socket(served) as large:
            await large.send("é" * (64 * 1024 + 1))
            too_large = await closed_with(large)

    assert (no_binary, too_large) == (1003, 1009)


async def test_a_connection_ends_when_nothing_is_sent_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits_for(monkeypatch, SocketLimits(idle_s=0.2))
    plan = application_plan(function_plan(EVENTS))
    async with serving(plan) as served, web_socket(served) as client:
        assert await closed_with(client) == 1001


async def test_a_connection_does_not_last_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    limits_for(monkeypatch, SocketLimits(longest_s=0.2))
    plan = application_plan(function_plan(EVENTS))
    async with serving(plan) as served, web_socket(served) as client:
        assert await closed_with(client) == 1001


async def test_a_function_that_takes_too_long_runs_on(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    limits_for(monkeypatch, SocketLimits(integration_s=0.3))
    gate = Gate(tmp_path)
    slow = f"""
def handler(event, context):
    if event["requestContext"]["eventType"] == "MESSAGE":
        open({gate.path!r}).read()
        print("done")
    return {{"statusCode": 200}}
"""
    async with serving(application_plan(function_plan(slow))) as served:
        await served.invoke(payload={"requestContext": {"eventType": "none"}})  # it is warm
        async with web_socket(served) as client:
            await client.send("a")
            async with gate.holding():
                told = json.loads(await client.recv())
            (output,) = await served.records.wait_for("output")

    assert told["message"] == "Endpoint request timed out"
    assert output["text"] == "done"


def limits_for(monkeypatch: pytest.MonkeyPatch, limits: SocketLimits) -> None:
    """Let every server have other limits: those of AWS take minutes."""
    made = HttpFront.__init__

    def make(self: HttpFront, log: Log, **options: Any) -> None:
        made(self, log, **{**options, "socket_limits": limits})

    monkeypatch.setattr(HttpFront, "__init__", make)


def management(served: Served, stage: str = "") -> Any:
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=served.server.lambda_url + stage,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.mark.parametrize("stage", ["", "/local"])
async def test_awss_own_client_reaches_clients(stage: str) -> None:
    async with serving(application_plan(function_plan(EVENTS))) as served:
        api = management(served, stage)
        async with web_socket(served) as client:
            await client.send("a")
            context = json.loads(await client.recv())["requestContext"]
            who = {"ConnectionId": context["connectionId"]}
            await asyncio.to_thread(api.post_to_connection, Data=b"hello", **who)
            heard = await client.recv()
            known = await asyncio.to_thread(api.get_connection, **who)
            with pytest.raises(api.exceptions.PayloadTooLargeException):
                await asyncio.to_thread(api.post_to_connection, Data=b"x" * 131_073, **who)
            await asyncio.to_thread(api.delete_connection, **who)
            code = await closed_with(client)
        for call in (api.get_connection, api.delete_connection):
            with pytest.raises(api.exceptions.GoneException):
                await asyncio.to_thread(call, **who)
        api.close()

    assert (heard, code) == ("hello", 1000)
    assert known["Identity"]["SourceIp"] == "127.0.0.1"


async def test_a_client_is_not_there_before_it_is_accepted(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    held = f"""
def handler(event, context):
    if event["requestContext"]["eventType"] == "CONNECT":
        print(event["requestContext"]["connectionId"])
        open({gate.path!r}).read()
    return {{"statusCode": 200}}
"""
    async with serving(application_plan(function_plan(held))) as served:
        api = management(served)
        connecting = asyncio.ensure_future(web_socket(served).__aenter__())
        async with gate.holding():
            (output,) = await served.records.wait_for("output")
            with pytest.raises(api.exceptions.GoneException):
                await asyncio.to_thread(
                    api.post_to_connection,
                    ConnectionId=output["text"],
                    Data=b"early",
                )
        client = await connecting
        await asyncio.to_thread(api.post_to_connection, ConnectionId=output["text"], Data=b"now")
        assert await client.recv() == "now"
        await client.close()
        api.close()


async def test_the_function_may_end_the_connection() -> None:
    async with serving(application_plan(function_plan(EVENTS))) as served:
        async with web_socket(served) as client:
            await client.send("end")
            assert await closed_with(client) == 1000
        told = await served.records.wait_for("invocation", 3)

    assert [one["label"] for one in told][-1] == "WS /ws disconnect"


async def test_a_message_may_reach_another_environment_than_the_one_before(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    busy = f"""
import os

def handler(event, context):
    if event.get("body") == "stay":
        open({gate.path!r}).read()
    if event["requestContext"]["eventType"] == "MESSAGE":
        print(event["body"], os.getpid())
    return {{"statusCode": 200}}
"""
    plan = application_plan(function_plan(busy))
    async with serving(plan) as served, web_socket(served) as client:
        await client.send("stay")
        async with gate.holding():
            await client.send("go")
            await served.records.wait_for("output")
        output = await served.records.wait_for("output", 2)

    pids = dict(one["text"].split() for one in output)
    assert pids["stay"] != pids["go"]


async def test_the_end_of_the_server_ends_its_connections() -> None:
    async with serving(application_plan(function_plan(EVENTS))) as served:
        client = await web_socket(served).__aenter__()
    assert await closed_with(client) == 1012
