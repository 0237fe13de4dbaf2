"""`serve.run`: applications in this process, over real HTTP and through handles."""

import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse

from adapter import serve
from adapter.errors import (
    DeploymentUnavailableError,
    PlanError,
    RemoteError,
    ServeError,
)
from adapter.local import in_process, in_process_function, in_process_http
from adapter.serve.deployments import Application
from adapter.serve.exceptions import RayServeException
from adapter.serve.lambda_options import LambdaOptions
from adapter.serve.running import RunTarget
from adapter.serve.schema import LoggingConfig
from adapter.serve.statuses import DeploymentStatusOverview, ServeStatus


@pytest.fixture(autouse=True)
def _one_server() -> Iterator[None]:
    serve.start(http_options={"port": 0})
    yield
    serve.shutdown()


def get(path: str, body: bytes | None = None) -> Any:
    with urllib.request.urlopen(in_process.url() + path, body, timeout=10) as answer:
        return answer.read().decode()


def status(path: str, body: bytes | None = None) -> int:
    try:
        get(path, body)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    return 200


@serve.deployment
class Adder:
    def __init__(self, increment: int = 1) -> None:
        self.increment = increment

    def __call__(self, number: int) -> int:
        return number + self.increment

    def divide(self, number: int) -> float:
        return number / 0


def bound(deployment: Any, *args: Any, **kwargs: Any) -> Application:
    application: Application = deployment.bind(*args, **kwargs)
    return application


def test_a_handle_calls_the_ingress_from_a_plain_script() -> None:
    handle = serve.run(bound(Adder, 2))

    assert handle.remote(40).result(timeout_s=10) == 42


def test_a_plain_deployment_answers_http_with_what_it_returns() -> None:
    @serve.deployment
    class Echo:
        def __call__(self, request: Request) -> dict[str, Any]:
            return {"path": request.url.path, "query": dict(request.query_params)}

    serve.run(bound(Echo))

    assert json.loads(get("/some/where?a=1")) == {"path": "/some/where", "query": {"a": "1"}}


def test_a_function_is_a_deployment() -> None:
    @serve.deployment
    async def teapot(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"I am a teapot for {request.method}", 418)

    serve.run(bound(teapot))

    assert status("/") == 418


def test_handles_may_lie_inside_lists_and_dicts() -> None:
    @serve.deployment
    class Sum:
        def __init__(self, adders: list[Any], named: dict[str, Any]) -> None:
            self.adders = [*adders, *named.values()]

        async def __call__(self, number: int) -> int:
            return sum([await adder.remote(number) for adder in self.adders])

    handle = serve.run(bound(Sum, [bound(Adder, 1), bound(Adder, 2)], {"c": bound(Adder, 3)}))

    assert handle.remote(10).result(timeout_s=10) == 36


def test_a_response_is_an_argument_of_the_next_call() -> None:
    handle = serve.run(bound(Adder))

    assert handle.remote(handle.remote(handle.remote(0))).result(timeout_s=10) == 3


def test_an_exception_arrives_as_its_builtin_type_with_the_remote_traceback() -> None:
    handle = serve.run(bound(Adder))

    with pytest.raises(ZeroDivisionError, match="return number / 0") as caught:
        handle.divide.remote(1).result(timeout_s=10)

    assert isinstance(caught.value, RemoteError)


def test_a_dependency_of_a_factorys_route_gets_a_handle() -> None:
    def factory() -> FastAPI:
        app = FastAPI()

        def adder() -> serve.DeploymentHandle:
            return serve.get_deployment_handle("Adder", "default")

        @app.get("/add")
        async def add(
            number: int,
            handle: serve.DeploymentHandle = Depends(adder),  # noqa: B008, FAST002 - the guide's form
        ) -> dict[str, int]:
            return {"sum": await handle.remote(number)}

        return app

    @serve.deployment
    @serve.ingress(factory)
    class Gateway:
        def __init__(self, adder: serve.DeploymentHandle) -> None:
            self.adder = adder

    serve.run(bound(Gateway, bound(Adder)))

    assert json.loads(get("/add?number=1")) == {"sum": 2}


def test_the_default_ingress_class_serves_a_factory() -> None:
    def factory() -> FastAPI:
        app = FastAPI()
        app.add_api_route("/route", lambda: "hello route")
        return app

    deployment = serve.deployment(serve.ingress(factory)())
    handle = serve.run(deployment.bind())

    assert get("/route") == '"hello route"'
    assert handle.deployment_name == "ASGIIngressDeployment"


