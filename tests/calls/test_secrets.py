"""Secrets are read over HTTP from moto's Parameter Store and Secrets Manager."""

import json
import os
import socket
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from adapter.calls import secret_stores, secrets
from adapter.errors import SecretsNotRead
from tests.aws import REGION, Aws, Reply, refusal, region

__all__ = ["region"]

DB = {"user": "shop", "password": "correct-horse", "port": 5432}


@pytest.fixture(scope="module")
def filled(region: Aws) -> Aws:
    ssm, manager = region.client("ssm"), region.client("secretsmanager")
    ssm.put_parameter(Name="/prod/api-key", Value="key-1", Type="SecureString")
    ssm.put_parameter(Name="rotating", Value="first", Type="SecureString")
    ssm.put_parameter(Name="plain", Value="key-2", Type="String")
    manager.create_secret(Name="prod/db", SecretString=json.dumps(DB))
    manager.create_secret(Name="text", SecretString="not JSON")
    manager.create_secret(Name="binary", SecretBinary=b"\x00\x01")
    return region


@pytest.fixture
def account(filled: Aws) -> Aws:
    filled.scripted.clear()
    filled.asked.clear()
    return filled


def environ(aws: Aws, references: dict[str, str], **more: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": aws.url,
        "LAMBDA_TASK_ROOT": "/var/task",
        "ADAPTER_SECRETS": json.dumps(references),
        **more,
    }


def problem(aws: Aws, references: dict[str, str], **more: str) -> str:
    with pytest.raises(SecretsNotRead) as caught:
        secrets.set_variables(environ(aws, references, **more))
    assert caught.value.__cause__ is None
    assert "correct-horse" not in str(caught.value)
    return str(caught.value)


def test_variables_get_the_values_of_their_references(account: Aws) -> None:
    arn = account.client("secretsmanager").describe_secret(SecretId="prod/db")["ARN"]
    variables = environ(
        account,
        {
            "API_KEY": "ssm:/prod/api-key",
            "PLAIN": "ssm:plain",
            "VERSION": "ssm:plain:1",
            "ALL": "secretsmanager:prod/db",
            "PASSWORD": "secretsmanager:prod/db:password",
            "PORT": "secretsmanager:prod/db:port",
            "USER": f"{arn}:user",
        },
    )
    before = dict(variables)

    secrets.set_variables(variables)

    assert {name: variables[name] for name in variables.keys() - before.keys()} == {
        "API_KEY": "key-1",
        "PLAIN": "key-2",
        "VERSION": "key-2",
        "ALL": json.dumps(DB),
        "PASSWORD": "correct-horse",
        "PORT": "5432",
        "USER": "shop",
    }


def test_a_secret_with_several_members_is_asked_for_once(account: Aws) -> None:
    members = {name.upper(): f"secretsmanager:prod/db:{name}" for name in DB}
    secrets.set_variables(environ(account, members))

    account.wait_for("POST GetSecretValue")
    assert account.asked["POST GetSecretValue"] == 1


def test_what_is_set_already_is_not_asked_for(account: Aws) -> None:
    variables = environ(account, {"API_KEY": "ssm:/prod/api-key"}, API_KEY="mine")
    secrets.set_variables(variables)

    assert variables["API_KEY"] == "mine"
    assert not account.asked


def test_all_that_cannot_be_read_is_told_at_once_with_the_codes_of_aws(account: Aws) -> None:
    account.answers("POST GetSecretValue", refusal("AccessDeniedException", "User: x may not"))
    text = problem(
        account, {"A": "ssm:/prod/none", "B": "secretsmanager:prod/db", "C": "ssm:plain"}
    )

    assert text.startswith(
        "cannot read A (ssm:/prod/none): ParameterNotFound: Parameter /prod/none"
    )
    assert "; B (secretsmanager:prod/db): AccessDeniedException: User: x may not." in text
    assert "C (" not in text
    assert "On this machine" not in text


def test_of_an_error_that_quotes_what_was_signed_the_first_line_is_told(account: Aws) -> None:
    message = "The signature does not match.\n\nThe Canonical String was\nx-amz-security-token:FwoG"
    account.answers("POST GetParameter", refusal("InvalidSignatureException", message))
    text = problem(account, {"A": "ssm:plain"})

    assert "(ssm:plain): InvalidSignatureException: The signature does not match." in text
    assert "FwoG" not in text


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("secretsmanager:none", "ResourceNotFoundException: Secrets Manager can"),
        ("secretsmanager:text:user", "its value is no JSON object, so it has no members."),
        ("secretsmanager:prod/db:name", "its JSON object has no member 'name'."),
        ("secretsmanager:binary", "its value is no text."),
        ("ssm:/${AWS::StackName}/key", "only CloudFormation can tell what it stands for."),
    ],
)
def test_why_a_value_is_not_there_is_told(account: Aws, reference: str, message: str) -> None:
    assert problem(account, {"A": reference}).startswith(f"cannot read A ({reference}): {message}")


