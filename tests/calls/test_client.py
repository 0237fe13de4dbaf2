import asyncio
import json
import os
import platform
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from adapter import serve
from adapter.calls import pool
from adapter.calls.client import LambdaTransport
from adapter.errors import (
    InvalidCall,
    InvocationError,
    NotSerializable,
    RemoteError,
    ServeError,
)
from adapter.http1 import response_bytes
from adapter.loop_thread import LoopThread
from adapter.serve.handles import DeploymentHandle
from adapter.serve.transport import Call
from tests.calls import lambda_server
from tests.calls.lambda_server import CUT, LambdaServer, Reply, refusal, result

pytestmark = pytest.mark.usefixtures("client")

handle = DeploymentHandle("Model")
FUNCTIONS = "/2015-03-31/functions"


def test_call_is_one_signed_invoke(server: LambdaServer) -> None:
    assert handle.predict.remote("text", top=3).result() == "text"

    [request] = server.requests
    assert (request.method, request.target) == ("POST", f"{FUNCTIONS}/Model/invocations")
    assert request.event["method"] == "predict"
    assert (request.event["args"], request.event["kwargs"]) == (["text"], {"top": 3})
    assert request.headers["host"] == server.url.removeprefix("http://")
    assert "/eu-west-1/lambda/aws4_request" in request.headers["authorization"]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("value", [None, "é\ud800", {"a": [1.5, True]}, b"\x00", (1, 2), 10**20])
def test_values_come_back_as_they_were(value: Any) -> None:
    assert handle.remote(value).result() == value


@pytest.mark.parametrize(
    ("variables", "application", "function"),
    [
        ({}, "default", "Model"),
        ({}, "shop", "shop-Model"),
        ({"ADAPTER_FUNCTION_PREFIX": "stack-"}, "default", "stack-Model"),
        ({"ADAPTER_FUNCTION_PREFIX": "stack-"}, "shop", "stack-shop-Model"),
        ({"ADAPTER_ALIASES": "Model:live,Other:live"}, "default", "Model%3Alive"),
        ({"ADAPTER_ALIASES": "Other:live"}, "default", "Model"),
        ({"ADAPTER_ALIASES": "Model:live"}, "shop", "shop-Model"),
        (
            {"ADAPTER_FUNCTION_PREFIX": "stack-", "ADAPTER_ALIASES": "shop-Model:live"},
            *("shop", "stack-shop-Model%3Alive"),
        ),
    ],
)
def test_function_is_named_by_stack_application_and_alias(
    server: LambdaServer,
    environ: dict[str, str],
    variables: dict[str, str],
    application: str,
    function: str,
) -> None:
    environ.update(variables)
    DeploymentHandle("Model", application).remote(1).result()

    assert server.requests[0].target == f"{FUNCTIONS}/{function}/invocations"


def test_a_deployment_that_shares_a_function_is_named_in_the_event(
    server: LambdaServer,
    environ: dict[str, str],
) -> None:
    environ.update(
        ADAPTER_SHARED="Ner:models,Model:models",
        ADAPTER_FUNCTION_PREFIX="stack-",
        ADAPTER_ALIASES="models:live",
    )
    DeploymentHandle("Model").remote(1).result()
    DeploymentHandle("Other").remote(1).result()

    shared, own = server.requests
    assert shared.target == f"{FUNCTIONS}/stack-models%3Alive/invocations"
    assert json.loads(shared.body)["deployment"] == "Model"
    assert own.target == f"{FUNCTIONS}/stack-Other/invocations"
    assert "deployment" not in json.loads(own.body)


def test_error_of_the_callee_is_the_builtin_type_with_its_traceback(server: LambdaServer) -> None:
    body = {"errorType": "KeyError", "errorMessage": "'x'", "stackTrace": ["  File a\n", "    b\n"]}
    server.script.append(lambda_server.function_error(json.dumps(body).encode()))

    with pytest.raises(KeyError) as caught:
        handle.remote().result()

    assert isinstance(caught.value, RemoteError)
    assert (
        str(caught.value) == "KeyError in deployment Model: 'x'\n\n  File a\n    b\nKeyError: 'x'"
    )


ERROR_OF_SAM = {"errorType": "KeyError", "errorMessage": "'x'", "stackTrace": []}


def test_error_is_told_by_its_body_under_sam_local(
    server: LambdaServer,
    environ: dict[str, str],
) -> None:
    environ["AWS_SAM_LOCAL"] = "true"
    server.script.extend([result(ERROR_OF_SAM), result({"errorType": "x"}), result([1])])

    with pytest.raises(KeyError):
        handle.remote().result()
    assert handle.remote().result() == {"errorType": "x"}
    assert handle.remote().result() == [1]


