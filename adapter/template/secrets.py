"""Secrets that a function reads when it starts: the references, and the permission to read them."""

import re
from typing import Any

from adapter.plan.secrets import SECRETS, secret_text
from adapter.plan.values import FunctionPlan
from adapter.serve.aws_names import is_reference
from adapter.serve.secrets import SSM, Reference, parse
from adapter.template.cloudformation import Sub, with_references

_HERE = "${AWS::Region}:${AWS::AccountId}"
_ACTIONS = {"ssm": "ssm:GetParameter", "secretsmanager": "secretsmanager:GetSecretValue"}


def secret_variables(function: FunctionPlan) -> dict[str, str | Sub]:
    """Return the variable with the references, in which CloudFormation fills in `${...}`."""
    if not function.secrets:
        return {}
    text = secret_text(function.secrets)
    return {SECRETS: Sub(text) if "${" in text else text}


def secret_statements(function: FunctionPlan) -> list[dict[str, Any]]:
    """Return the permission to read these parameters and secrets, and no others.

    A key of the user's own in KMS, which they are encrypted with, is for `policies`.
    """
    found: dict[str, list[Any]] = {"ssm": [], "secretsmanager": []}
    for text in function.secrets.values():
        if (reference := parse(text)) is not None:
            arn = with_references(_arn(reference))
            if arn not in found[reference.service]:
                found[reference.service].append(arn)
    return [
        {"Effect": "Allow", "Action": _ACTIONS[service], "Resource": arns}
        for service, arns in found.items()
        if arns
    ]


def _arn(reference: Reference) -> str:
    if reference.service == SSM:
        # Of `/prod/api-key:3` the version is no part of the ARN.
        name = re.sub(r":[A-Za-z0-9_.-]+$", "", _without_head(reference.id))
        head = reference.id[: -len(_without_head(reference.id))]
        head = head or f"arn:${{AWS::Partition}}:ssm:{_HERE}:parameter"
        return f"{head}/{name.removeprefix('/')}"
    if reference.region or _is_arn(reference.id):
        return reference.id
    # Secrets Manager puts a hyphen and six letters of its own behind the name.
    return f"arn:${{AWS::Partition}}:secretsmanager:{_HERE}:secret:{reference.id}-??????"


def _without_head(parameter: str) -> str:
    return re.sub(r"^arn:.*?:parameter(?=/)", "", parameter)


def _is_arn(secret: str) -> bool:
    """Tell whether a name is nothing but a reference to a secret of the template."""
    return is_reference(secret) and not secret.startswith("${AWS::")
