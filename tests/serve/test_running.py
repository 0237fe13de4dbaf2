import asyncio
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from adapter import serve
from adapter.errors import InvalidOption, LocalError, ServeError, UnknownOption
from adapter.serve import running, start_options
from adapter.serve.config import ControllerOptions, HTTPOptions, ProxyLocation, gRPCOptions
from adapter.serve.exceptions import RayServeException
from adapter.serve.running import RunTarget
from adapter.serve.statuses import (
    ApplicationStatus,
    ApplicationStatusOverview,
    DeploymentStatusOverview,
    ServeStatus,
)


def model() -> str:
    return "model"


app = serve.deployment(model).bind()


@pytest.fixture(autouse=True)
def _nothing_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(start_options, "_said", set())
    yield
    serve.shutdown()


@pytest.mark.parametrize("target", [None, model, serve.deployment(model)])
def test_only_a_bound_deployment_runs(target: Any) -> None:
    with pytest.raises(TypeError, match=r"`serve\.run` expects an `Application`") as caught:
        serve.run(target)

    assert repr(target) in str(caught.value)


def test_application_needs_a_name() -> None:
    with pytest.raises(RayServeException, match="must be a non-empty string"):
        serve.run(app, name="")


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        ("api", r"must start with a forward slash \('/'\)"),
        ("", "must start with a forward slash"),
        (3, "must start with a forward slash"),
        ("/api/", "may not end with a trailing '/'"),
        ("/{item}", "may not contain wildcards"),
        ("/a b", "must hold letters, digits"),
    ],
)
def test_malformed_prefix_is_refused(prefix: Any, reason: str) -> None:
    with pytest.raises(InvalidOption, match=reason) as caught:
        serve.run(app, route_prefix=prefix)

    assert f"Invalid route_prefix {prefix!r}" in str(caught.value)


def test_run_and_its_kin_have_ray_serves_parameters() -> None:
    parameters = {
        function.__name__: list(inspect.signature(function).parameters)
        for function in (serve.run, serve.run_many, serve.start, serve.delete, RunTarget)
    }

    assert parameters == {
        "run": [
            "target",
            "blocking",
            "name",
            "route_prefix",
            "logging_config",
            "_local_testing_mode",
            "external_scaler_enabled",
            "controller_options",
        ],
        "run_many": [
            "targets",
            "blocking",
            "wait_for_ingress_deployment_creation",
            "wait_for_applications_running",
            "_local_testing_mode",
            "controller_options",
        ],
        "start": [
            "proxy_location",
            "http_options",
            "grpc_options",
            "logging_config",
            "tracing_config",
            "controller_options",
            "older",
        ],
        "delete": ["name", "_blocking"],
        "RunTarget": [
            "target",
            "name",
            "route_prefix",
            "logging_config",
            "external_scaler_enabled",
        ],
    }


def test_run_many_needs_applications() -> None:
    with pytest.raises(ValueError, match="No applications provided"):
        serve.run_many([])


def test_two_applications_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two applications are called 'a'"):
        serve.run_many([RunTarget(app, "a"), RunTarget(app, "a", "/b")])


def test_run_at_the_top_level_of_an_imported_module_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "importing", True)

    with pytest.raises(ServeError, match="put it under `if __name__ == '__main__':`"):
        serve.run(app)


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"http_options": {"prot": 0}}, UnknownOption, "Did you mean 'port'"),
        ({"http_options": {"port": -1}}, InvalidOption, "port=-1 must be a whole number"),
        ({"http_options": "0.0.0.0"}, InvalidOption, "must be a dict or a value of HTTPOptions"),
        ({"http_options": {"location": "Mars"}}, InvalidOption, "location='Mars' must be one of"),
        ({"proxy_location": "Mars"}, InvalidOption, "location='Mars' must be one of"),
        (
            {"http_options": {"ssl_certfile": "a.pem"}},
            InvalidOption,
            "ssl_keyfile and ssl_certfile",
        ),
        (
            {"http_options": {"middlewares": [CORSMiddleware]}},
            InvalidOption,
            r"must be a starlette\.middleware\.Middleware",
        ),
        (
            {"http_host": "0.0.0.0"},
            InvalidOption,
            r"http_host is deprecated.*\{\"host\": '0.0.0.0'",
        ),
        ({"detache": True}, UnknownOption, "no option 'detache'. Did you mean 'detached'"),
        ({"http_option": {}}, UnknownOption, "Did you mean 'http_options'"),
        ({"controller_options": {"cpus": 1}}, UnknownOption, "no option 'cpus'"),
        ({"grpc_options": 3}, InvalidOption, "must be a dict or a value of gRPCOptions"),
        ({"tracing_config": {"sampling_ratio": 2}}, InvalidOption, "must be at most 1"),
    ],
)
def test_a_malformed_option_of_start_is_refused(
    options: dict[str, Any],
    error: type[Exception],
    reason: str,
) -> None:
    with pytest.raises(error, match=reason):
        serve.start(**options)