def test_value_that_looks_like_an_error_is_a_value_on_lambda(server: LambdaServer) -> None:
    server.script.append(result(ERROR_OF_SAM))

    assert handle.remote().result() == ERROR_OF_SAM


@pytest.mark.parametrize(
    ("reply", "reason", "detail"),
    [
        (
            refusal(404, "ResourceNotFoundException", b'{"Message": "Function not found"}'),
            *("ResourceNotFoundException", "Function not found"),
        ),
        (
            refusal(403, "AccessDeniedException:http://lambda/", b'{"message": "Not"}'),
            *("AccessDeniedException", "Not"),
        ),
        (refusal(413, "RequestTooLargeException", b"{}"), "RequestTooLargeException", ""),
        (refusal(502, "", b"<html>Bad Gateway"), "HTTP 502", "<html>Bad Gateway"),
        (refusal(500, "ServiceException", b"[1]"), "ServiceException", "[1]"),
        (refusal(503, "", b"\xff"), "HTTP 503", "\ufffd"),
        (refusal(500, "ServiceException", b"[" * 100_000), "ServiceException", "[" * 200),
        (refusal(500, "ServiceException", b'{"message": [1]}'), "ServiceException", "[1]"),
    ],
)
def test_refused_invoke_is_an_invocation_error(
    server: LambdaServer,
    reply: Reply,
    reason: str,
    detail: str,
) -> None:
    server.script.append(reply)
    with pytest.raises(InvocationError) as caught:
        handle.remote().result()

    assert str(caught.value) == f"Model: {reason}: {detail}"
    assert (caught.value.function, caught.value.reason) == ("Model", reason)
    assert f" {caught.value.status} ".encode() in reply.data
    assert len(server.requests) == 1


def test_nobody_listening_is_an_invocation_error(server: LambdaServer) -> None:
    server.stop()
    with pytest.raises(InvocationError, match="Model: ConnectionFailed: ") as caught:
        handle.remote().result()

    assert caught.value.status is None
    assert server.url.removeprefix("http://") in str(caught.value)


def test_tls_failure_is_an_invocation_error(server: LambdaServer, environ: dict[str, str]) -> None:
    environ["AWS_ENDPOINT_URL_LAMBDA"] = server.url.replace("http:", "https:")
    server.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"

    with pytest.raises(InvocationError, match="Model: ConnectionFailed: "):
        handle.remote().result()


def test_connection_is_kept_for_the_next_call(server: LambdaServer) -> None:
    assert [handle.remote(number).result() for number in range(3)] == [0, 1, 2]

    assert (len(server.requests), server.connections) == (3, 1)


def test_calls_at_once_have_a_connection_each_and_share_them_later(server: LambdaServer) -> None:
    server.barrier = asyncio.Barrier(2)  # answers two requests when it has both
    for number in range(0, 6, 2):
        first, second = handle.remote(number), handle.remote(number + 1)
        assert (first.result(), second.result()) == (number, number + 1)

    assert (len(server.requests), server.connections) == (6, 2)


def test_connection_that_the_server_announced_to_close_is_not_used_again(
    server: LambdaServer,
) -> None:
    server.script.append(result(1, hang_up=True, connection="close"))
    assert handle.remote().result() == 1
    assert handle.remote(2).result() == 2

    assert (len(server.requests), server.connections) == (2, 2)


def test_idle_connection_that_the_server_closed_is_replaced(server: LambdaServer) -> None:
    server.script.append(result(1, hang_up=True))
    assert handle.remote().result() == 1
    server.hung_up.wait()
    assert handle.remote(2).result() == 2

    assert [request.event["args"] for request in server.requests] == [[], [2]]
    assert server.connections == 2


def test_connection_that_was_idle_for_long_is_not_trusted(
    server: LambdaServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "IDLE_S", 0.0)
    assert [handle.remote(number).result() for number in range(2)] == [0, 1]

    assert server.connections == 2


HALF = response_bytes(200, {}, b"x" * 100)[:-50]


