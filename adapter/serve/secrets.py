"""References to secrets, which stand where other variables have values: `LambdaOptions(secrets=)`.

    ssm:/prod/api-key                    a parameter of Systems Manager's Parameter Store
    secretsmanager:prod/db               a secret of Secrets Manager
    secretsmanager:prod/db:password      a member of it, where the secret is a JSON object

Instead of a name there may be an ARN. `${...}` is CloudFormation's, as in other names.
No error of this module shows what it refuses: that may be a secret.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from adapter.errors import InvalidOption

SSM: Final = "ssm"
SECRETS_MANAGER: Final = "secretsmanager"
_REFERENCE = r"\$\{[A-Za-z0-9:.]+\}"
_PART = rf"(?:[A-Za-z0-9-]|{_REFERENCE})+"
_HEAD = rf"arn:{_PART}"
# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
_PARAMETER = (
    rf"(?:{_HEAD}:ssm:(?P<region>{_PART}):{_PART}:parameter)?"
    rf"(?:/?[A-Za-z0-9_.-]|/{_REFERENCE})(?:[A-Za-z0-9_./-]|{_REFERENCE})*(?::[A-Za-z0-9_.-]+)?"
)
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
_NAME = rf"(?:[A-Za-z0-9/_+=.@!-]|{_REFERENCE})+"
_SECRET = (
    rf"(?P<id>{_HEAD}:secretsmanager:(?P<region>{_PART}):{_PART}:secret:{_NAME}-[A-Za-z0-9]{{6}}"
    rf"|{_NAME})(?::(?P<key>(?s:.+)))?"
)


class Reference(NamedTuple):
    """A parameter or a secret: its service, its name or ARN, and a member of a JSON object.

    `region` is that of an ARN, else "".
    """

    service: Literal["ssm", "secretsmanager"]
    id: str
    key: str = ""
    region: str = ""


def parse(text: object) -> Reference | None:
    """Read a reference; None where a value is none."""
    if not isinstance(text, str):
        return None
    kind = re.match(rf"arn:{_PART}:(ssm|secretsmanager):", text)
    service, _, rest = (kind[1], "", text) if kind else text.partition(":")
    patterns = {SSM: _PARAMETER, SECRETS_MANAGER: _SECRET}
    pattern = patterns.get(service)
    found = re.fullmatch(pattern, rest) if pattern else None
    if found is None or (rest.startswith("arn:") and not found["region"]):  # half an ARN
        return None
    region = found["region"] or ""
    if service == SSM:
        return Reference(SSM, rest, region=region)
    return Reference(SECRETS_MANAGER, found["id"], found["key"] or "", region)


def require_secrets(secrets: object) -> None:
    """Require references by the names of variables."""
    if not isinstance(secrets, Mapping):
        raise InvalidOption("secrets must be a dict of references by the names of variables.")
    for name, text in secrets.items():
        if parse(text) is None:
            raise InvalidOption(
                f"secrets: {name} must be a reference to a secret and never a secret itself: "
                "'ssm:/prod/api-key', 'secretsmanager:prod/db', 'secretsmanager:prod/db:password' "
                "for a member of a JSON object, or a whole ARN with the six letters at its end. "
                "What was found is not shown here.",
            )
