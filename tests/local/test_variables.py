"""What a function's process finds in its environment."""

import os
from pathlib import Path
from typing import Any

import pytest

import adapter
from adapter.config.processes import python_path
from adapter.local.variables import process_variables
from tests.local.world import function_plan, variables_of


@pytest.fixture(autouse=True)
def _a_user_without_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_lambdas_variables_and_the_plans_own(tmp_path: Path) -> None:
    plan = function_plan(memory_mb=1024, environment={"ADAPTER_APPLICATION": "default"})
    variables = variables_of(plan, tmp_path, lambda_url="http://127.0.0.1:3001")
    expected = {
        "ADAPTER_APPLICATION": "default",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:3001",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_FUNCTION_NAME": "Echo",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/Echo",
        "AWS_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "local",
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "TZ": ":UTC",
        "_HANDLER": "app.handler",
    }

    assert expected.items() <= variables.items()
    assert variables["AWS_EXECUTION_ENV"].startswith("AWS_Lambda_python3.")
    assert "ADAPTER_ALIASES" not in variables


@pytest.mark.parametrize(
    ("planned", "expected"),
    [
        ({"log_level": "DEBUG"}, {}),
        (
            {"log_format": "JSON"},
            {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"},
        ),
        (
            {"log_format": "JSON", "log_level": "WARN"},
            {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"},
        ),
    ],
)
def test_a_runtime_is_told_how_to_log_as_on_lambda(
    tmp_path: Path, planned: dict[str, Any], expected: dict[str, str]
) -> None:
    variables = variables_of(function_plan(**planned), tmp_path)

    told = ("AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL")
    assert {name: value for name, value in variables.items() if name in told} == expected


def test_the_users_variables_are_inherited_but_for_ours(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("_HANDLER", "AWS_LAMBDA_RUNTIME_API", "ADAPTER_INGRESS", "_X_AMZN_TRACE_ID"):
        monkeypatch.setenv(name, "stale")
    monkeypatch.setenv("DATABASE_URL", "postgres://")
    variables = variables_of(function_plan(), tmp_path)

    assert "stale" not in variables.values()
    assert variables["DATABASE_URL"] == "postgres://"


def test_the_region_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    variables = variables_of(function_plan(), tmp_path)

    assert (variables["AWS_REGION"], variables["AWS_DEFAULT_REGION"]) == ("eu-central-1",) * 2


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"])
def test_credentials_of_the_user_are_left_alone(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv(name, "mine")
    variables = variables_of(function_plan(), tmp_path)

    assert variables[name] == "mine"
    assert "AWS_SECRET_ACCESS_KEY" not in variables


def test_credentials_in_a_file_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").touch()

    assert "AWS_ACCESS_KEY_ID" not in variables_of(function_plan(), tmp_path)


def test_aliases_are_listed_by_name(tmp_path: Path) -> None:
    variables = variables_of(function_plan(), tmp_path, aliases={"B": "live", "A": "live"})

    assert variables["ADAPTER_ALIASES"] == "A:live,B:live"


def test_the_users_code_comes_first_and_the_adapter_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/mine", "", "/app"]))
    folders = python_path(Path("/app")).split(os.pathsep)

    assert folders[:2] == ["/app", "/mine"]
    assert folders.count("/app") == 1
    assert str(Path(adapter.__file__).parents[1]) in folders


def test_each_environment_has_a_log_stream_of_its_own() -> None:
    first = process_variables("127.0.0.1:1", provisioned=False)
    second = process_variables("127.0.0.1:1", provisioned=True)

    assert first["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:1"
    assert first["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert second["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency"
    assert first["AWS_LAMBDA_LOG_STREAM_NAME"] != second["AWS_LAMBDA_LOG_STREAM_NAME"]


def test_a_runtime_is_told_how_many_invocations_it_may_have_at_once(tmp_path: Path) -> None:
    one = variables_of(function_plan(), tmp_path)
    many = variables_of(function_plan(max_concurrency=8), tmp_path)

    assert "AWS_LAMBDA_MAX_CONCURRENCY" not in one
    assert many["AWS_LAMBDA_MAX_CONCURRENCY"] == "8"