@pytest.mark.parametrize(
    "reply",
    [
        CUT,
        Reply(b"HTTP/1.1 200 OK\r\ncontent-le", hang_up=True),
        Reply(HALF, hang_up=True),
        Reply(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", hang_up=True),
        Reply(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", hang_up=True),
        Reply(b"HTTP/1.1 fine\r\n\r\n", hang_up=True),
        Reply(b"SMTP\r\n\r\n", hang_up=True),
    ],
)
def test_connection_cut_after_the_request_is_an_error_and_never_a_second_send(  # R14
    server: LambdaServer,
    reply: Reply,
) -> None:
    assert handle.remote(1).result() == 1
    server.script.append(reply)
    with pytest.raises(InvocationError, match="Model: ConnectionFailed"):
        handle.remote(2).result()

    assert [request.event["args"] for request in server.requests] == [[1], [2]]
    assert handle.remote(3).result() == 3
    assert server.connections == 2


@pytest.mark.parametrize("sam_local", ["true", ""])
def test_answer_that_is_no_json_is_an_invalid_call(
    server: LambdaServer,
    environ: dict[str, str],
    sam_local: str,
) -> None:
    environ["AWS_SAM_LOCAL"] = sam_local
    server.script.append(Reply(response_bytes(200, {}, b"<html>")))

    with pytest.raises(InvalidCall, match="not a JSON value"):
        handle.remote().result()


def test_cancelled_call_does_not_leave_its_answer_to_the_next(server: LambdaServer) -> None:
    arrived, may_reply = threading.Event(), threading.Event()

    def hold() -> None:
        arrived.set()
        may_reply.wait()

    server.before_reply = hold
    response = handle.remote("late")
    arrived.wait()
    response.cancel()
    may_reply.set()

    assert handle.remote("next").result() == "next"
    assert server.connections == 2


def test_response_as_argument_is_sent_as_its_result(server: LambdaServer) -> None:
    first = handle.remote(1)
    assert handle.remote(first, again=first).result() == 1

    assert server.requests[1].event["args"] == [1]
    assert server.requests[1].event["kwargs"] == {"again": 1}


def test_failed_response_as_argument_fails_the_call_unsent(server: LambdaServer) -> None:
    server.script.append(lambda_server.function_error(b'{"errorType": "ValueError"}'))
    first = handle.remote()

    with pytest.raises(ValueError, match="ValueError in deployment Model"):
        handle.remote(first, 2, top=first).result()
    assert len(server.requests) == 1


def test_response_inside_a_list_is_refused_unsent(server: LambdaServer) -> None:
    first = handle.remote(1)
    first.result()

    with pytest.raises(ServeError, match="`DeploymentResponse` is not serializable"):
        handle.remote([first])
    assert len(server.requests) == 1


def test_argument_that_cannot_travel_is_refused_at_once(server: LambdaServer) -> None:
    with pytest.raises(NotSerializable, match="argument 1 is a"):
        handle.remote(1, object())
    assert server.requests == []


def test_handle_works_under_asyncio_run() -> None:
    async def main() -> Any:
        return await asyncio.gather(handle.remote(1), handle.remote(2))

    assert asyncio.run(main()) == [1, 2]
    assert asyncio.run(main()) == [1, 2]


def test_handle_works_in_a_thread_beside_a_running_loop() -> None:
    async def main() -> Any:
        return await asyncio.to_thread(lambda: handle.remote(1).result())

    assert asyncio.run(main()) == 1


def test_handle_works_in_many_threads(server: LambdaServer) -> None:
    with ThreadPoolExecutor(8) as threads:
        results = threads.map(lambda number: handle.remote(number).result(), range(40))
        assert list(results) == list(range(40))

    assert sorted(request.event["args"][0] for request in server.requests) == list(range(40))


async def test_function_that_ends_waits_until_cancelled_calls_have_hung_up(
    server: LambdaServer,
    environ: dict[str, str],
) -> None:
    here = asyncio.get_running_loop()
    client = LambdaTransport(lambda: here, environ)
    arrived = asyncio.Event()
    server.before_reply = lambda: here.call_soon_threadsafe(arrived.set)
    feed = server.feed()
    call = Call(deployment="Model", application="default", method="predict", args=(1,))
    unsent, sent = client.send(call), client.send(call)
    unsent.cancel()
    await arrived.wait()
    sent.cancel()
    await client.settle()

    assert feed.left.wait(10)  # the loop stands still
    client.let_go(here)


def test_call_is_sent_before_anybody_waits_for_it(server: LambdaServer) -> None:
    arrived = threading.Event()
    server.before_reply = arrived.set
    handle.remote(1)

    assert arrived.wait(10)


def test_loop_of_the_function_carries_calls_while_it_runs(
    server: LambdaServer,
    environ: dict[str, str],
) -> None:
    function = LoopThread("function")
    client = LambdaTransport(lambda: function.loop, environ)
    call = Call(deployment="Model", application="default", method="predict", args=(1,))
    assert client.send(call).result() == 1
    assert client._thread is None
    function.loop.call_soon_threadsafe(client.let_go, function.loop)
    function.stop()

    assert client.send(call).result() == 1
    client.close()
    assert server.connections == 2


def test_endpoint_that_changes_is_followed(server: LambdaServer, environ: dict[str, str]) -> None:
    handle.remote(1).result()
    other = LambdaServer()
    environ["AWS_ENDPOINT_URL_LAMBDA"] = other.url
    handle.remote(2).result()
    other.stop()

    assert [len(server.requests), len(other.requests)] == [1, 1]


def test_nowhere_to_send_is_a_serve_error(environ: dict[str, str]) -> None:
    environ.clear()

    with pytest.raises(ServeError, match="a handle needs to know where Lambda is"):
        handle.remote().result()


def test_any_deployment_may_exist() -> None:
    assert serve.get_deployment_handle("Nothing", "default") == DeploymentHandle("Nothing")


def function(**variables: str) -> dict[str, Any]:
    return {"FunctionName": "f", "Environment": {"Variables": variables}}


def test_own_application_is_known_without_asking(
    server: LambdaServer,
    environ: dict[str, str],
) -> None:
    environ.update(ADAPTER_APPLICATION="shop", ADAPTER_INGRESS="Gateway")

    assert serve.get_app_handle("shop") == DeploymentHandle("Gateway", "shop")
    assert server.requests == []


def test_other_application_is_found_among_all_functions(server: LambdaServer) -> None:
    server.script.extend(
        [
            result({"Functions": [{"FunctionName": "a"}], "NextMarker": "a/b="}),
            result({"Functions": [function(ADAPTER_APPLICATION="x"), shop()], "NextMarker": None}),
        ],
    )

    assert serve.get_app_handle("shop") == DeploymentHandle("Gateway", "shop")
    targets = [request.target for request in server.requests]
    assert targets == [f"{FUNCTIONS}/", f"{FUNCTIONS}/?Marker=a%2Fb%3D"]


def test_an_ingress_elsewhere_that_shares_its_function_is_called_there(
    server: LambdaServer,
) -> None:
    shared = shop()
    shared["Environment"]["Variables"]["ADAPTER_SHARED"] = "shop-Gateway:shop-front"
    server.script.append(result({"Functions": [shared], "NextMarker": None}))

    serve.get_app_handle("shop").remote(1).result()

    assert server.requests[1].target == f"{FUNCTIONS}/shop-front/invocations"
    assert json.loads(server.requests[1].body)["deployment"] == "Gateway"


def shop() -> dict[str, Any]:
    return function(ADAPTER_APPLICATION="shop", ADAPTER_INGRESS="Gateway")


def test_application_that_no_function_belongs_to_does_not_exist(server: LambdaServer) -> None:
    server.script.append(result({"Functions": [function()], "NextMarker": ""}))

    with pytest.raises(ServeError, match="Application 'shop' does not exist"):
        serve.get_app_handle("shop")


def test_refused_list_of_functions_says_so(server: LambdaServer) -> None:
    server.script.append(refusal(403, "AccessDeniedException", b'{"Message": "not authorized"}'))

    with pytest.raises(InvocationError, match="ListFunctions: AccessDeniedException: not auth"):
        serve.get_app_handle("shop")
    server.stop()
    with pytest.raises(InvocationError, match="ListFunctions: ConnectionFailed: "):
        serve.get_app_handle("shop")


async def test_calls_on_other_loops_may_end_while_a_function_waits_for_its_own(
    client: LambdaTransport,
) -> None:
    class Ending(asyncio.Task[None]):
        def cancelling(self) -> int:
            client._tasks.discard(self)  # as another thread does
            return super().cancelling()

    async def nothing() -> None:
        """End at once."""

    loop = asyncio.get_running_loop()
    tasks = [Ending(nothing(), loop=loop) for _ in range(2)]
    client._tasks.update(tasks)
    await client.settle()
    await asyncio.gather(*tasks)

    assert not client._tasks


LONG_CALLS = """
import asyncio, resource
from adapter.serve import transport
from adapter.serve.handles import DeploymentHandle

async def main():
    transport.carry_on(asyncio.get_running_loop())
    faults = []
    for _ in range(20):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        assert len(await DeploymentHandle("Model").remote("x" * 1_000_000)) == 1_000_000
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    transport.let_go(asyncio.get_running_loop())
    print(sorted(faults[5:])[7])

asyncio.run(main())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others keep what they like")
def test_memory_of_a_long_call_is_that_of_the_call_before(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LONG_CALLS],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **environ},
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stdout) < 250  # pages; as many as a body of 1 MB has