@pytest.mark.parametrize("limit", [0, -1, "5", True])
def test_a_request_timeout_must_be_a_number_of_seconds(limit: Any) -> None:
    with pytest.raises(ValueError, match=f"request_timeout_s={limit!r} must be a number"):
        serve.start(http_options={"request_timeout_s": limit})


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"detached": True}, "detached"),
        ({"dedicated_cpu": True}, "dedicated_cpu"),
        ({"_checkpoint_path": "s3://x"}, "_checkpoint_path"),
        ({"_override_controller_namespace": "x"}, "_override_controller_namespace"),
        ({"controller_options": ControllerOptions()}, "controller_options"),
        ({"tracing_config": serve.TracingConfig(enabled=True)}, "tracing_config"),
        ({"logging_config": {"log_level": "DEBUG"}}, "logging_config"),
        ({"http_options": {"root_url": "http://x"}}, "http_options.root_url"),
        ({"grpc_options": gRPCOptions(grpc_servicer_functions=("m:f",))}, "grpc_options"),
    ],
)
def test_what_has_no_effect_is_named_once(
    options: dict[str, Any],
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    serve.start(**options)
    serve.start(**options)

    [text] = caplog.messages
    assert text.startswith(f"serve.start: {name} has no effect: ")


def test_a_grpc_port_without_services_is_as_good_as_none(caplog: pytest.LogCaptureFixture) -> None:
    serve.start(grpc_options=gRPCOptions(port=9001))

    assert caplog.messages == []


def test_what_run_is_told_for_ray_s_cluster_is_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(2):
        serve.run(
            app,
            _local_testing_mode=True,
            external_scaler_enabled=True,
            controller_options={"runtime_env": {"env_vars": {}}},
        )

    assert [text.partition(" has no effect")[0] for text in caplog.messages] == [
        "serve.run: external_scaler_enabled",
        "serve.run: controller_options",
    ]


def test_a_function_names_nothing(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")

    serve.start(detached=True)

    assert caplog.messages == []


def test_where_http_is_served_follows_the_options_before_the_location() -> None:
    options = start_options.http_options

    assert options(None, None) == HTTPOptions()
    assert options({}, "Disabled").location is ProxyLocation.Disabled
    assert options({"location": "HeadOnly"}, "Disabled").location is ProxyLocation.HeadOnly
    assert options({"location": "NoServer"}, None).location is ProxyLocation.Disabled
    assert options({"host": None}, "EveryNode").location is ProxyLocation.Disabled


def test_start_while_a_module_is_imported_is_kept_for_the_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    middleware = Middleware(CORSMiddleware, allow_origins=["*"])
    monkeypatch.setattr(running, "importing", True)

    serve.start(http_options={"middlewares": [middleware], "request_timeout_s": 2})

    told = start_options.told()
    assert told is not None
    assert (told.middlewares, told.request_timeout_s) == ((middleware,), 2)


def test_shutdown_forgets_what_start_was_told() -> None:
    serve.start(http_options={"request_timeout_s": 2})
    serve.shutdown()

    assert start_options.told() is None


def test_start_in_a_function_loads_no_server() -> None:
    program = (
        "import sys\n"
        "from adapter import serve\n"
        'serve.start(http_options={"port": 80}, detached=True)\n'
        'print([name for name in sys.modules if name.startswith(("adapter.local", "uvicorn"))])\n'
    )
    environment = {**os.environ, "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_there_is_no_address_without_a_server() -> None:
    with pytest.raises(LocalError, match=r"call serve\.run first"):
        running.url()


def test_nothing_runs_at_first_and_ending_it_is_fine() -> None:
    serve.delete("nothing")
    serve.shutdown()
    asyncio.run(serve.shutdown_async())

    assert serve.status() == ServeStatus()


FUNCTION = """
from adapter import serve
from adapter.function import entry_point

@serve.deployment
class Model:
    def fare(self):
        return repr(serve.status())

print(entry_point(Model)({"method": "fare"}, None))
"""


def test_a_function_knows_of_its_own_deployment_only() -> None:
    command = [sys.executable, "-c", FUNCTION]
    environment = {**os.environ, "ADAPTER_APPLICATION": "shop"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    deployment = DeploymentStatusOverview.running()
    application = ApplicationStatusOverview(
        ApplicationStatus.RUNNING,
        deployments={"Model": deployment},
    )
    assert done.stdout.strip() == repr(ServeStatus(applications={"shop": application}))


def test_an_application_of_rays_own_is_told_to_change_the_import() -> None:
    application: Any = type("Application", (), {"__module__": "ray.serve"})()

    with pytest.raises(TypeError, match=r"`from ray import serve` is `from adapter import serve`"):
        serve.run(application)