def test_value_that_no_variable_can_hold_is_refused(account: Aws) -> None:
    account.answers(
        "POST GetParameter",
        Reply(200, {"Parameter": {"Value": "correct-horse\0"}}),
    )

    assert "its value has a NUL character" in problem(account, {"A": "ssm:plain"})


@pytest.mark.parametrize("answer", ["", "[]", '{"Parameter": null}', "<html>"])
def test_answer_that_holds_no_value_is_told(account: Aws, answer: str) -> None:
    account.answers("POST GetParameter", Reply(200, answer))

    assert "its value is no text" in problem(account, {"A": "ssm:plain"})


@pytest.mark.parametrize("reply", [refusal("ThrottlingException"), Reply(500, "")])
def test_what_is_throttled_or_broken_is_asked_again(account: Aws, reply: Reply) -> None:
    account.answers("POST GetParameter", reply, Reply(200, {"Parameter": {"Value": "late"}}))
    variables = environ(account, {"A": "ssm:plain"})
    secrets.set_variables(variables)

    assert variables["A"] == "late"


def test_what_stays_throttled_is_given_up(account: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_stores, "_PAUSES_S", (0, 0))
    replies = [refusal("ThrottlingException", f"number {number}") for number in (1, 2, 3, 4)]
    account.answers("POST GetParameter", *replies)

    assert "ThrottlingException: number 3." in problem(account, {"A": "ssm:plain"})


def test_nobody_listening_is_told(account: Aws) -> None:
    text = problem(account, {"A": "ssm:plain"}, AWS_ENDPOINT_URL_SSM="http://127.0.0.1:1")

    assert text.startswith("cannot read A (ssm:plain): ssm was not reached: ")


def test_silence_is_told_with_what_a_vpc_needs(
    account: Aws,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(secrets, "LIMIT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        text = problem(account, {"A": "ssm:plain"}, AWS_ENDPOINT_URL_SSM=url)

    assert "no answer within 0.2 s. In a VPC a function needs a NAT gateway, or an endp" in text


def test_on_a_developers_machine_both_ways_are_told(account: Aws) -> None:
    text = problem(
        account,
        {"A": "ssm:plain"},
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",
        AWS_ENDPOINT_URL_LAMBDA="http://127.0.0.1:3001",
    )

    assert "there are no AWS credentials. On this machine, either set the variables" in text
    assert "`aws configure`" in text
    assert not account.asked


def test_secrets_are_read_inside_a_running_event_loop_too(account: Aws) -> None:
    import asyncio

    variables = environ(account, {"A": "ssm:plain"})

    async def main() -> None:
        secrets.set_variables(variables)

    asyncio.run(main())
    assert variables["A"] == "key-2"


def test_after_a_snapshot_they_are_read_again(
    account: Aws,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hooks: list[Any] = []
    module = types.ModuleType("snapshot_restore_py")
    module.register_after_restore = hooks.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", module)
    kind = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
    variables = environ(account, {"A": "ssm:rotating"}, **kind)
    secrets.set_variables(variables)
    ssm = account.client("ssm")
    ssm.put_parameter(Name="rotating", Value="rotated", Type="SecureString", Overwrite=True)

    [restored] = hooks
    restored()

    assert variables["A"] == "rotated"


def test_requests_are_signed_for_their_service_and_the_region_of_the_arn(account: Aws) -> None:
    account.answers(
        "POST GetParameter",
        Reply(200, {"Parameter": {"Value": "far"}}),
    )
    arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/far"
    variables = environ(account, {"A": arn})
    secrets.set_variables(variables)

    assert variables["A"] == "far"


PROGRAM = """
import os
SEEN = os.environ["API_KEY"]

class Model:
    def __call__(self):
        return SEEN
"""
ENTRY = """
from adapter.function import read_secrets

read_secrets()  # before all other imports

from adapter.function import entry_point
from model import Model

handler = entry_point(Model)
assert handler({"method": "__call__"}) == "key-1"
import sys
assert not {"boto3", "botocore"} & sys.modules.keys()
print("served")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.py").write_text(PROGRAM)
    (tmp_path / "app.py").write_text(ENTRY)
    return tmp_path


def start(folder: Path, account: Aws, reference: str) -> "subprocess.CompletedProcess[str]":
    variables = environ(account, {"API_KEY": reference})
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=folder,
        env={**variables, "PYTHONPATH": root, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_users_module_finds_them_when_it_is_imported(folder: Path, account: Aws) -> None:
    done = start(folder, account, "ssm:/prod/api-key")

    assert done.stdout == "served\n", done.stderr
    assert "key-1" not in done.stderr


def test_init_fails_with_one_clear_error(folder: Path, account: Aws) -> None:
    done = start(folder, account, "ssm:/prod/none")

    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "adapter.errors.SecretsNotRead: cannot read API_KEY (ssm:/prod/none): Pa"
    )