def test_two_classes_over_one_app_keep_their_routes_and_share_the_apps() -> None:
    app = FastAPI()
    app.add_api_route("/", lambda: "Hello from the root!")

    @serve.deployment
    @serve.ingress(app)
    class First:
        @app.get("/subpath")
        def method(self) -> str:
            return "Hello 1!"

    @serve.deployment
    @serve.ingress(app)
    class Second:
        @app.get("/subpath")
        def method(self) -> str:
            return "Hello 2!"

    serve.run(bound(First), name="first", route_prefix="/api1")
    serve.run(bound(Second), name="second", route_prefix="/api2")

    assert [get("/api1/subpath"), get("/api2/subpath")] == ['"Hello 1!"', '"Hello 2!"']
    assert [get("/api1/"), get("/api2/")] == ['"Hello from the root!"'] * 2


def test_the_longest_prefix_wins_and_a_strange_path_is_404() -> None:
    @serve.deployment
    class Name:
        def __init__(self, name: str) -> None:
            self.name = name

        def __call__(self, request: Request) -> str:
            return f"{self.name} {request.scope['root_path']}"

    serve.run(bound(Name, "outer"), name="outer", route_prefix="/a")
    serve.run(bound(Name, "inner"), name="inner", route_prefix="/a/b")

    assert [get("/a/x"), get("/a/b/x"), get("/a/bc")] == ["outer /a", "inner /a/b", "outer /a"]
    assert status("/ab") == 404


def test_a_taken_prefix_is_refused() -> None:
    serve.run(bound(Adder), name="one", route_prefix="/same")

    with pytest.raises(
        RayServeException,
        match=r'/same is being used by application "one"\. Failed to deploy application "two"',
    ):
        serve.run(bound(Adder), name="two", route_prefix="/same")

    assert list(serve.status().applications) == ["one"]


def test_running_a_name_again_replaces_the_application() -> None:
    serve.run(bound(Adder, 1))
    handle = serve.run(bound(Adder, 5))

    assert handle.remote(0).result(timeout_s=10) == 5


@serve.deployment
class Broken:
    def __init__(self, *_children: Any) -> None:
        raise KeyError("no weights")


def test_a_constructors_exception_is_told_by_the_runtime_error_that_ray_serve_raises() -> None:
    with pytest.raises(
        RuntimeError,
        match=r"^Deploying application default failed: .*\['Broken'\]\. KeyError: 'no weights'$",
    ) as caught:
        serve.run(bound(Broken))

    assert isinstance(caught.value, RayServeException)
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_application_that_failed_says_why_until_it_is_replaced() -> None:
    ended: list[str] = []

    @serve.deployment
    class Child:
        def __del__(self) -> None:
            ended.append("child")

    with pytest.raises(RuntimeError):
        serve.run(bound(Broken, bound(Child)))
    failed = serve.status().applications["default"]

    assert ended == ["child"]
    assert failed.status == "DEPLOY_FAILED"
    assert failed.message == "Failed to update the deployments ['Broken']. KeyError: 'no weights'"
    broken, child = failed.deployments["Broken"], failed.deployments["Child"]
    assert (broken.status, broken.status_trigger) == ("DEPLOY_FAILED", "REPLICA_STARTUP_FAILED")
    assert 'raise KeyError("no weights")' in broken.message
    assert (child.status, child.replica_states) == ("UPDATING", {})
    with pytest.raises(
        DeploymentUnavailableError,
        match=r"Deployment\(name='Broken', app='default'\) is unavailable because it failed to",
    ):
        serve.get_app_handle("default").remote()
    assert status("/") == 404

    assert serve.run(bound(Adder)).remote(1).result(timeout_s=10) == 2


def test_a_failed_application_holds_no_prefix() -> None:
    with pytest.raises(RuntimeError):
        serve.run(bound(Broken), name="one")

    assert serve.run(bound(Adder), name="two").remote(1).result(timeout_s=10) == 2


def test_a_failed_lifespan_startup_is_told_alike() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if app.title:
            raise OSError("no database")
        yield

    @serve.deployment
    @serve.ingress(FastAPI(lifespan=lifespan))
    class Gateway:
        pass

    with pytest.raises(RuntimeError, match="no database"):
        serve.run(bound(Gateway))


