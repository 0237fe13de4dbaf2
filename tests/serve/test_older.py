"""The older form: deployments that deploy themselves, over real HTTP and through handles."""

import asyncio
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request

from adapter import serve
from adapter.errors import InvalidOption
from adapter.serve import older, running
from adapter.serve.handle import (
    DeploymentHandle,
    DeploymentResponse,
    RayServeHandle,
    RayServeSyncHandle,
)


@pytest.fixture(autouse=True)
def _one_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(older, "_said", set())
    monkeypatch.setattr(older, "_deployed", {})
    serve.start(http_options={"port": 0})
    yield
    serve.shutdown()


def get(path: str, method: str = "GET") -> Any:
    request = urllib.request.Request(running.url() + path, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def status(path: str) -> int:
    try:
        get(path)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    return 200


@serve.deployment
class Model:
    def __init__(self, factor: int = 2) -> None:
        self.factor = factor

    def __call__(self, number: int) -> int:
        return number * self.factor

    def tell(self, text: str) -> str:
        return f"told: {text}"


@serve.deployment
def shout(text: str) -> str:
    return text.upper()


def test_deployment_serves_itself_at_its_route_prefix() -> None:
    @serve.deployment(route_prefix="/api")
    class Deployment:
        def say_hello(self, name: str) -> str:
            return f"Hello {name}!"

        def __call__(self, request: Request) -> str:
            return self.say_hello(request.query_params["name"])

    Deployment.deploy()

    assert get("/api?name=Alice") == "Hello Alice!"
    assert Deployment.get_handle().say_hello.remote("Alice").result(timeout_s=10) == "Hello Alice!"
    assert Deployment.url == f"{running.url()}/api"


def test_fastapi_deployment_serves_itself_at_its_route_prefix() -> None:
    app = FastAPI()

    @serve.deployment(route_prefix="/hello")
    @serve.ingress(app)
    class MyFastAPIDeployment:
        @app.get("/")
        def root(self) -> str:
            return "Hello, world!"

        @app.post("/{subpath}")  # type: ignore[no-redef]  # Ray Serve's guide has it
        def root(self, subpath: str) -> str:  # noqa: F811 - see the line above
            return f"Hello from {subpath}!"

    MyFastAPIDeployment.deploy()

    assert json.loads(get("/hello/")) == "Hello, world!"
    assert json.loads(get("/hello/Berlin", "POST")) == "Hello from Berlin!"


def test_deployments_over_one_application_serve_it_at_prefixes_of_their_own() -> None:
    app = FastAPI()

    @app.get("/")
    def f() -> str:
        return "Hello from the root!"

    @serve.deployment(route_prefix="/api1")
    @serve.ingress(app)
    class FastAPIWrapper1:
        @app.get("/subpath")
        def method(self) -> str:
            return "Hello 1!"

    @serve.deployment(route_prefix="/api2")
    @serve.ingress(app)
    class FastAPIWrapper2:
        @app.get("/subpath")
        def method(self) -> str:
            return "Hello 2!"

    FastAPIWrapper1.deploy()
    FastAPIWrapper2.deploy()

    found = [json.loads(get(f"/{api}/subpath")) for api in ("api1", "api2")]
    assert found == ["Hello 1!", "Hello 2!"]
    assert json.loads(get("/api1/")) == json.loads(get("/api2/")) == "Hello from the root!"


def test_route_prefix_is_by_default_the_name() -> None:
    @serve.deployment
    class Counter:
        def __call__(self, request: Request) -> str:
            return request.url.path

    assert Counter.route_prefix == "/Counter"
    assert Counter.options(name="Other").route_prefix == "/Other"
    Counter.deploy()

    assert get("/Counter/x") == "/Counter/x"


def test_deployment_without_a_prefix_is_not_over_http() -> None:
    hidden = Model.options(route_prefix=None)
    hidden.deploy()

    assert (hidden.route_prefix, hidden.url) == (None, None)
    assert status("/Model") == 404
    assert hidden.get_handle().remote(2).result(timeout_s=10) == 4


@pytest.mark.parametrize("prefix", ["api", "/api/", "/{x}", 3])
def test_malformed_prefix_is_refused_with_the_deployments_name(prefix: Any) -> None:
    with pytest.raises(InvalidOption, match=r"^deployment Model: .*route_prefix"):
        Model.options(route_prefix=prefix)


def test_constructor_arguments_are_options_or_given_to_deploy() -> None:
    tripling = Model.options(init_args=(3,))
    tripling.deploy()
    assert tripling.get_handle().remote(2).result(timeout_s=10) == 6

    tripling.options(init_args=[], init_kwargs={"factor": 4}).deploy()
    assert tripling.get_handle().remote(2).result(timeout_s=10) == 8

    tripling.deploy(5)
    assert tripling.get_handle().remote(2).result(timeout_s=10) == 10


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"init_args": "abc"}, "init_args='abc' must be a tuple"),
        ({"init_kwargs": [1]}, r"init_kwargs=\[1\] must be a dict"),
    ],
)
def test_malformed_constructor_arguments_are_refused(written: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Model.options(**written)


def test_function_takes_no_constructor_arguments() -> None:
    with pytest.raises(ValueError, match="deployment shout: init_args not supported for function"):
        shout.deploy("loud")


def test_deploying_again_replaces_what_was_deployed() -> None:
    Model.deploy(2)
    Model.options(user_config=None).deploy(7)

    assert Model.get_handle().remote(1).result(timeout_s=10) == 7
    assert list(serve.list_deployments()) == ["Model"]


def test_deleted_deployment_is_gone() -> None:
    Model.deploy()
    Model.delete()
    Model.delete()

    assert serve.list_deployments() == {}
    assert status("/Model") == 404


def test_deployments_are_found_by_name() -> None:
    big = Model.options(name="Big", max_ongoing_requests=9)
    big.deploy()

    assert serve.get_deployment("Big") is big
    assert serve.list_deployments() == {"Big": big}
    with pytest.raises(KeyError, match=r"Deployment Small was not found\. Did you call Deploy"):
        serve.get_deployment("Small")


def test_synchronous_handle_calls_as_any_other() -> None:
    Model.deploy()
    handle = Model.get_handle()

    assert type(handle) is RayServeSyncHandle
    assert isinstance(handle, DeploymentHandle)
    response = handle.tell.remote("hi")
    assert isinstance(response, DeploymentResponse)
    assert response.result(timeout_s=10) == "told: hi"
    assert handle.remote(handle.remote(1)).result(timeout_s=10) == 4


def test_asynchronous_handle_gives_a_response_that_is_awaited_again() -> None:
    async def calls() -> list[Any]:
        handle: Any = Model.get_handle(sync=False)
        assert type(handle.tell) is RayServeHandle
        reference = await handle.tell.remote("hi")
        assert isinstance(reference, DeploymentResponse)
        several = await asyncio.gather(handle.remote(1), handle.remote(2))
        return [await reference, await several[0], await several[1]]

    Model.deploy()

    assert asyncio.run(calls()) == ["told: hi", 2, 4]


@pytest.mark.parametrize("sync", [True, False])
def test_older_handle_turns_into_todays(sync: bool) -> None:  # noqa: FBT001 - a parameter of a test
    handle: Any = Model.get_handle(sync=sync)

    assert type(handle.options(use_new_handle_api=True)) is DeploymentHandle
    assert type(handle.options(use_new_handle_api=False)) is type(handle)


def test_options_may_be_set_in_place() -> None:
    deployment = Model.options(name="Other")
    deployment.set_options(max_ongoing_requests=3)

    assert deployment.max_ongoing_requests == 3


def test_options_of_older_releases_mean_what_todays_do() -> None:
    written: dict[str, Any] = {
        "max_concurrent_queries": 7,
        "prev_version": "1",
        "version": "2",
        "is_driver_deployment": False,
        "_autoscaling_config": {"max_replicas": 3},
        "_graceful_shutdown_timeout_s": 1,
        "_graceful_shutdown_wait_loop_s": 2,
        "_health_check_period_s": 3,
        "_health_check_timeout_s": 4,
    }
    settings = Model.options(**written).settings

    assert settings.max_ongoing_requests == 7
    assert (settings.prev_version, settings.version) == ("1", "2")
    assert settings.autoscaling_config == serve.AutoscalingConfig(max_replicas=3)
    assert settings.graceful_shutdown_timeout_s == 1
    assert settings.graceful_shutdown_wait_loop_s == 2
    assert (settings.health_check_period_s, settings.health_check_timeout_s) == (3, 4)


def test_todays_option_goes_before_an_older_one() -> None:
    both = Model.options(max_concurrent_queries=7, max_ongoing_requests=8)

    assert both.max_ongoing_requests == 8


def test_version_alone_is_refused_as_in_ray_serve() -> None:
    expected = r"^deployment Model: `version` in `@serve\.deployment` has been removed\."
    with pytest.raises(ValueError, match=expected):
        Model.options(version="1")
    assert Model.options(route_prefix="/a").options(version="1").version == "1"


def test_each_older_form_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "adapter.serve")
    for _ in range(2):
        written = Model.options(route_prefix="/model")
        written.deploy()
        written.get_handle()
        written.delete()
        serve.list_deployments()

    forms = [
        record.getMessage().partition(" is the older form; today it is ")[0]
        for record in caplog.records
    ]
    assert forms == [
        "route_prefix of @serve.deployment",
        "Deployment.deploy()",
        "Deployment.get_handle()",
        "Deployment.delete()",
        "serve.list_deployments()",
    ]


