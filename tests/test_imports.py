"""What a process loads, seen in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "boto3",
    "botocore",
    "click",
    "fastapi",
    "mangum",
    "pydantic",
    "starlette",
    "uvicorn",
    "yaml",
}

SHOW = """
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def loaded(program: str, folder: Path) -> set[str]:
    """Run a program and return the modules that it has loaded when it is done."""
    source = f"import json, sys\nbefore = set(sys.modules)\n{program}{SHOW}"
    (folder / "program.py").write_text(source)
    command = [sys.executable, str(folder / "program.py")]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(result.stdout.splitlines()[-1]))


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_importing_adapter_and_serve_loads_only_the_standard_library(tmp_path: Path) -> None:
    found = loaded("import adapter\nfrom adapter import serve\n", tmp_path)

    assert packages(found) - sys.stdlib_module_names == {"adapter"}
    upper = {"adapter.function", "adapter.calls", "adapter.http", "adapter.plan", "adapter.local"}
    assert found & upper == set()


@pytest.mark.parametrize(
    "module", ["adapter.calls.client", "adapter.function", "adapter.runtime.loop"]
)
def test_what_every_function_needs_loads_only_the_standard_library(
    tmp_path: Path,
    module: str,
) -> None:
    found = loaded(f"import {module}\n", tmp_path)

    assert packages(found) - sys.stdlib_module_names == {"adapter"}


MODEL = """
from adapter import serve
from adapter.function import entry_point

@serve.deployment
class Model:
    def __init__(self):
        self.other = serve.get_deployment_handle("Other")
    def predict(self, number: int):
        return number + 1
    async def ask(self):
        return await self.other.remote()

handler = entry_point(Model)
assert handler({"method": "predict", "args": [1]}, None) == 2
"""
CALL = """
import os
os.environ["AWS_ENDPOINT_URL_LAMBDA"] = "http://127.0.0.1:1"
from adapter.errors import InvocationError
try:
    handler({"method": "ask"}, None)
except InvocationError as error:
    assert error.reason == "ConnectionFailed"
"""


def test_function_without_http_loads_no_web_framework(tmp_path: Path) -> None:
    found = loaded(MODEL, tmp_path)

    assert packages(found) & HEAVY == set()
    assert not any(name.startswith("adapter.http.bridge") for name in found)


def test_function_that_calls_another_loads_no_aws_client(tmp_path: Path) -> None:
    found = loaded(MODEL + CALL, tmp_path)

    assert "adapter.calls.client" in found
    assert packages(found) & HEAVY == set()


EVENT = """
event = {
    "version": "2.0", "rawPath": "/", "rawQueryString": "", "headers": {}, "isBase64Encoded": False,
    "requestContext": {"http": {"method": "GET", "path": "/", "sourceIp": "127.0.0.1"}},
}
assert handler(event, None)["statusCode"] == 200
"""
GATEWAY = """
from fastapi import FastAPI
from adapter import serve
from adapter.function import entry_point

app = FastAPI()

@serve.deployment
@serve.ingress(app)
class Gateway:
    @app.get("/")
    def root(self):
        return "root"

handler = entry_point(Gateway)
"""
PLAIN = """
from adapter.function import entry_point

def plain():
    return "root"

handler = entry_point(plain)
"""


def test_function_with_http_loads_no_aws_client_and_no_server(tmp_path: Path) -> None:
    found = packages(loaded(GATEWAY + EVENT, tmp_path))

    assert found & HEAVY == {"fastapi", "pydantic", "starlette"}


def test_deployment_without_framework_never_loads_fastapi(tmp_path: Path) -> None:
    assert packages(loaded(PLAIN + EVENT, tmp_path)) & HEAVY == {"starlette"}


def test_importing_configures_no_logging(tmp_path: Path) -> None:
    program = "import logging\nimport adapter.function\nassert not logging.root.handlers\n"

    assert "adapter.function" in loaded(program, tmp_path)