def test_what_runs_has_a_status() -> None:
    serve.run(bound(Adder), name="app", route_prefix="/app")
    found = serve.status()

    [application] = found.applications.values()
    assert (list(found.applications), application.status) == (["app"], "RUNNING")
    assert found.proxies == {in_process.url(): "HEALTHY"}
    assert application.deployments == {"Adder": DeploymentStatusOverview.running()}
    assert application.last_deployed_time_s > 1_700_000_000


def test_what_starts_has_a_status() -> None:
    seen: list[Any] = []

    @serve.deployment
    class Warm:
        def __init__(self, _adder: Any) -> None:
            seen.append(serve.status().applications["default"])

    serve.run(bound(Warm, bound(Adder)))

    [application] = seen
    states = {name: one.replica_states for name, one in application.deployments.items()}
    assert application.status == "DEPLOYING"
    assert states == {"Adder": {"RUNNING": 1}, "Warm": {"STARTING": 1}}


def test_a_deleted_application_is_gone_and_the_others_stay() -> None:
    handle = serve.run(bound(Adder), name="one", route_prefix="/one")
    serve.run(bound(Adder), name="two", route_prefix="/two")

    serve.delete("one")
    serve.delete("never there")

    assert list(serve.status().applications) == ["two"]
    with pytest.raises(ServeError, match="Application 'one' does not exist"):
        handle.remote(1)
    assert status("/one") == 404


def test_an_application_that_ends_may_call_its_own_deployments() -> None:
    said: list[int] = []

    @serve.deployment
    class Polite:
        def __init__(self, adder: Any) -> None:
            self.adder = adder

        async def __del__(self) -> None:
            said.append(await self.adder.remote(1))

    serve.run(bound(Polite, bound(Adder)))
    serve.delete("default")

    assert said == [2]


def test_deleting_without_blocking_returns_before_the_end() -> None:
    ending, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    @serve.deployment
    class Slow:
        def __init__(self, _adder: Any) -> None:
            pass

        async def __del__(self) -> None:
            ending.set()
            await asyncio.to_thread(go_on.wait, 10)
            ended.set()

    serve.run(bound(Slow, bound(Adder)))
    serve.delete("default", _blocking=False)
    assert ending.wait(10)
    application = serve.status().applications["default"]
    serve.run(bound(Adder), name="other")  # the prefix is free at once
    assert not ended.is_set()
    go_on.set()
    serve.delete("default")

    assert (application.status, ended.is_set()) == ("DELETING", True)
    assert list(serve.status().applications) == ["other"]


def test_two_who_delete_an_application_both_wait_for_callers_to_end_before_callees() -> None:
    ended: list[str] = []
    ending, go_on = threading.Event(), threading.Event()

    @serve.deployment
    class Callee:
        def __del__(self) -> None:
            ended.append("callee")

    @serve.deployment
    class Caller:
        def __init__(self, _callee: Any) -> None:
            pass

        async def __del__(self) -> None:
            ending.set()
            await asyncio.to_thread(go_on.wait, 10)
            ended.append("caller")

    serve.run(bound(Caller, bound(Callee)))
    serve.delete("default", _blocking=False)
    assert ending.wait(10)
    other = threading.Thread(target=serve.delete, args=("default",))
    other.start()
    other.join(0.2)  # time to do it wrong
    go_on.set()
    other.join(10)

    assert ended == ["caller", "callee"]


def test_shutdown_async_leaves_the_event_loop_free() -> None:
    turns: list[str] = []

    async def turn() -> None:
        turns.append("turned")

    @serve.deployment
    class Model:
        def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
            self.loop = loop

        async def __del__(self) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(turn(), self.loop))

    async def main() -> None:
        serve.run(bound(Model, asyncio.get_running_loop()))
        await serve.shutdown_async()

    asyncio.run(main())

    assert turns == ["turned"]
    assert serve.status() == ServeStatus()


def test_many_applications_start_in_one_go() -> None:
    handles = serve.run_many(
        [RunTarget(bound(Adder, 1), "one", "/one"), RunTarget(bound(Adder, 2), "two", None)],
    )

    assert [handle.remote(1).result(timeout_s=10) for handle in handles] == [2, 3]
    assert [handle.app_name for handle in handles] == ["one", "two"]
    assert [status("/one"), status("/two")] == [500, 404]  # an Adder takes no request


