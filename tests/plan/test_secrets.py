import json

import pytest

from adapter.errors import PlanError
from tests.plan.programs import Program

SHOP = """
@serve.deployment(
    ray_actor_options={{"runtime_env": {{"env_vars": {env_vars}}}}},
    lambda_options=serve.LambdaOptions(
        secrets={{"DB_PASSWORD": "secretsmanager:prod/db:password", "API_KEY": "ssm:/api-key"}},
    ),
)
class Model:
    def __call__(self): ...

app = Model.bind()
"""


def test_function_has_references_and_reads_them_before_the_users_module(program: Program) -> None:
    [function] = program.plan(SHOP.format(env_vars={})).functions

    assert json.loads(function.environment["ADAPTER_SECRETS"]) == {
        "API_KEY": "ssm:/api-key",
        "DB_PASSWORD": "secretsmanager:prod/db:password",
    }
    assert not {"API_KEY", "DB_PASSWORD"} & function.environment.keys()
    assert function.secrets["API_KEY"] == "ssm:/api-key"
    assert function.entry_point == (
        '"""Entry point of deployment Model. Written by `adapter build program:app`."""\n\n'
        "from adapter.function import read_secrets\n\n"
        "read_secrets()  # before all other imports\n\n"
        "from adapter.function import entry_point  # noqa: E402\n"
        "from program import Model  # noqa: E402\n\n"
        "handler = entry_point(Model)\n"
    )


def test_secret_is_no_variable_of_a_runtime_env(program: Program) -> None:
    with pytest.raises(PlanError, match=r"API_KEY is in secrets and in runtime_env\['env_vars'\]"):
        program.plan(SHOP.format(env_vars={"API_KEY": "x"}))


def test_deployment_without_secrets_reads_none(program: Program) -> None:
    [function] = program.plan(
        "@serve.deployment\ndef model(): ...\napp = model.bind()\n",
    ).functions

    assert "read_secrets" not in function.entry_point
    assert "ADAPTER_SECRETS" not in function.environment
