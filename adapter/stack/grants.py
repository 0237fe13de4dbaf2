"""Who may do what, by a template: the statements, principals and open doors in it.

What is not a grant: that Lambda may assume a function's role, and that a function may write its
own log. Every function has these.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from adapter.stack.doors import door_grants
from adapter.stack.grant import Grant
from adapter.stack.resources import Resource, Resources, shown

_TRUST = "AssumeRolePolicyDocument"
_BOUNDARY = "what is outside of the permissions boundary"
_LAMBDA = "lambda.amazonaws.com"
_LOG_GROUP = re.compile(r":log-group:/aws/lambda/(\$\{AWS::StackName\}-)?(?P<name>[^:*]+)(:.*)?$")
# Types whose statements speak for somebody else: the roles they are attached to.
_ATTACHED = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")


def grants(template: Mapping[str, Any]) -> frozenset[Grant]:
    """Return everything that a template allows, each as small as it can be told."""
    resources = Resources(template)
    return frozenset(grant for resource in resources for grant in _of(resource, resources))


def _of(resource: Resource, resources: Resources) -> Iterator[Grant]:
    holders = _holders(resource, resources)
    for where, statement in _statements(resource.properties):
        yield from _Statement(resources, resource, holders, where, statement).grants()
    for policy in _named_policies(resource):
        for holder in holders:
            yield Grant(holder, "use the policy", policy)
    if boundary := resource.properties.get("PermissionsBoundary"):
        for holder in holders:
            yield Grant(holder, _BOUNDARY, shown(boundary), denied=True)
    yield from door_grants(resource, resources)


def _holders(resource: Resource, resources: Resources) -> list[str]:
    """Name who gets what the statements of a resource allow, where they name no principal."""
    if resource.type in _ATTACHED:
        written = resource.properties.get("Roles", [resource.properties.get("RoleName")])
        attached = written if isinstance(written, list) else [written]
        names = [resources.named(one["Ref"]) if _is_ref(one) else shown(one) for one in attached]
        return names or [resource.logical_id]
    return [resources.named(resource.logical_id)]


def _is_ref(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"Ref"}


def _named_policies(resource: Resource) -> Iterator[str]:
    """Yield managed policies, and SAM's policy templates, as they are written."""
    written = [*_list(resource.properties.get("ManagedPolicyArns"))]
    if resource.type == "AWS::Serverless::Function":
        written += _list(resource.properties.get("Policies"))
    for policy in written:
        if not (isinstance(policy, Mapping) and "Statement" in policy):
            yield shown(policy).removeprefix("arn:aws:iam::aws:policy/")


def _statements(value: Any, where: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Find policy documents at any depth, each statement with the property that holds it."""
    if isinstance(value, Mapping):
        for statement in _branches(value.get("Statement")):
            yield where, statement
        for name, one in value.items():
            if name != "Statement":
                yield from _statements(one, str(name))
    elif isinstance(value, list):
        for one in value:
            yield from _statements(one, where)


def _branches(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield statements, those of both branches where a condition of the template chooses."""
    for one in _list(value):
        if isinstance(one, list):
            yield from _branches(one)
        elif isinstance(one, Mapping) and "Fn::If" in one:
            yield from _branches(one["Fn::If"][1:])
        elif isinstance(one, Mapping) and "Ref" not in one:
            yield one


class _Statement(NamedTuple):
    """A statement, and where it stands."""

    resources: Resources
    resource: Resource
    holders: list[str]
    where: str
    written: Mapping[str, Any]

    def grants(self) -> Iterator[Grant]:
        when = shown(self.written["Condition"]) if self.written.get("Condition") else ""
        denied = self.written.get("Effect") == "Deny"
        for who in self._principals():
            for action in self._actions():
                for target in self._targets():
                    if not self._belongs_to_every_function(who, action, target):
                        yield Grant(who, *self._told(action, target), when, denied=denied)

    def _principals(self) -> list[str]:
        """Return who is allowed; a statement in a role or a function's policies names nobody."""
        found = _every_but("NotPrincipal", self.written)
        principal = self.written.get("Principal")
        if isinstance(principal, Mapping):
            found += [shown(one) for value in principal.values() for one in _list(value)]
        elif principal is not None:
            found.append(shown(principal))
        return ["anybody" if one == "*" else one for one in found] or self.holders

    def _actions(self) -> list[str]:
        return [*map(shown, _list(self.written.get("Action"))), *self._but("NotAction")]

    def _targets(self) -> list[Any]:
        targets = [*_list(self.written.get("Resource")), *self._but("NotResource")]
        return targets or [{"Ref": self.resource.logical_id}]

    def _but(self, name: str) -> list[str]:
        return _every_but(name, self.written)

    def _told(self, action: str, target: Any) -> tuple[str, str]:
        if self.where == _TRUST:
            return "assume the role of", self.resources.named(self.resource.logical_id)
        function = self.resources.function(target)
        if action == "lambda:InvokeFunction" and function is not None:
            return "invoke", function
        return action, self._target(target)

    def _target(self, target: Any) -> str:
        if _is_ref(target) and target["Ref"] in self.resources.by_id:
            return self.resources.named(target["Ref"])
        return shown(target)

    def _belongs_to_every_function(self, who: str, action: str, target: Any) -> bool:
        if self.where == _TRUST:
            owned = self.resources.named(self.resource.logical_id) != self.resource.logical_id
            return who == _LAMBDA and owned
        return action.startswith("logs:") and self._log_group(target) == who

    def _log_group(self, target: Any) -> str | None:
        """Name the function whose log group this is."""
        match target:
            case {"Fn::GetAtt": [str(name), "Arn"]} | {"Fn::Sub": str(name)}:
                reference = re.match(r"^\$\{(\w+)\.Arn\}", name)
                group = self.resources.by_id.get(reference[1] if reference else name)
                if group is not None and group.type == "AWS::Logs::LogGroup":
                    name = f":log-group:{shown(group.properties.get('LogGroupName'))}"
                found = _LOG_GROUP.search(name)
                return found["name"] if found else None
        return None


def _every_but(name: str, statement: Mapping[str, Any]) -> list[str]:
    """Say `NotAction: [a, b]` as "everything but a, b"."""
    excluded = _list(statement.get(name))
    return [f"everything but {', '.join(map(shown, excluded))}"] if excluded else []


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def told(found: Iterable[Grant]) -> list[str]:
    """Say grants in sentences, those that differ in the action alone in one."""
    actions: dict[Grant, list[str]] = {}
    for grant in sorted(found):
        actions.setdefault(grant._replace(may=""), []).append(grant.may)
    return [grant.sentence(may) for grant, may in actions.items()]