def test_nothing_is_said_inside_a_function(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
    Model.options(route_prefix="/model").deploy()

    assert caplog.records == []


def test_module_that_is_imported_to_be_served_is_only_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "importing", True)
    deployment = Model.options(route_prefix="/model")
    deployment.deploy(3)
    application = older.deployed(deployment)

    assert application is not None
    assert (application.deployment, application.args) == (deployment, (3,))
    assert older.deployed(Model) is None
    assert serve.get_deployment("Model") is deployment


@pytest.mark.parametrize(("given", "served"), [({}, "/api"), ({"route_prefix": "/new"}, "/new")])
def test_serve_run_serves_an_ingress_at_its_route_prefix(
    given: dict[str, Any],
    served: str,
) -> None:
    @serve.deployment(route_prefix="/api")
    class Model:
        def __call__(self, request: Request) -> str:
            return str(request.scope["root_path"])

    serve.run(Model.bind(), **given)

    assert get(f"{served}/") == served


def test_serve_run_keeps_an_ingress_without_a_route_off_http() -> None:
    @serve.deployment(route_prefix=None)
    class Model:
        def __call__(self) -> str:
            return "here"

    handle = serve.run(Model.bind())

    assert handle.remote().result(timeout_s=10) == "here"
    with pytest.raises(urllib.error.HTTPError) as refused:
        get("/")
    assert refused.value.code == 404
    refused.value.close()
