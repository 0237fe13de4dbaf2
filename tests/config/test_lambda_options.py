"""What AWS gives a deployment, written in a config file."""

import pytest

from adapter.serve import CapacityProvider, LambdaOptions, SQSQueue, VpcConfig
from tests.config.files import Shop

NETWORK = "subnet_ids: [subnet-1], security_group_ids: [sg-1]"
HEAD = "applications:\n- import_path: shop:app\n  deployments:\n  - name: Model\n"


def test_mappings_become_the_values_of_the_program(shop: Shop) -> None:
    file = shop.read(
        f"""{HEAD}    lambda_options:
      vpc: {{subnet_ids: [subnet-1], security_group_ids: ["${{Group}}"]}}
      policies: [AmazonS3ReadOnlyAccess, {{Effect: Allow, Action: [s3:*], Resource: "*"}}]
      on_failure: queue
""",
    )

    [model] = file.config.applications[0].deployments
    assert model.options["lambda_options"] == LambdaOptions(
        vpc=VpcConfig(subnet_ids=("subnet-1",), security_group_ids=("${Group}",)),
        policies=(
            "AmazonS3ReadOnlyAccess",
            {"Effect": "Allow", "Action": ["s3:*"], "Resource": "*"},
        ),
        on_failure="queue",
    )


def test_events_and_secrets_are_those_of_the_program(shop: Shop) -> None:
    file = shop.read(
        f"""{HEAD}    lambda_options:
      events: [{{type: SQSQueue, queue: orders, method: handle}}]
      secrets: {{KEY: "ssm:/key"}}
""",
    )

    [model] = file.config.applications[0].deployments
    assert model.options["lambda_options"] == LambdaOptions(
        events=(SQSQueue("orders", method="handle"),),
        secrets={"KEY": "ssm:/key"},
    )


def test_capacity_provider_may_be_named_or_described(shop: Shop) -> None:
    found = [
        shop.read(f"{HEAD}    lambda_options: {{capacity_provider: {written}}}\n")
        .config.applications[0]
        .deployments[0]
        .options["lambda_options"]
        .capacity_provider
        for written in ("models", f"{{{NETWORK}, max_vcpus: 8}}")
    ]

    described = CapacityProvider(
        subnet_ids=("subnet-1",), security_group_ids=("sg-1",), max_vcpus=8
    )
    assert found == ["models", described]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("{vpc: {^subnets: [s-1], security_group_ids: [sg-1]}}", "vpc has no key 'subnets'. Did"),
        ("{vpc: ^{subnet_ids: [net-1], security_group_ids: [sg-1]}}", "subnet_ids=['net-1'] must"),
        ("{vpc: ^{subnet_ids: [subnet-1]}}", "vpc needs the key 'security_group_ids'."),
        ("{vpc: {subnet_ids: ^3, security_group_ids: [sg-1]}}", "subnet_ids: expected a list; fo"),
        ("{vpc: ^{subnet_ids: [subnet-1], security_group_ids: []}}", "security_group_ids=[] must"),
        (
            "{events: ^[{type: Queue}]}",
            "events: {'type': 'Queue'} must have a type, one of Schedule",
        ),
        ("{events: ^[{type: Schedule, schedule: daily}]}", "schedule='daily' must be 'rate(5 min"),
        ("{secrets: {KEY: ^correct-horse}}", "secrets: KEY must be a reference to a secret and ne"),
        ("{cors: ^{}}", "cors needs the key 'allow_origins'."),
        ("{policies: ^[{Effect: Allow}]}", "policies: the statement {'Effect': 'Allow'} needs"),
        ("{architecture: ^arm}", "architecture: expected one of 'x86_64', 'arm64' or null; found"),
        ("{layers: ^[fonts]}", "layers: 'fonts' must be the ARN of a version of a layer, "),
        (f"{{capacity_provider: {{{NETWORK}, name: ^'a b'}}}}", "name='a b' of a CapacityProvider"),
    ],
)
def test_mistake_is_told_with_its_place(shop: Shop, options: str, message: str) -> None:
    key = f"lambda_options: {options}"
    mistakes = shop.mistakes(f"{HEAD}    {key.replace('^', '')}\n")

    [mistake] = mistakes
    assert mistake.startswith(f"5:{5 + key.index('^')}: {message}")
