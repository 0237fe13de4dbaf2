"""The server as a whole: files, ports, replacing, and an end that leaves nothing."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from adapter.errors import LocalError
from adapter.local.log import Log
from adapter.local.server import LocalServer, ServerSettings, check_distinct
from adapter.plan.values import ApplicationPlan, Concurrency, FunctionUrl
from tests.local.world import (
    AWS_RUNTIME,
    ECHO,
    GATED,
    PID,
    Gate,
    application_plan,
    function_plan,
    is_alive,
    only,
    serving,
)

CALLER = """
import json, os, urllib.request

def handler(event, context):
    url = os.environ["AWS_ENDPOINT_URL_LAMBDA"]
    request = urllib.request.Request(
        f"{url}/2015-03-31/functions/Callee/invocations",
        data=json.dumps({"from": "Caller"}).encode(),
    )
    return json.load(urllib.request.urlopen(request))
"""
ALIASES = (
    "import os\n\ndef handler(event, context):\n    return os.environ.get('ADAPTER_ALIASES')\n"
)
STREAMS = (
    "import os\n\ndef handler(event, context):\n    return os.environ.get('ADAPTER_STREAMS')\n"
)


async def test_a_function_reaches_another_through_lambdas_api() -> None:
    plan = application_plan(
        function_plan(CALLER, name="Caller", calls=("Callee",)),
        function_plan(ECHO, name="Callee", is_ingress=False),
    )
    async with serving(plan) as served:
        response = await served.http.get("/")

    assert response.json() == {"from": "Caller"}


async def test_awss_own_runtime_client_serves_http_too() -> None:
    async with serving(application_plan(function_plan()), command=AWS_RUNTIME) as served:
        response = await served.http.get("/a")

    assert response.json()["rawPath"] == "/a"


async def test_the_entry_point_is_the_plans_text_to_the_letter() -> None:
    source = "# ü\ndef handler(event, context):\n    return open(__file__, 'rb').read().decode()\n"
    async with serving(application_plan(function_plan(source))) as served:
        answer = await served.invoke()

    assert answer["Payload"] == source


async def test_the_users_code_is_imported_from_the_application_folder(tmp_path: Path) -> None:
    (tmp_path / "users_module.py").write_text("answer = 42\n")
    source = "from users_module import answer\n\ndef handler(event, context):\n    return answer\n"
    async with serving(application_plan(function_plan(source)), app_dir=tmp_path) as served:
        answer = await served.invoke()

    assert answer["Payload"] == 42


async def test_callers_are_told_the_aliases_of_their_callees() -> None:
    warm = Concurrency(provisioned=1)
    plan = application_plan(
        function_plan(ALIASES, name="Caller", calls=("Cold", "Elsewhere", "Warm")),
        function_plan(ALIASES, name="Cold", is_ingress=False),
        function_plan(ALIASES, name="Warm", is_ingress=False, concurrency=warm),
    )
    async with serving(plan) as served:
        answers = [(await served.invoke(name))["Payload"] for name in ("Caller", "Cold")]

    assert answers == ["Warm:live", None]


@pytest.mark.parametrize(
    ("settings", "as_deployed", "expected"),
    [
        ({}, False, "http-api"),
        ({"environment": {"ADAPTER_STREAMS": "url"}}, False, "url,http-api"),
        ({"environment": {"ADAPTER_STREAMS": "url"}}, True, "url"),
        ({"environment": {"ADAPTER_STREAMS": "rest"}}, True, "rest,http-api"),
        ({}, True, None),
        ({"exec_wrapper": False}, False, None),
    ],
)
async def test_functions_may_stream_over_http_unless_they_are_served_as_deployed(
    settings: dict[str, Any],
    *,
    as_deployed: bool,
    expected: str | None,
) -> None:
    plan = application_plan(function_plan(STREAMS, **settings))
    async with serving(plan, as_deployed=as_deployed) as served:
        answer = await served.invoke()

    assert answer["Payload"] == expected


async def test_functions_with_a_url_are_served_there() -> None:
    source = "def handler(event, context):\n    return event['rawPath']\n"
    plan = application_plan(
        function_plan(source, url=FunctionUrl(streams=False)),
        function_plan(source, name="Other", is_ingress=False),
    )
    async with serving(plan) as served:
        with_url = await served.http.get("/_url/Echo/a%20b")
        without = await served.http.get("/_url/Other/a")

    assert (with_url.status_code, with_url.json()) == (200, "/a%20b")
    assert without.status_code == 404


async def test_a_taken_port_is_an_error_that_names_the_option(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option, settings in (
            ("--port", ServerSettings(app_dir=tmp_path, port=port, lambda_port=0)),
            ("--lambda-port", ServerSettings(app_dir=tmp_path, port=0, lambda_port=port)),
        ):
            server = LocalServer([application_plan(function_plan())], settings, Log(print))
            with pytest.raises(LocalError, match=f"127.0.0.1:{port}.* {option};"):
                await server.__aenter__()


async def test_an_address_of_another_machine_is_an_error(tmp_path: Path) -> None:
    settings = ServerSettings(app_dir=tmp_path, host="192.0.2.1", port=0)
    server = LocalServer([application_plan(function_plan())], settings, Log(print))

    with pytest.raises(LocalError, match=r"192\.0\.2\.1:0"):
        await server.__aenter__()


async def test_it_listens_on_ipv6_too() -> None:
    async with serving(application_plan(function_plan()), host="::1") as served:
        response = await served.http.get("/")

    assert response.json()["requestContext"]["domainName"] == "::1"
    assert served.server.http_url.startswith("http://[::1]:")


async def test_nothing_stays_behind() -> None:
    plan = function_plan(PID, concurrency=Concurrency(provisioned=2))
    async with serving(application_plan(plan)) as served:
        await served.records.wait_for("init", 2)
        pids = [one.pid for one in served.server.functions["Echo"].environments]
        folder = served.server._folder
        was_there = folder.exists()

    assert was_there
    assert not folder.exists()
    assert not any(is_alive(pid) for pid in pids)
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", int(served.server.http_url.rpartition(":")[2]))


async def test_a_request_in_flight_at_the_end_gets_an_answer(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    source = GATED.replace('event.get("gate")', 'event.get("rawQueryString")')
    async with serving(application_plan(function_plan(source))) as served:
        asking = asyncio.create_task(served.http.get(f"/?{gate.path}"))
        async with gate.holding():
            await served.server.__aexit__(None, None, None)
            response = await asking

    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})


async def test_replacing_the_plan_replaces_functions_and_routes() -> None:
    def version(text: str, **plan: str) -> ApplicationPlan:
        source = f"def handler(event, context):\n    return {text!r}\n"
        return application_plan(function_plan(source, name=text), **plan)

    async with serving(version("one")) as served:
        first = (await served.http.get("/")).json()
        pid = only(served.server.functions["one"].environments).pid
        served.server.replace([version("two", route_prefix="/two")])
        second = (await served.http.get("/two")).json()
        gone = await served.http.get("/")
        listed = await asyncio.to_thread(served.client.list_functions)

    assert (first, second, gone.status_code) == ("one", "two", 404)
    assert [function["FunctionName"] for function in listed["Functions"]] == ["two"]
    assert not is_alive(pid)


async def test_a_plan_that_cannot_be_served_leaves_the_old_one() -> None:
    plan = application_plan(function_plan())
    async with serving(plan) as served:
        with pytest.raises(LocalError, match="share"):
            served.server.replace([plan, plan])
        response = await served.http.get("/")

    assert response.status_code == 200


def test_two_applications_must_not_share_a_prefix_or_a_function() -> None:
    first = application_plan(function_plan(name="A"), name="first")
    second = application_plan(function_plan(name="B"), name="second")
    third = application_plan(function_plan(name="A"), name="third", route_prefix="/third")

    with pytest.raises(LocalError, match="'first' and 'second' share the route prefix '/'"):
        check_distinct([first, second])
    with pytest.raises(LocalError, match="'first' and 'third' share the function 'A'"):
        check_distinct([first, third])


async def test_environments_do_not_see_what_only_lambda_sets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_MAX_CONCURRENCY", "9")
    monkeypatch.setenv("USERS_OWN", "kept")
    source = "import os\n\ndef handler(event, context):\n    return dict(os.environ)\n"
    async with serving(application_plan(function_plan(source))) as served:
        variables = (await served.invoke())["Payload"]

    assert "AWS_LAMBDA_MAX_CONCURRENCY" not in variables
    assert variables["USERS_OWN"] == os.environ["USERS_OWN"]
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "Echo"


PREFIX = """
import os

