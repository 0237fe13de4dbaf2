from typing import Any

import pytest

from adapter.errors import InvalidOption
from adapter.serve import LambdaOptions
from adapter.serve.secrets import Reference, parse

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf"
PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/api-key"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("ssm:/prod/api-key", Reference("ssm", "/prod/api-key")),
        ("ssm:api-key:3", Reference("ssm", "api-key:3")),
        ("ssm:/${AWS::StackName}/key", Reference("ssm", "/${AWS::StackName}/key")),
        (PARAMETER, Reference("ssm", PARAMETER, region="eu-west-1")),
        ("secretsmanager:prod/db", Reference("secretsmanager", "prod/db")),
        ("secretsmanager:prod/db:a:b", Reference("secretsmanager", "prod/db", "a:b")),
        (SECRET, Reference("secretsmanager", SECRET, region="eu-west-1")),
        (f"{SECRET}:user", Reference("secretsmanager", SECRET, "user", "eu-west-1")),
        (f"secretsmanager:{SECRET}:user", Reference("secretsmanager", SECRET, "user", "eu-west-1")),
        (
            "secretsmanager:${Database.MasterUserSecret.SecretArn}:password",
            Reference("secretsmanager", "${Database.MasterUserSecret.SecretArn}", "password"),
        ),
    ],
)
def test_reference_is_read(text: str, reference: Reference) -> None:
    assert parse(text) == reference


@pytest.mark.parametrize(
    "value",
    [
        *("correct-horse", "sk-live:abcdef", "", "ssm:", "secretsmanager:", "ssm:a b", None, 7),
        SECRET.removesuffix("-AbCdEf"),  # such an ARN finds another secret's, too
        "arn:aws:s3:::bucket",
        "ssm:arn:aws:ssm",
        "https://user:correct-horse@example.com",
    ],
)
def test_what_is_no_reference_is_refused_and_not_shown(value: Any) -> None:
    with pytest.raises(InvalidOption, match="PASSWORD must be a reference") as caught:
        LambdaOptions(secrets={"PASSWORD": value})

    assert "correct-horse" not in str(caught.value)


def test_secrets_are_a_dict() -> None:
    with pytest.raises(InvalidOption, match="secrets must be a dict"):
        LambdaOptions(secrets=["correct-horse"])  # type: ignore[arg-type]


def test_variable_is_either_a_secret_or_not() -> None:
    with pytest.raises(InvalidOption, match="KEY is in secrets and in environment; remove it"):
        LambdaOptions(secrets={"KEY": "ssm:/key"}, environment={"KEY": "value"})


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "ADAPTER_SECRETS", "a-b"])
def test_name_is_that_of_a_variable_which_nobody_else_sets(name: str) -> None:
    with pytest.raises(InvalidOption, match="environment variable"):
        LambdaOptions(secrets={name: "ssm:/key"})