def test_one_of_many_that_fails_does_not_keep_the_others() -> None:
    with pytest.raises(RuntimeError, match="Deploying application bad failed"):
        serve.run_many([RunTarget(bound(Broken), "bad", "/bad"), RunTarget(bound(Adder), "good")])

    fares = {name: found.status for name, found in serve.status().applications.items()}
    assert fares == {"bad": "DEPLOY_FAILED", "good": "RUNNING"}


def test_nothing_of_many_begins_where_two_share_a_prefix() -> None:
    with pytest.raises(ServeError, match='is being used by application "one"'):
        serve.run_many([RunTarget(bound(Adder), "one"), RunTarget(bound(Adder), "two")])

    assert serve.status().applications == {}


def test_many_may_swap_their_prefixes() -> None:
    serve.run(bound(Adder), name="one", route_prefix="/one")
    serve.run(bound(Adder), name="two", route_prefix="/two")

    serve.run_many(
        [RunTarget(bound(Adder), "one", "/two"), RunTarget(bound(Adder), "two", "/one")],
    )

    assert {found.status for found in serve.status().applications.values()} == {"RUNNING"}


def test_the_applications_logging_config_is_for_deployments_without_one() -> None:
    @serve.deployment(logging_config={"log_level": "ERROR"})
    class Own:
        pass

    serve.run(bound(Adder, bound(Own)), logging_config={"log_level": "DEBUG"})
    assert in_process._server is not None
    functions = in_process._server.applications["default"].functions
    configs = {
        name: cast("Any", function)._servable._deployment.logging_config
        for name, function in functions.items()
    }

    assert configs == {
        "Adder": LoggingConfig(log_level="DEBUG"),
        "Own": LoggingConfig(log_level="ERROR"),
    }


def test_options_of_ray_actors_are_named(caplog: pytest.LogCaptureFixture) -> None:
    options = {"num_gpus": 1, "runtime_env": {"env_vars": {"A": "1"}}}
    serve.run(bound(Adder.options(ray_actor_options=options)))

    assert [text.partition(" is not")[0] for text in caplog.messages] == [
        "Adder: num_gpus",
        "Adder: runtime_env",
    ]


def test_a_constructor_may_call_what_it_was_given() -> None:
    @serve.deployment
    class Warm:
        async def __init__(self, adder: Any) -> None:  # type: ignore[misc] # Ray Serve allows it
            self.first = await adder.remote(1)

        def __call__(self) -> int:
            return int(self.first)

    assert serve.run(bound(Warm, bound(Adder))).remote().result(timeout_s=10) == 2


def test_handles_by_name_know_what_exists() -> None:
    serve.run(bound(Adder), name="app")

    assert serve.get_app_handle("app").remote(1).result(timeout_s=10) == 2
    for deployment, application in (("Nope", "app"), ("Adder", "nope")):
        name = re.escape(f"Deployment(name={deployment!r}, app={application!r})")
        with pytest.raises(KeyError, match=f"{name} does not exist"):
            serve.get_deployment_handle(deployment, application)
    with pytest.raises(RayServeException, match=r"^Application 'zzz' does not exist\.$"):
        serve.get_app_handle("zzz")
    with pytest.raises(ServeError, match="outside of a Serve application"):
        serve.get_deployment_handle("Adder")


def test_a_call_can_be_awaited_in_the_users_own_loop() -> None:
    handle = serve.run(bound(Adder))

    async def main() -> list[int]:
        return list(await asyncio.gather(*(handle.remote(number) for number in range(3))))

    assert asyncio.run(main()) == [1, 2, 3]


def test_live_objects_are_fine_as_arguments() -> None:
    seen: list[int] = []

    @serve.deployment
    class Recorder:
        def __init__(self, record: Any) -> None:
            self.record = record

        def __call__(self, number: int) -> None:
            self.record(number)

    serve.run(bound(Recorder, seen.append)).remote(7).result(timeout_s=10)

    assert seen == [7]


def test_an_application_off_http_is_reached_by_its_handle_only() -> None:
    handle = serve.run(bound(Adder), route_prefix=None)

    assert handle.remote(1).result(timeout_s=10) == 2
    assert status("/") == 404


@pytest.mark.parametrize("prefix", ["api", "/api/", "/{name}"])
def test_a_malformed_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="route_prefix"):
        serve.run(bound(Adder), route_prefix=prefix)


