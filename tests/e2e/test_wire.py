"""What a client of `adapter run` and of `serve.run` sees of ids, limits and refusals."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from websockets.sync.client import connect

from adapter import serve
from adapter.errors import DeployFailed
from adapter.local import in_process
from tests.e2e import wire_program
from tests.running import adapter_run

PREFIX = "/text"


@pytest.fixture(scope="module", params=["adapter run", "serve.run"])
def client(request: pytest.FixtureRequest) -> Iterator[httpx2.Client]:
    if request.param == "adapter run":
        target = "tests.e2e.wire_program:app"
        run = adapter_run(target, "--route-prefix", PREFIX, folder=Path.cwd())
        with httpx2.Client(base_url=run.http_url, timeout=60) as made:
            yield made
        assert run.stop() == 0
        return
    serve.start(http_options={"port": 0})
    try:
        serve.run(wire_program.app, route_prefix=PREFIX)
        with httpx2.Client(base_url=in_process.url(), timeout=60) as made:
            yield made
    finally:
        serve.shutdown()


def test_the_id_of_the_client_reaches_every_deployment(client: httpx2.Client) -> None:
    answer = client.get("/text/", headers={"x-request-id": "mine"})

    assert answer.json() == ["mine", "mine"]
    assert answer.headers.get_list("x-request-id") == ["mine"]


def test_an_id_is_made_up_where_there_is_none(client: httpx2.Client) -> None:
    answer = client.get("/text/")

    here, there = answer.json()
    assert here == there == answer.headers["x-request-id"] == str(uuid.UUID(here))


def test_a_callee_that_is_busy_is_the_clients_429(client: httpx2.Client) -> None:
    answer = client.get("/text/busy")

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert answer.text == (
        "Request dropped due to backpressure (num_queued_requests=2, max_queued_requests=1)."
    )


def test_a_client_limits_its_request(client: httpx2.Client) -> None:
    headers = {"x-request-timeout-seconds": "0.2", "x-request-id": "mine"}
    answer = client.get("/text/slow", headers=headers)

    assert (answer.status_code, answer.text) == (408, "Request mine timed out after 0.2s.")


def test_a_web_socket_is_greeted_and_each_message_is_an_invocation(client: httpx2.Client) -> None:
    address = str(client.base_url).replace("http", "ws", 1).rstrip("/")
    with connect(f"{address}/text/socket") as socket:
        greeting = socket.recv(timeout=30)
        ids = []
        for _ in range(2):
            socket.send("who?")
            here, there = json.loads(socket.recv(timeout=30))
            assert here == there
            ids.append(here)

    assert greeting == "hello"
    assert len(set(ids)) == 2


def test_the_front_tells_what_there_is(client: httpx2.Client) -> None:
    assert client.get("/-/routes").json() == {"/text": "default"}
    assert client.get("/-/healthz").text == "success"
    assert client.get("/text", follow_redirects=False).headers["location"].endswith("/text/")
    assert client.get("/elsewhere").text == (
        "Path '/elsewhere' not found. Ping http://.../-/routes for available routes."
    )


def test_a_call_of_an_application_that_failed_is_a_503() -> None:
    @serve.deployment
    class Broken:
        def __init__(self) -> None:
            raise KeyError("no weights")

    @serve.deployment
    async def asking() -> str:
        result: str = await serve.get_app_handle("broken").remote()
        return result

    serve.start(http_options={"port": 0})
    try:
        with pytest.raises(DeployFailed):
            serve.run(Broken.bind(), name="broken", route_prefix=None)
        serve.run(asking.bind(), name="asking")
        answer = httpx2.get(in_process.url(), timeout=60)
    finally:
        serve.shutdown()

    assert answer.status_code == 503
    expected = "Deployment(name='Broken', app='broken') is unavailable because it failed to deploy."
    assert answer.text == expected
