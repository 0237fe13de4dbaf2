from typing import Any

import pytest

from adapter.template.cloudformation import Ref, Sub
from adapter.template.function_resource import environment
from adapter.template.secrets import secret_statements
from tests.template.plans import application, function, gateway

HERE = "${AWS::Region}:${AWS::AccountId}"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf"


def statements(**secrets: str) -> list[dict[str, Any]]:
    return secret_statements(function("Model", secrets=secrets))


@pytest.mark.parametrize(
    ("reference", "resource"),
    [
        ("ssm:/prod/key", Sub(f"arn:${{AWS::Partition}}:ssm:{HERE}:parameter/prod/key")),
        ("ssm:key", Sub(f"arn:${{AWS::Partition}}:ssm:{HERE}:parameter/key")),
        ("ssm:/prod/key:3", Sub(f"arn:${{AWS::Partition}}:ssm:{HERE}:parameter/prod/key")),
        (
            "arn:aws:ssm:eu-west-1:123456789012:parameter/key:3",
            "arn:aws:ssm:eu-west-1:123456789012:parameter/key",
        ),
        (
            "ssm:/${AWS::StackName}/key",
            Sub(f"arn:${{AWS::Partition}}:ssm:{HERE}:parameter/${{AWS::StackName}}/key"),
        ),
        (
            "secretsmanager:prod/db:user",
            Sub(f"arn:${{AWS::Partition}}:secretsmanager:{HERE}:secret:prod/db-??????"),
        ),
        (f"{SECRET}:user", SECRET),
        ("secretsmanager:${Secret}:user", Ref("Secret")),
        (
            "secretsmanager:${Db.MasterUserSecret.SecretArn}",
            Sub("${Db.MasterUserSecret.SecretArn}"),
        ),
    ],
)
def test_function_may_read_what_is_referred_to(reference: str, resource: Any) -> None:
    [statement] = statements(A=reference)

    action = "ssm:GetParameter" if "ssm:" in reference else "secretsmanager:GetSecretValue"
    assert statement == {"Effect": "Allow", "Action": action, "Resource": [resource]}


def test_each_service_is_one_statement_and_each_secret_named_once() -> None:
    found = statements(
        A="secretsmanager:db:user",
        B="secretsmanager:db:password",
        C="ssm:/key",
        D="ssm:/other",
    )

    assert [len(statement["Resource"]) for statement in found] == [2, 1]


def test_function_without_secrets_may_read_none() -> None:
    assert statements() == []


def test_references_are_a_variable_and_values_are_none() -> None:
    secrets = {"B": "secretsmanager:${Secret}:b", "A": "ssm:/a"}
    plan = application(gateway(secrets={"A": "ssm:/a"}), function("Model", secrets=secrets))

    assert environment(plan, plan.function("Gateway"))["ADAPTER_SECRETS"] == '{"A":"ssm:/a"}'
    assert environment(plan, plan.function("Model"))["ADAPTER_SECRETS"] == Sub(
        '{"A":"ssm:/a","B":"secretsmanager:${Secret}:b"}',
    )