def test_something_unbound_is_refused() -> None:
    with pytest.raises(TypeError, match="expects an `Application` returned by `Deployment"):
        serve.run(cast(Application, Adder))


def test_start_does_not_change_a_server_that_runs(caplog: pytest.LogCaptureFixture) -> None:
    serve.run(bound(Adder))
    address = in_process.url()

    serve.start()
    serve.start(http_options={"port": 0})
    assert caplog.messages == []
    serve.start(http_options={"port": 0, "host": "0.0.0.0"})

    [text] = caplog.messages
    assert "serve.start does not change host" in text
    assert in_process.url() == address


@pytest.mark.parametrize(
    ("http_options", "lambda_options"),
    [
        ({"request_timeout_s": 0.05}, LambdaOptions()),
        ({}, LambdaOptions(request_timeout_s=0.05)),
    ],
)
def test_a_request_that_takes_too_long_is_cancelled_and_answered_with_408(
    http_options: dict[str, Any],
    lambda_options: LambdaOptions,
) -> None:
    cancelled = threading.Event()

    @serve.deployment(lambda_options=lambda_options)
    class Slow:
        async def __call__(self, _request: Request) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

    serve.start(http_options={"port": 0, **http_options})
    serve.run(bound(Slow))

    assert (status("/"), cancelled.wait(10)) == (408, True)


def test_a_body_above_the_limit_is_answered_with_413() -> None:
    @serve.deployment(lambda_options=LambdaOptions(max_body_bytes=3))
    async def echo(request: Request) -> bytes:
        return await request.body()

    serve.start(http_options={"port": 0})
    serve.run(bound(echo))

    assert [status("/", body) for body in (b"abc", b"abcd")] == [200, 413]


