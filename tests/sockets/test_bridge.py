import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from adapter import serve
from adapter.calls.client import LambdaTransport
from adapter.errors import MessageNotSent, UnsupportedEvent
from adapter.function import Function, entry_point
from adapter.serve import context, transport
from adapter.serve.handles import DeploymentHandle
from adapter.sockets import bridge
from tests.calls.lambda_server import LambdaServer, refusal
from tests.sockets.clients import (
    NAME,
    Clients,
    Posted,
    connect,
    disconnect,
    event,
    message,
    posted,
    served,
)

Closing = Callable[[Function], Function]
OK = {"statusCode": 200}


def application(
    handler: Callable[[WebSocket], Awaitable[None]],
    path: str = "/ws",
) -> FastAPI:
    app = FastAPI()

    @app.websocket(path)
    async def route(socket: WebSocket) -> None:
        await handler(socket)

    return app


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    while True:
        await socket.send_text(await socket.receive_text())


def test_an_echo_answers_each_message(closing: Closing) -> None:  # row 3
    clients = Clients()
    function = closing(served(application(echo), clients))

    answers = [function(one) for one in (connect(), message("a"), message("b"), disconnect())]

    assert answers == [OK] * 4
    assert clients.texts() == ["a", "b"]
    assert clients.addresses[0] == ("a1b2c3", "ws", NAME)


def test_a_session_remembers_what_was_said_before(closing: Closing) -> None:
    clients = Clients()

    async def count(socket: WebSocket) -> None:
        await socket.accept()
        heard = 0
        async for _ in socket.iter_text():
            heard += 1
            await socket.send_json(heard)

    function = closing(served(application(count), clients))
    for sent in (connect(), connect("other="), message("a"), message("b"), message("a", "other=")):
        function(sent)

    assert (clients.texts(), clients.texts("other=")) == (["1", "2"], ["1"])


def test_the_scope_is_that_of_the_request_which_connected(closing: Closing) -> None:
    seen: dict[str, Any] = {}

    async def look(socket: WebSocket) -> None:
        seen.update(socket.scope)
        await socket.accept(subprotocol="json")
        await socket.receive_text()

    function = closing(served(application(look), Clients()))
    sent = connect(
        query={"room": ["7", "ü"]},
        headers={"Sec-WebSocket-Protocol": ["xml, json"], "Cookie": ["a=1"]},
    )
    answer = function(sent)

    assert answer == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "json"}}
    expected = {
        "type": "websocket",
        "scheme": "wss",
        "path": "/ws",
        "raw_path": b"/ws",
        "root_path": "",
        "query_string": b"room=7&room=%C3%BC",
        "subprotocols": ["xml", "json"],
        "client": ("203.0.113.9", 0),
        "server": ("a1b2c3.execute-api.eu-west-1.amazonaws.com", 443),
    }
    assert {name: seen[name] for name in expected} == expected
    assert (b"cookie", b"a=1") in seen["headers"]
    assert seen["aws.event"] is sent


