"""What roles and policies allow."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from adapter.check.stack import SAM_FUNCTION, Resource, Stack, branches, mapping, text
from adapter.check.values import Fault

# Actions that know no resource, so that `*` is all one can write. Of the many that exist these are
# what functions need.
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
WITHOUT_RESOURCE = frozenset(
    {
        # A function in a VPC, before it has an interface that could be named.
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
        "ec2:assignprivateipaddresses",
        "ec2:createnetworkinterface",
        "ec2:deletenetworkinterface",
        "ec2:describenetworkinterfaces",
        "ec2:describesecuritygroups",
        "ec2:describesubnets",
        "ec2:describevpcs",
        "ec2:unassignprivateipaddresses",
        "cloudwatch:putmetricdata",
        "ecr:getauthorizationtoken",
        "sts:getcalleridentity",
        "xray:getsamplingrules",
        "xray:getsamplingstatisticsummaries",
        "xray:getsamplingtargets",
        "xray:puttelemetryrecords",
        "xray:puttracesegments",
    },
)
# Policies on a resource, and where they are written.
_ATTACHED = {
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
}
_ALL_POWERFUL = frozenset({"AdministratorAccess", "IAMFullAccess", "PowerUserAccess"})
# `table/*`, `function:*`: every resource of a kind. A bucket's objects are `bucket/*`.
_EVERY_ONE = re.compile(r"\*|[a-z-]+[:/]\*")


class _Statement(NamedTuple):
    resource: Resource
    written: Mapping[str, Any]

    @property
    def actions(self) -> list[str]:
        return [text(one) or "" for one in branches(self.written.get("Action"))]

    @property
    def resources(self) -> list[str]:
        return [text(one) or "" for one in branches(self.written.get("Resource"))]


def any_action(stack: Stack) -> Iterator[Fault]:
    """`*` and `s3:*` allow what nobody has thought of, and what AWS will add."""
    for statement in _granted(stack):
        wide = [
            action for action in statement.actions if re.fullmatch(r"(?:[a-z0-9-]+:)?\*", action)
        ]
        if wide or "NotAction" in statement.written:
            what = f"the action {wide[0]}" if wide else "every action but some (NotAction)"
            yield Fault(
                statement.resource.where,
                f"a policy allows {what}.",
                "Name the actions that the code uses.",
                statement.resource.logical_id,
            )


def any_resource(stack: Stack) -> Iterator[Fault]:
    """`*` as a resource is every one of the account; some actions know no other."""
    for statement in _granted(stack):
        actions = [one for one in statement.actions if one.lower() not in WITHOUT_RESOURCE]
        wide = [one for one in statement.resources if _is_every_one(one)]
        if actions and (wide or "NotResource" in statement.written):
            yield Fault(
                statement.resource.where,
                f"a policy allows {actions[0]} on {wide[0] if wide else 'all but some'}: every "
                "resource of the account.",
                "Name the resource, by !GetAtt or by its ARN.",
                statement.resource.logical_id,
            )


def administrator(stack: Stack) -> Iterator[Fault]:
    """AWS's managed policies for people who administer an account."""
    for resource, name in _managed(stack):
        if name in _ALL_POWERFUL:
            yield _about_managed(resource, name, "allows almost everything in the account")


def full_access(stack: Stack) -> Iterator[Fault]:
    """AWS's managed policies that allow everything in one service."""
    for resource, name in _managed(stack):
        if name.endswith("FullAccess") and name not in _ALL_POWERFUL:
            yield _about_managed(resource, name, "allows everything in its service")


def anybody(stack: Stack) -> Iterator[Fault]:
    """A bucket, a queue, a key or a role that any AWS account may use."""
    for resource, written in _attached(stack):
        if (
            _grants(written)
            and _is_anybody(written.get("Principal"))
            and not written.get("Condition")
        ):
            yield Fault(
                resource.where,
                f"the policy {resource.logical_id} lets anybody in (Principal *).",
                "Name who may, or add a condition such as aws:PrincipalOrgID or aws:SourceArn.",
                resource.logical_id,
            )


def _about_managed(resource: Resource, name: str, what: str) -> Fault:
    return Fault(
        resource.where,
        f"the managed policy {name} {what}.",
        "Write a policy with the actions and the resources that the code uses.",
        resource.logical_id,
    )


def _granted(stack: Stack) -> Iterator[_Statement]:
    """Yield what is allowed to functions and roles."""
    for resource in stack.resources:
        for document in _documents(resource):
            for statement in branches(document.get("Statement")):
                if _grants(mapping(statement)):
                    yield _Statement(resource, mapping(statement))


def _documents(resource: Resource) -> Iterator[Mapping[str, Any]]:
    written = resource.properties
    if resource.type == SAM_FUNCTION:
        yield from (mapping(one) for one in branches(written.get("Policies")))
    elif resource.type == "AWS::IAM::Role":
        policies = [mapping(one) for one in branches(written.get("Policies"))]
        yield from (mapping(one.get("PolicyDocument")) for one in policies)
    elif resource.type in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}:
        yield mapping(written.get("PolicyDocument"))


def _attached(stack: Stack) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
    """Yield the statements that say who may use a resource or take on a role."""
    for resource in stack.resources:
        key = "AssumeRolePolicyDocument" if resource.type == "AWS::IAM::Role" else None
        key = key or _ATTACHED.get(resource.type)
        document = mapping(resource.properties.get(key)) if key else {}
        for statement in branches(document.get("Statement")):
            yield resource, mapping(statement)


def _managed(stack: Stack) -> Iterator[tuple[Resource, str]]:
    """Yield the managed policies that functions and roles have, by their names."""
    for resource in stack.of(SAM_FUNCTION, "AWS::IAM::Role"):
        key = "Policies" if resource.type == SAM_FUNCTION else "ManagedPolicyArns"
        for one in branches(resource.properties.get(key)):
            if name := text(one):
                yield resource, name.rpartition("/")[2]


def _grants(statement: Mapping[str, Any]) -> bool:
    return statement.get("Effect") == "Allow"


def _is_anybody(principal: Any) -> bool:
    named = (
        branches(mapping(principal).get("AWS")) if isinstance(principal, Mapping) else [principal]
    )
    return "*" in named


def _is_every_one(resource: str) -> bool:
    if resource == "*":
        return True
    parts = re.sub(r"\$\{[^}]*\}", "0", resource).split(":", 5)  # ${AWS::Region} has colons, too
    if len(parts) < 6:
        return False
    return parts[5] == "*" if parts[2] == "s3" else bool(_EVERY_ONE.fullmatch(parts[5]))