class Pieces:
    """A stream over HTTP that the test lets go on, and what became of it."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.closed = threading.Event()


@serve.deployment
class Source:
    def __init__(self, pieces: Pieces, *, ends: bool = True) -> None:
        self.pieces = pieces
        self.ends = ends

    async def letters(self) -> AsyncIterator[str]:
        try:
            yield "a"
            if not self.ends:
                await asyncio.Event().wait()
            await asyncio.to_thread(self.pieces.go_on.wait)
            yield "b"
        finally:
            self.pieces.closed.set()


@serve.deployment
class Front:
    def __init__(self, source: serve.DeploymentHandle) -> None:
        self.source = source

    def __call__(self, _request: Request) -> StreamingResponse:
        return StreamingResponse(self.source.options(stream=True).letters.remote())


def open_stream() -> Any:
    parts = urlsplit(in_process.url())
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    connection.request("GET", "/")
    return connection, connection.getresponse()


def test_items_of_a_handle_are_a_streamed_response_one_by_one() -> None:
    pieces = Pieces()
    serve.run(bound(Front, bound(Source, pieces)))
    connection, response = open_stream()

    assert response.read1() == b"a"
    pieces.go_on.set()
    assert response.read() == b"b"
    connection.close()


def test_a_client_that_leaves_closes_the_generator_behind_the_handle() -> None:
    pieces = Pieces()
    serve.run(bound(Front, bound(Source, pieces, ends=False)))
    connection, response = open_stream()
    assert response.read1() == b"a"
    assert not pieces.closed.is_set()
    response.close()
    connection.close()

    assert pieces.closed.wait(10)


def test_a_client_that_leaves_cancels_the_call_behind_the_request() -> None:
    waiting, cancelled = threading.Event(), threading.Event()

    @serve.deployment
    class Stuck:
        async def __call__(self) -> None:
            waiting.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

    @serve.deployment
    class Asking:
        def __init__(self, stuck: serve.DeploymentHandle) -> None:
            self.stuck = stuck

        async def __call__(self, _request: Request) -> None:
            await self.stuck.remote()

    serve.run(bound(Asking, bound(Stuck)))
    parts = urlsplit(in_process.url())
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    connection.request("GET", "/")
    assert waiting.wait(10)
    connection.close()

    assert cancelled.wait(10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_blocking_run_ends_at_a_signal_and_runs_shutdown(tmp_path: Path, number: int) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from contextlib import asynccontextmanager\n"
        "from fastapi import FastAPI\n"
        "from adapter import serve\n"
        "@asynccontextmanager\n"
        "async def lifespan(app):\n"
        "    yield\n"
        "    print('shut down', flush=True)\n"
        "@serve.deployment\n"
        "@serve.ingress(FastAPI(lifespan=lifespan))\n"
        "class Gateway:\n"
        "    pass\n"
        "serve.start(http_options={'port': 0})\n"
        "serve.run(Gateway.bind(), blocking=True)\n",
    )
    process = subprocess.Popen(
        [sys.executable, "-u", str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline().startswith("Serving on http://127.0.0.1:")
        process.send_signal(number)
        rest = process.stdout.read()

    assert (rest, process.returncode) == ("shut down\n", 0)


def test_a_replacement_that_cannot_be_planned_leaves_the_old_one_serving() -> None:
    handle = serve.run(bound(Adder, 1))
    itself: list[Any] = []
    itself.append(bound(Adder, itself))

    with pytest.raises(PlanError, match="among its own constructor arguments"):
        serve.run(itself[0])

    assert handle.remote(1).result(timeout_s=10) == 2


def test_shutdown_does_not_wait_for_a_request_that_is_stuck() -> None:
    started = threading.Event()

    @serve.deployment
    class Stuck:
        async def __call__(self, _request: Request) -> None:
            started.set()
            await asyncio.Event().wait()

    serve.run(bound(Stuck))
    client = threading.Thread(target=lambda: status("/"), daemon=True)
    client.start()
    started.wait()

    serve.shutdown()

    client.join()


def test_a_shutdown_that_fails_does_not_keep_the_others_from_theirs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        raise OSError("cannot close")

    @serve.deployment
    class Model:
        def __del__(self) -> None:
            ended.append("model")

    @serve.deployment
    @serve.ingress(FastAPI(lifespan=lifespan))
    class Gateway:
        def __init__(self, model: Any) -> None:
            self.model = model

    serve.run(bound(Gateway, bound(Model)))
    serve.shutdown()

    assert ended == ["model"]
    assert "cannot close" in capsys.readouterr().err


def test_shutdown_does_not_wait_for_a_function_that_was_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = threading.Event()

    @serve.deployment
    class Blocked:
        async def __call__(self, _request: Request) -> None:
            go_on.wait()

    monkeypatch.setattr(in_process_function, "SHUTDOWN_S", 0.01)
    monkeypatch.setattr(in_process_http, "LATE_S", 0.01)
    serve.run(bound(Blocked))
    server = in_process._server
    assert server is not None
    assert server.http is not None
    server.http._front._integration_timeout_s = 0.01
    [function] = server.applications["default"].functions.values()
    thread, _ = function._require_running()
    assert status("/") == 503

    ending = threading.Thread(target=serve.shutdown, daemon=True)
    ending.start()
    ending.join(30)
    ended = not ending.is_alive()
    go_on.set()
    ending.join(30)
    cancelled = threading.Event()
    thread.loop.call_soon_threadsafe(cancelled.set)  # after what shutdown has asked for
    assert cancelled.wait(10)
    thread.stop(10)

    assert ended


HERE = LambdaOptions(function="here")


@serve.deployment(lambda_options=HERE)
class Kept:
    def __init__(self, found: Any = None) -> None:
        self.found = found

    def give(self) -> Any:
        return self.found


@serve.deployment(lambda_options=HERE)
class Asking:
    def __init__(self, kept: Any) -> None:
        self.kept = kept

    async def is_kept(self) -> bool:
        return (await self.kept.give.remote()) is LIVE


@serve.deployment(lambda_options=HERE)
class Unready:
    def __init__(self, *_: Any) -> None:
        raise ValueError("not yet")


LIVE = object()


def test_deployments_that_share_a_function_share_objects() -> None:
    handle = cast("Any", serve.run(cast("Any", Asking).bind(cast("Any", Kept).bind(LIVE))))

    assert handle.is_kept.remote().result() is True
    kept = cast("Any", serve.get_deployment_handle("Kept", "default"))
    with pytest.raises(TypeError, match="cannot travel"):  # between functions, as everywhere
        kept.give.remote().result()


def test_where_one_fails_all_that_share_its_function_do() -> None:
    with pytest.raises(RuntimeError, match="deployment Unready failed to start: ValueError: not y"):
        serve.run(cast("Any", Unready).bind(cast("Any", Kept).bind()))

    found = serve.status().applications["default"].deployments
    assert {name: one.status for name, one in found.items()} == {
        "Kept": "DEPLOY_FAILED",
        "Unready": "DEPLOY_FAILED",
    }