def test_the_client_may_name_the_path(closing: Closing) -> None:
    clients = Clients()

    async def where(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive_text()
        await socket.send_text(f"{socket.url.path} {socket.query_params}")

    function = closing(served(application(where, "/chat/{room}"), clients))
    function(connect(query={"socket_path": ["/chat/a b"], "x": ["1"]}, stage="chatRoom"))
    function(message("", stage="chatRoom"))

    assert clients.texts() == ["/chat/a b x=1", None]


def test_a_path_that_nobody_names_is_not_found(closing: Closing) -> None:
    function = closing(served(application(echo), Clients()))

    assert function(connect(stage="other")) == {"statusCode": 404}


def test_a_client_names_no_other_path_than_that_of_its_stage(closing: Closing) -> None:
    """Where its messages land in other environments, they go to the path of the stage."""
    clients = Clients()
    app = application(echo)

    @app.websocket("/open")
    async def let_in(socket: WebSocket) -> None:
        await echo(socket)

    function = closing(served(app, clients))

    assert function(connect(query={"socket_path": ["/open"]})) == {"statusCode": 404}
    assert function(connect(query={"socket_path": ["/ws"]})) == OK


def test_a_path_outside_of_the_route_prefix_is_not_found(closing: Closing) -> None:
    clients = Clients()
    settings = {"base_path": "/text", "socket_paths": {"ws": "/text/ws"}}
    function = closing(served(application(echo), clients, **settings))

    assert function(connect(query={"socket_path": ["/ws"]})) == {"statusCode": 404}
    assert function(connect("b=")) == OK


def test_a_client_that_is_refused_is_not_connected(closing: Closing) -> None:
    async def refuse(socket: WebSocket) -> None:
        await socket.close(1008)

    function = closing(served(application(refuse), Clients()))

    assert function(connect()) == {"statusCode": 403}


def test_an_application_that_fails_before_it_accepts_is_a_500(
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(_socket: WebSocket) -> None:
        raise KeyError("no table")

    function = closing(served(application(fail), Clients()))

    assert function(connect()) == {"statusCode": 500}
    assert caplog.records[-1].exc_info
    assert "no table" in str(caplog.records[-1].exc_info[1])


def test_an_application_that_fails_later_ends_the_connection(
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clients = Clients()

    async def fail(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive_text()
        raise KeyError("no table")

    function = closing(served(application(fail), clients))
    answers = [function(one) for one in (connect(), message("a"), message("b"), disconnect())]

    assert answers == [OK] * 4
    assert clients.texts() == [None]
    assert [record.message for record in caplog.records] == ["the application failed"]


def test_with_raise_errors_the_invocation_fails_too(closing: Closing) -> None:
    async def fail(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive_text()
        raise KeyError("no table")

    function = closing(served(application(fail), Clients(), raise_errors=True))
    function(connect())

    with pytest.raises(KeyError, match="no table"):
        function(message("a"))


def test_what_is_sent_after_accept_waits_until_the_client_is_there(closing: Closing) -> None:
    clients = Clients()

    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.send_text(await socket.receive_text())

    function = closing(served(application(greet), clients))
    function(connect())  # AWS's client sends the answer when the handler has returned
    before = clients.texts()
    function(message("a"))

    assert (before, clients.texts()) == ([], ["hello", "a", None])


def test_where_the_answer_leaves_at_once_a_greeting_follows_it(closing: Closing) -> None:
    clients = Clients(gone={NAME: 3})  # as long as the client is being connected

    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.receive_text()

    function = closing(served(application(greet), clients))

    assert posted(function, connect()) == OK
    assert clients.texts() == ["hello"]


def test_a_program_that_only_sends_works_while_it_connects(closing: Closing) -> None:
    clients = Clients()

    async def progress(socket: WebSocket) -> None:
        await socket.accept()
        for number in range(3):
            await asyncio.sleep(0.01)
            await socket.send_json(number)

    function = closing(served(application(progress), clients))
    posted(function, connect())

    assert clients.texts() == ["0", "1", "2", None]


def test_an_environment_that_knows_nothing_of_a_connection_joins_it(closing: Closing) -> None:
    clients = Clients()

    async def greet_and_echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")  # was said where the client connected
        async for text in socket.iter_text():
            await socket.send_text(text)

    function = closing(served(application(greet_and_echo), clients))

    assert function(message("a")) == OK
    assert function(message("b")) == OK
    assert clients.texts() == ["a", "b"]


def test_a_joined_application_that_wants_what_it_cannot_know_ends_the_connection(
    closing: Closing,
) -> None:
    clients = Clients()

    async def guarded(socket: WebSocket) -> None:
        if "token" not in socket.query_params:
            await socket.close(1008)
            return
        await echo(socket)

    function = closing(served(application(guarded), clients))

    assert function(message("a")) == OK
    assert clients.texts() == [None]


def test_where_the_path_is_not_known_the_connection_is_ended(
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clients = Clients()
    function = closing(served(application(echo, "/chat/{room}"), clients))

    assert function(message("a", stage="chatRoom")) == OK
    assert clients.texts() == [None]
    assert "was opened in another environment" in caplog.text


def test_the_application_hears_why_its_client_has_gone(closing: Closing) -> None:
    heard: list[tuple[int, str]] = []

    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        try:
            await socket.receive_text()
        except WebSocketDisconnect as gone:
            heard.append((gone.code, gone.reason))

    function = closing(served(application(listen), Clients()))
    function(connect())
    function(disconnect(code=1001, reason="Going away"))

    assert heard == [(1001, "Going away")]


def test_a_joined_application_hears_of_the_end_as_well(closing: Closing) -> None:
    heard: list[int] = []

    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        try:
            await socket.receive_text()
        except WebSocketDisconnect as gone:
            heard.append(gone.code)

    function = closing(served(application(listen), Clients()))
    function(disconnect(code=1000))

    assert heard == [1000]


def test_nobody_is_told_of_the_end_of_a_connection_that_the_application_has_ended(
    closing: Closing,
) -> None:
    runs: list[str] = []
    clients = Clients()

    async def once(socket: WebSocket) -> None:
        runs.append("run")
        await socket.accept()
        await socket.receive_text()
        await socket.close()

    function = closing(served(application(once), clients))
    for sent in (connect(), message("a"), message("too late"), disconnect()):
        assert function(sent) == OK

    assert (runs, clients.texts()) == (["run"], [None])


def test_a_client_that_has_gone_is_a_disconnect(
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clients = Clients()
    ended: list[str] = []

    async def listen(socket: WebSocket) -> None:
        try:
            await echo(socket)
        finally:
            ended.append("ended")

    function = closing(served(application(listen), clients))
    function(connect())
    clients.gone[NAME] = 1

    assert function(message("a")) == OK
    assert (ended, caplog.records) == (["ended"], [])


def test_a_message_that_passes_through_other_tasks_is_waited_for(closing: Closing) -> None:
    clients = Clients(turns=100)

    async def relay(socket: WebSocket) -> None:
        await socket.accept()
        queues: list[asyncio.Queue[str]] = [asyncio.Queue() for _ in range(5)]

        async def pass_on(number: int) -> None:
            while True:
                text = await queues[number].get()
                if number + 1 < len(queues):
                    queues[number + 1].put_nowait(text)
                else:
                    await socket.send_text(text)

        passing = [asyncio.create_task(pass_on(number)) for number in range(len(queues))]
        try:
            async for text in socket.iter_text():
                queues[0].put_nowait(text)
        finally:
            for task in passing:
                task.cancel()

    function = closing(served(application(relay), clients))
    function(connect())
    function(message("a"))

    assert clients.texts() == ["a"]


def test_binary_and_large_messages_are_refused_by_name(closing: Closing) -> None:
    errors: list[str] = []
    clients = Clients()

    async def send(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive_text()
        try:
            await socket.send_bytes(b"\0")
        except MessageNotSent as error:
            errors.append(str(error))
        try:
            await socket.send_text("x" * (128 * 1024 + 1))
        except MessageNotSent as error:
            errors.append(str(error))
        await socket.send_text("x" * 128 * 1024)

    function = closing(served(application(send), clients))
    function(connect())
    function(message("a"))

    assert errors[0].startswith("a WebSocket API carries text only")
    assert errors[1].startswith("the message has 131073 bytes, a WebSocket API carries 131072")
    assert [len(text or "") for text in clients.texts()] == [128 * 1024, 0]


def test_bytes_that_the_integration_has_decoded_arrive_as_bytes(closing: Closing) -> None:
    heard: list[bytes] = []

    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        heard.append(await socket.receive_bytes())

    function = closing(served(application(listen), Clients()))
    function(connect())
    function({**message("AAE="), "isBase64Encoded": True})

    assert heard == [b"\0\1"]


def test_a_slow_message_is_answered_before_api_gateway_gives_up(
    closing: Closing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bridge, "ANSWER_S", 0)
    clients = Clients()
    function = closing(served(application(echo), clients))

    class Noted(Posted):
        def __init__(self) -> None:
            super().__init__()
            self.given = asyncio.Event()

        async def respond(self, result: Any) -> None:
            await super().respond(result)
            self.given.set()

    async def serve_both() -> list[Any]:
        clients.hold, responder = asyncio.Event(), Noted()
        await function.invoke(connect(), None)
        serving = asyncio.create_task(function.serve(message("a"), None, responder))
        await responder.given.wait()
        before = list(clients.texts())
        clients.hold.set()
        await serving
        return before

    assert function.complete(serve_both()) == []
    assert clients.texts() == ["a"]


class Context:
    aws_request_id = "r-1"

    def get_remaining_time_in_millis(self) -> int:
        return 300


def test_a_handler_that_does_not_end_in_time_is_cancelled_and_its_client_let_go(
    closing: Closing,
) -> None:
    clients = Clients()
    ended: list[str] = []

    async def stuck(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive_text()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cleaned up")

    function = closing(served(application(stuck), clients))
    function(connect())

    with pytest.raises(TimeoutError):
        function(message("a"), Context())
    assert (ended, clients.texts()) == (["cleaned up"], [None])


def test_old_sessions_are_told_of_the_end(
    closing: Closing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[int] = []

    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        try:
            await socket.receive_text()
        except WebSocketDisconnect as gone:
            heard.append(gone.code)

    function = closing(served(application(listen), Clients()))
    function(connect())
    monkeypatch.setattr(bridge, "LONGEST_S", -1.0)
    function(connect("other="))

    assert heard == [1001]


def test_the_end_of_the_environment_cuts_no_connection() -> None:
    clients = Clients()
    heard: list[str] = []

    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        try:
            await socket.receive_text()
        finally:
            heard.append("ended")

    function = served(application(listen), clients)
    function(connect())
    function.close()

    assert (heard, clients.texts(), clients.closed) == (["ended"], [], True)


MALFORMED: list[Any] = [
    {"requestContext": {"connectionId": 1, "eventType": "CONNECT"}},
    {"requestContext": {"connectionId": "a/../b", "eventType": "CONNECT"}},
    event("OTHER"),
    event("MESSAGE", apiId="evil.example/"),
    event("MESSAGE", stage="../x"),
    {**event("CONNECT"), "headers": {"host": "a b"}},
    {**event("CONNECT"), "multiValueHeaders": {"a": ["x\r\ny"]}},
    {**event("CONNECT"), "queryStringParameters": {"socket_path": {}}},
    {**event("MESSAGE"), "body": "***", "isBase64Encoded": True},
    event("DISCONNECT", identity=[]),
]


@pytest.mark.parametrize("malformed", MALFORMED)
def test_an_event_that_api_gateway_does_not_send_is_a_400(closing: Closing, malformed: Any) -> None:
    function = closing(served(application(echo), Clients()))

    assert function(malformed) == {"statusCode": 400}


def test_a_plain_deployment_has_no_web_sockets(closing: Closing) -> None:
    @serve.deployment
    class Model:
        def __call__(self) -> None: ...

    with pytest.raises(UnsupportedEvent, match="no WebSocket routes"):
        closing(entry_point(Model))(connect())


class Invocation:
    deadline_ms = 0

    def __init__(self, request_id: str) -> None:
        self.aws_request_id = request_id


def test_handle_calls_and_logs_belong_to_the_invocation_of_the_message(closing: Closing) -> None:
    seen: list[tuple[str, str]] = []

    async def look(socket: WebSocket) -> None:
        await socket.accept()
        async for _ in socket.iter_text():
            invocation = context.served()
            seen.append((invocation.request_id, invocation.route))

    function = closing(served(application(look), Clients()))
    function(connect(), Invocation("r-0"))
    for number in (1, 2):
        function(message("a"), Invocation(f"r-{number}"))

    assert seen == [("r-1", "/"), ("r-2", "/")]


def test_tasks_that_the_application_keeps_belong_to_the_invocation_of_the_message(
    closing: Closing,
) -> None:
    seen: list[str] = []

    async def look(socket: WebSocket) -> None:
        await socket.accept()
        heard: asyncio.Queue[str] = asyncio.Queue()
        worker = asyncio.create_task(work(heard))
        async for text in socket.iter_text():
            await heard.put(text)
            await heard.join()
        worker.cancel()

    async def work(heard: asyncio.Queue[str]) -> None:
        while await heard.get():
            seen.append(context.served().request_id)
            heard.task_done()

    function = closing(served(application(look), Clients()))
    function(connect(), Invocation("r-0"))
    for number in (1, 2):
        function(message("a"), Invocation(f"r-{number}"))
    function(disconnect(), Invocation("r-3"))

    assert seen == ["r-1", "r-2"]


def test_calls_that_nobody_waits_for_have_been_accepted_when_the_invocation_ends(
    closing: Closing,
) -> None:
    handle: Any = DeploymentHandle("Model").options(invocation_type="Event")

    async def pass_on(socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            handle.remote(text)

    function = closing(served(application(pass_on), Clients()))
    server = LambdaServer()
    server.script.append(refusal(429, "TooManyRequestsException", b"{}"))
    variables = {"AWS_ENDPOINT_URL_LAMBDA": server.url, "AWS_REGION": "eu-west-1"}
    carrying = LambdaTransport(lambda: function.loop, variables)
    transport.connect(carrying)
    try:
        function(connect())
        function(message("a"))
        assert server.ran == [["a"]]
    finally:
        function(disconnect())
        transport.connect(None)
        carrying.let_go(function.loop)
        server.stop()


def test_memory_that_runs_out_is_the_environments_affair(closing: Closing) -> None:
    async def too_much(socket: WebSocket) -> None:
        await socket.accept()
        try:
            await socket.receive_text()
        finally:
            raise MemoryError

    function = closing(served(application(too_much), Clients()))
    for sent in (message("a"), disconnect()):
        function(connect())
        with pytest.raises(MemoryError):
            function(sent)


def test_the_application_may_log_after_its_client_has_gone(
    closing: Closing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        await socket.receive_text()

    function = closing(served(application(listen), Clients()))
    function(connect())
    function(disconnect())

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
