"""Every example of Ray Serve's three guides, with its import line changed.

Each runs in three ways: as a script that serves itself, under `adapter run`, and as functions
whose `handler(event, context)` is called. `DAGDriver` and the `http_adapters` are in
`tests/test_drivers.py` and `tests/e2e/test_older_forms.py`.
"""

import asyncio
import runpy
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2
import pytest
import yaml
from websockets.sync.client import connect

from adapter import serve
from adapter.http1 import response_bytes
from adapter.plan.target import plan_target
from adapter.serve import older, running, start_options
from tests import events
from tests.calls.lambda_server import LambdaServer, Reply
from tests.guides import calling_guide, factory_guide, http_guide
from tests.guides.samples import Asked, Heard, Said, Sample
from tests.plan.programs import Program, program_in
from tests.planned import Planned, planned
from tests.running import Run, adapter_run
from tests.sockets import clients

SAMPLES: dict[str, Sample] = {
    f"{guide}_{name}": sample
    for guide, samples in {
        "factory": factory_guide.SAMPLES,
        "http": http_guide.SAMPLES,
        "calling": calling_guide.SAMPLES,
    }.items()
    for name, sample in samples.items()
}


@pytest.fixture(autouse=True)
def _each_program_is_the_first(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(older, "_deployed", {})
    yield
    start_options.keep(None)


# As a script.


@pytest.fixture
def script_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the script's server listen on a free port, whatever the script says."""
    start = serve.start

    def start_anywhere(http_options: dict[str, Any] | None = None) -> None:
        start(http_options={**(http_options or {}), "port": 0})

    start_anywhere()
    monkeypatch.setattr(serve, "start", start_anywhere)
    yield
    serve.shutdown()


@pytest.mark.usefixtures("script_server")
@pytest.mark.parametrize("name", SAMPLES)
def test_as_a_script(name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(sample.source))

    names = runpy.run_path(str(script), run_name="__main__")

    with client(running.url()) as http:
        check_over_http(http, sample.route_prefix, sample)
    check_over_sockets(running.url(), sample.route_prefix, sample)
    for called in sample.called:
        response = names[sample.target].get_handle().remote
        if called.method != "__call__":
            response = getattr(names[sample.target].get_handle(), called.method).remote
        assert response(*called.args).result(timeout_s=30) == called.answer


# Under `adapter run`: one config file for as many programs as can be in one, because several may
# rely on the name "default".

DEFAULTS = [name for name, sample in SAMPLES.items() if sample.is_default]
OTHERS = [name for name, sample in SAMPLES.items() if not sample.is_default]
GROUPS = [[default, *OTHERS[number :: len(DEFAULTS)]] for number, default in enumerate(DEFAULTS)]


@pytest.mark.timeout(300)  # it starts some twenty processes
@pytest.mark.parametrize("group", GROUPS, ids=DEFAULTS)
def test_under_adapter_run(group: list[str], tmp_path: Path, subtests: pytest.Subtests) -> None:
    run = adapter_run(config_file(group, tmp_path), folder=tmp_path)
    try:
        for name in group:
            with subtests.test(name):
                check_served(run, name)
    finally:
        assert run.stop() == 0


def config_file(group: list[str], folder: Path) -> str:
    """Write the programs, and a file that serves each below its own name."""
    for name in group:
        (folder / f"{name}.py").write_text(textwrap.dedent(SAMPLES[name].source))
    applications = [
        {
            "name": "default" if SAMPLES[name].is_default else name,
            "route_prefix": f"/{name}",
            "import_path": f"{name}:{SAMPLES[name].target}",
        }
        for name in group
    ]
    (folder / "config.yaml").write_text(yaml.safe_dump({"applications": applications}))
    return "config.yaml"


def check_served(run: Run, name: str) -> None:
    sample = SAMPLES[name]
    with client(run.http_url) as http:
        check_over_http(http, f"/{name}", sample)
    check_over_sockets(run.http_url, f"/{name}", sample)
    with client(run.lambda_url) as invoker:
        for called in sample.called:
            path = f"/2015-03-31/functions/{name}-{sample.target}/invocations"
            event = {"method": called.method, "args": called.args}
            assert invoker.post(path, json=event).json() == called.answer


# As functions.


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with program_in(tmp_path) as made:
        yield made


@pytest.mark.parametrize("name", SAMPLES)
def test_through_the_handlers_of_its_functions(
    name: str,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sample = SAMPLES[name]
    program.write(program=sample.source)
    plan = plan_target(
        f"program:{sample.target}",
        app_dir=program.folder,
        route_prefix=sample.route_prefix,
    )
    for variable, value in plan.functions[0].environment.items():
        monkeypatch.setenv(variable, value)

    with planned(plan) as functions:
        for asked in sample.asked:
            asked.check(invoked(functions, sample.route_prefix, asked))
        for called in sample.called:
            assert functions.call(called.method, *called.args) == called.answer
        for said in sample.said:
            assert heard_by_a_client(functions, said, monkeypatch) == said.messages


# What the older guide says besides.


@pytest.mark.usefixtures("script_server")
async def test_an_asynchronous_handle_is_awaited_twice() -> None:
    @serve.deployment
    def double(number: int) -> int:
        return 2 * number

    await asyncio.to_thread(double.deploy)

    handle = double.get_handle(sync=False)
    assert await (await handle.remote(4)) == 8


@pytest.mark.parametrize("location", ["HeadOnly", "EveryNode"])
def test_a_server_for_http_wherever_it_is_to_be(location: str) -> None:
    serve.start(http_options={"location": location, "port": 0})
    try:
        serve.run(serve.deployment(lambda: "here").options(name="here").bind())
        with client(running.url()) as http:
            assert http.get("/").text == "here"
    finally:
        serve.shutdown()


def check_over_http(http: httpx2.Client, prefix: str, sample: Sample) -> None:
    for asked in sample.asked:
        answer = http.request(
            asked.method,
            prefix.rstrip("/") + asked.path,
            content=asked.content,
            headers=asked.sent_headers,
        )
        asked.check(Heard.of(answer.status_code, dict(answer.headers), answer.content))


def check_over_sockets(url: str, prefix: str, sample: Sample) -> None:
    for said in sample.said:
        address = url.replace("http", "ws", 1) + prefix.rstrip("/") + said.path
        with connect(address) as socket:
            for message, answer in said.messages:
                socket.send(message)
                assert socket.recv(timeout=30) == answer


def heard_by_a_client(
    functions: Planned,
    said: Said,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[tuple[str, str], ...]:
    """Send the events of a WebSocket API, and return the messages with what is posted to each."""
    server = LambdaServer()
    server.script.extend([Reply(response_bytes(200, {}))] * len(said.messages))
    monkeypatch.setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    handler = functions.ingress_function
    try:
        query = {"socket_path": [said.path]}
        assert handler(clients.connect(query=query)) == {"statusCode": 200}
        for message, _ in said.messages:
            assert handler(clients.message(message)) == {"statusCode": 200}
        assert handler(clients.disconnect()) == {"statusCode": 200}
        posted = [request.body.decode() for request in server.requests]
        return tuple(zip([message for message, _ in said.messages], posted, strict=True))
    finally:
        server.stop()


def client(url: str) -> httpx2.Client:
    return httpx2.Client(base_url=url, timeout=60, follow_redirects=True)


def invoked(functions: Planned, prefix: str, asked: Asked) -> Heard:
    """Send an HTTP API's event, and a second one where the first is redirected."""
    url = urlsplit(prefix.rstrip("/") + asked.path)
    content = None if asked.content is None else asked.content.decode()
    event = events.http_api(
        method=asked.method,
        path=unquote(url.path),
        query=url.query,
        headers=asked.sent_headers,
        body=content,
    )
    answer = functions.ask(event)
    if answer.status == 307:
        location = urlsplit(answer.headers["location"][0])
        path = f"{location.path}?{location.query}".removesuffix("?").removeprefix(prefix)
        return invoked(functions, prefix, Asked(f"{asked.method} {path}", None, body=asked.body))
    headers = {name: values[-1] for name, values in answer.headers.items()}
    return Heard.of(answer.status, headers, answer.body)
