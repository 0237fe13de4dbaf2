"""What CloudFormation would make anew, as a change set tells; the change set is deleted again."""

import contextlib
import copy
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from adapter.errors import StackError
from adapter.stack.refusals import aws_errors

MAX_TEMPLATE_BYTES = 51_200  # of a template that is sent along
_NOTHING = ("didn't contain changes", "No updates are to be performed")
_CODE = ("CodeUri", "ContentUri", "DefinitionUri")
# Versions of code, which every deployment makes anew.
_ALWAYS_NEW = (
    "AWS::ApiGateway::Deployment",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Version",
    "AWS::Serverless::LayerVersion",
)
_POLL_S = 1.0


def replacements(
    client: Any,
    stack: str,
    deployed: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    wait_s: float = 120,
) -> dict[str, tuple[str, ...]]:
    """Return the logical ids that CloudFormation would replace, with the properties to blame.

    Code is taken to be where the deployed template has it, because a local path is none that
    CloudFormation could read. Raises `StackError` where CloudFormation makes no change set.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
    """
    body = json.dumps(_with_code(deployed, new), separators=(",", ":"), default=str)
    if len(body.encode()) > MAX_TEMPLATE_BYTES:
        raise StackError(
            f"the template has {len(body.encode()):,} bytes, and CloudFormation compares "
            f"{MAX_TEMPLATE_BYTES:,} at most that are not in S3",
        )
    with _change_set(client, stack, body, _parameters(client, stack, new)) as name:
        return dict(_replaced(_changes(client, stack, name, time.monotonic() + wait_s)))


def _with_code(deployed: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    there = deployed.get("Resources") or {}
    template = copy.deepcopy(dict(new))
    for name, resource in template.get("Resources", {}).items():
        properties = resource.get("Properties") or {}
        before = (there.get(name) or {}).get("Properties") or {}
        for key in _CODE:
            if key in properties:
                properties[key] = before.get(key, "s3://adapter-diff/not-uploaded")
    return template


def _parameters(client: Any, stack: str, new: Mapping[str, Any]) -> list[dict[str, Any]]:
    [described] = client.describe_stacks(StackName=stack)["Stacks"]
    known = {one["ParameterKey"] for one in described.get("Parameters", [])}
    return [
        {"ParameterKey": name, "UsePreviousValue": True}
        for name in new.get("Parameters") or {}
        if name in known
    ]


@contextlib.contextmanager
def _change_set(
    client: Any,
    stack: str,
    body: str,
    parameters: list[dict[str, Any]],
) -> Iterator[str]:
    name = f"adapter-diff-{uuid.uuid4().hex}"
    try:
        with aws_errors():
            client.create_change_set(
                StackName=stack,
                ChangeSetName=name,
                ChangeSetType="UPDATE",
                TemplateBody=body,
                Parameters=parameters,
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
                Description="Made by `adapter diff`, which deletes it",
            )
            yield name
    finally:
        with contextlib.suppress(Exception):  # what went wrong before is what matters
            client.delete_change_set(StackName=stack, ChangeSetName=name)


def _changes(client: Any, stack: str, name: str, end: float) -> Iterator[dict[str, Any]]:
    found = _finished(client, stack, name, end)
    while True:
        yield from (one["ResourceChange"] for one in found["Changes"] if "ResourceChange" in one)
        if "NextToken" not in found:
            return
        found = client.describe_change_set(
            StackName=stack,
            ChangeSetName=name,
            IncludePropertyValues=True,
            NextToken=found["NextToken"],
        )


def _finished(client: Any, stack: str, name: str, end: float) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = client.describe_change_set(
            StackName=stack,
            ChangeSetName=name,
            IncludePropertyValues=True,
        )
        if found["Status"] == "CREATE_COMPLETE":
            return found
        if found["Status"] == "FAILED":
            reason = found.get("StatusReason", "")
            if any(words in reason for words in _NOTHING):
                return {"Changes": []}
            raise StackError(f"CloudFormation makes no change set: {reason}")
        if time.monotonic() > end:
            raise StackError("CloudFormation takes too long to make a change set")
        time.sleep(_POLL_S)


def _replaced(changes: Iterator[dict[str, Any]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for change in changes:
        if change.get("Replacement") not in ("True", "Conditional"):
            continue
        if change.get("ResourceType") not in _ALWAYS_NEW:
            yield change["LogicalResourceId"], tuple(_reasons(change))


def _reasons(change: Mapping[str, Any]) -> Iterator[str]:
    names = (
        detail["Target"].get("Name")
        for detail in change.get("Details", [])
        if detail.get("Target", {}).get("RequiresRecreation") in ("Always", "Conditionally")
    )
    yield from dict.fromkeys(name for name in names if name)