def handler(event, context):
    return [event["rawPath"], os.environ["ADAPTER_ROUTE_PREFIX"]]
"""


@pytest.mark.parametrize(
    ("prefix", "asked", "base_path"),
    [("/", "/a", "/behind"), ("/shop", "/shop/a", "/behind/shop")],
)
async def test_the_path_of_a_proxy_in_front_is_a_part_of_the_path_and_of_the_prefix(
    prefix: str,
    asked: str,
    base_path: str,
) -> None:
    environment = {} if prefix == "/" else {"ADAPTER_ROUTE_PREFIX": prefix}
    plan = application_plan(function_plan(PREFIX, environment=environment), route_prefix=prefix)
    async with serving(plan, root_path="/behind/") as served:
        response = await served.http.get(asked)

    assert response.json() == [f"/behind{asked}", base_path]


async def test_a_function_url_does_not_lie_below_the_path_of_a_proxy() -> None:
    function = function_plan(PREFIX, url=FunctionUrl(streams=False, public=True))
    async with serving(application_plan(function), root_path="/behind/") as served:
        response = await served.http.get("/_url/Echo/a")

    assert response.json()[0] == "/a"


async def test_http_may_listen_elsewhere_than_lambdas_api() -> None:
    async with serving(application_plan(function_plan()), host="127.0.0.2") as served:
        response = await served.http.get("/a")
        answer = await served.invoke(payload={"a": 1})

    assert response.status_code == 200
    assert served.server.http_url.startswith("http://127.0.0.2:")
    assert served.server.lambda_url.startswith("http://127.0.0.1:")
    assert answer["Payload"] == {"a": 1}