def test_function_that_uses_little_loads_little(tmp_path: Path) -> None:
    found = loaded("import adapter.runtime.main\n" + PLAIN, tmp_path)

    standard = {
        *("datetime", "decimal", "difflib", "email", "encodings.idna", "http"),
        *("importlib.metadata", "pathlib", "urllib", "uuid"),
    }
    serve = {
        f"adapter.serve.{name}"
        for name in (
            *("autoscaling", "aws_names", "backpressure", "batching", "capacity_providers"),
            *("channel", "cluster", "config", "cors", "event_sources", "handle_types", "handles"),
            *("http_options", "lambda_options", "metrics", "multiplexing", "named_handles"),
            *("nodes", "older_handles", "option_types", "running", "schema", "secrets", "vpc"),
        )
    }
    calls = {f"adapter.calls.{name}" for name in ("client", "frames", "items")}
    failures = {"adapter.errors.remote", "adapter.unsupported_event"}
    assert found & (standard | serve | calls | failures) == set()


APPLICATION = """
from adapter import lambda_handler

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"root"})

handler = lambda_handler(app)
"""


def test_a_bare_application_loads_nothing_of_deployments(tmp_path: Path) -> None:
    found = loaded("import adapter.runtime.main\n" + APPLICATION + EVENT, tmp_path)

    deployments = {
        "adapter.deployment_servable",
        "adapter.calls.codec",
        "adapter.calls.dispatch",
        "adapter.calls.event",
        "adapter.http.application",
        "adapter.http.views",
        "adapter.serve.deployments",
        "adapter.serve.options",
    }
    assert "adapter.http.bridge" in found
    assert found & deployments == set()


REST_EVENT = """
event = {
    "httpMethod": "GET", "path": "/", "headers": {}, "queryStringParameters": None, "body": None,
    "isBase64Encoded": False,
    "requestContext": {"path": "/", "identity": {"sourceIp": "127.0.0.1"}},
}
assert handler(event, None)["statusCode"] == 200
"""


def test_other_fronts_are_loaded_when_an_event_of_theirs_comes(tmp_path: Path) -> None:
    behind_http_api = loaded(APPLICATION + EVENT, tmp_path)
    behind_rest_api = loaded(APPLICATION + REST_EVENT, tmp_path)

    assert "mangum" not in behind_http_api
    assert {"mangum", "adapter.http.gateways.rest_api"} <= behind_rest_api
    others = {"edge", "fields", "lattice", "load_balancer", "rest_api", "written_by_mangum"}
    assert not {f"adapter.http.gateways.{name}" for name in others} & behind_http_api
    assert "adapter.http.gateways.edge" not in behind_rest_api


def test_values_of_types_that_are_not_loaded_yet_arrive(tmp_path: Path) -> None:
    program = """
from adapter.calls import codec
assert not {"datetime", "decimal", "pathlib", "uuid"} & (set(sys.modules) - before)
number, when = codec.loads('[{"$decimal": "1.50"}, {"$datetime": "2024-05-01T12:00:00"}]')
assert codec.dumps([number, when]) == (
    b'[{"$decimal":"1.50"},{"$datetime":"2024-05-01T12:00:00"}]'
)
"""

    assert "adapter.calls.codec" in loaded(program, tmp_path)


def test_every_name_of_serve_is_there_when_it_is_asked_for(tmp_path: Path) -> None:
    program = """
from adapter import serve
for name in serve.__all__:
    assert name in dir(serve)
    assert getattr(serve, name) is vars(serve)[name]
assert not hasattr(serve, "multiplexed_by_magic")
"""

    assert "adapter.serve.running" in loaded(program, tmp_path)


RECORDING = """
from adapter import serve
from adapter.function import entry_point
from adapter.serve.metrics import Counter

counter = Counter("requests")

def plain():
    counter.inc()

handler = entry_point(plain)
handler({"method": "__call__"}, None)
"""


def test_an_invocation_without_metrics_does_not_load_them(tmp_path: Path) -> None:
    found = loaded(MODEL, tmp_path)

    assert "adapter.serve.metrics" not in found


def test_metrics_load_nothing_but_the_standard_library(tmp_path: Path) -> None:
    found = loaded(RECORDING, tmp_path)

    assert packages(found) - sys.stdlib_module_names == {"adapter"}
    assert not {name for name in found if name.startswith(("adapter.http.b", "adapter.local"))}


def test_metrics_that_are_collected_write_no_lines(tmp_path: Path) -> None:
    program = "from adapter.serve import metrics\nmetrics.connect(lambda _: None)\n" + RECORDING

    assert "adapter.serve.embedded_metrics" not in loaded(program, tmp_path)
