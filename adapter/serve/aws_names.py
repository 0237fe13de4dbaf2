"""Checks of the names that AWS gives to things, as users write them.

In all of them `${LogicalId}`, `${LogicalId.Attribute}` and `${AWS::Region}` may stand for what
only CloudFormation knows, such as a resource of the user's own template.
"""

import re
from collections.abc import Mapping

from adapter.errors import InvalidOption

_REFERENCE = r"\$\{[A-Za-z0-9:.]+\}"
_PART = rf"(?:[A-Za-z0-9-]|{_REFERENCE})*"
_ARN = rf"arn:(?:aws[a-z-]*|{_REFERENCE}):(?P<service>[a-z0-9-]+):{_PART}:{_PART}:(?P<rest>\S+)"
_MANAGED_POLICY = r"[A-Za-z0-9+=,.@_/-]{1,256}"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
_STATEMENT = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")


def is_reference(text: str) -> bool:
    """Tell whether a text is nothing but a reference to what CloudFormation knows."""
    return re.fullmatch(_REFERENCE, text) is not None


def service_of(text: object) -> str:
    """Return the service of an ARN ("sqs"), "" where a value is no ARN."""
    found = re.fullmatch(_ARN, text) if isinstance(text, str) else None
    return found["service"] if found else ""


def require_ids(name: str, values: object, prefix: str, *, most: int) -> tuple[str, ...]:
    """Require 1 to `most` ids such as `subnet-0a1b2c3d`, and return them as a tuple."""
    ids = tuple(values) if isinstance(values, (list, tuple)) else ()
    if not 1 <= len(ids) <= most or not all(_is_id(one, prefix) for one in ids):
        raise InvalidOption(
            f"{name}={values!r} must be a list of 1 to {most} ids such as '{prefix}-0a1b2c3d', or "
            "references such as '${LogicalId}'.",
        )
    return ids


def _is_id(value: object, prefix: str) -> bool:
    return isinstance(value, str) and (
        re.fullmatch(rf"{prefix}-[0-9a-f]+", value) is not None or is_reference(value)
    )


def require_layer(value: object) -> None:
    """Require the ARN of one version of a layer."""
    rest = r".*:layer:[A-Za-z0-9_-]+:\d+"
    if isinstance(value, str) and (is_reference(value) or _arn_of(value, "lambda", rest)):
        return
    raise InvalidOption(
        f"layers: {value!r} must be the ARN of a version of a layer, "
        "arn:aws:lambda:<region>:<account>:layer:<name>:<version>.",
    )


def _arn_of(value: str, service: str, pattern: str) -> bool:
    return service_of(value) == service and re.fullmatch(pattern, value) is not None


def require_policy(value: object) -> None:
    """Require the name or ARN of a managed policy, or an IAM statement."""
    if isinstance(value, Mapping):
        _require_statement(value)
    elif not isinstance(value, str) or not (
        is_reference(value)
        or service_of(value) == "iam"
        or (re.fullmatch(_MANAGED_POLICY, value) and not value.startswith("arn:"))
    ):
        raise InvalidOption(
            f"policies: {value!r} must be the name of a managed policy of AWS such as "
            "'AmazonS3ReadOnlyAccess', the ARN of a managed policy, or a statement: a dict with "
            "Effect, Action and Resource.",
        )


def _require_statement(statement: Mapping[object, object]) -> None:
    unknown = sorted(str(key) for key in statement if key not in _STATEMENT)
    what = (
        f"has no member {unknown[0]!r}"
        if unknown
        else "needs Effect='Allow' or 'Deny'"
        if statement.get("Effect") not in ("Allow", "Deny")
        else "needs either Action or NotAction"
        if ("Action" in statement) == ("NotAction" in statement)
        else "needs either Resource or NotResource"
        if ("Resource" in statement) == ("NotResource" in statement)
        else ""
    )
    if what:
        raise InvalidOption(
            f"policies: the statement {dict(statement)!r} {what}. A statement has "
            f"{', '.join(_STATEMENT)}.",
        )
