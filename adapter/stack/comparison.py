"""What a new template changes in an old one: in its resources, and in who may do what."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from adapter.stack.doors import authorizers
from adapter.stack.grant import Grant
from adapter.stack.grants import grants, told
from adapter.stack.resources import Resource, Resources, shown

Kind: TypeAlias = Literal["added", "changed", "replaced", "removed"]

# What `sam build` and `sam package` fill in: where the code is, not what the resource is like.
_CODE = frozenset({"CodeUri", "ContentUri", "ImageUri", "Code", "Content"})
# Told as grants.
_ACCESS = frozenset(
    {
        "AssumeRolePolicyDocument",
        "ManagedPolicyArns",
        "Policies",
        "PolicyDocument",
        "Role",
    }
)
_WORDS = {
    "Architectures": "architecture",
    "AutoPublishAlias": "alias",
    "EphemeralStorage.Size": "ephemeral storage MB",
    "FunctionUrlConfig.AuthType": "function URL's authorization",
    "FunctionUrlConfig.InvokeMode": "function URL's invoke mode",
    "FunctionUrlConfig": "function URL",
    "MemorySize": "memory MB",
    "ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions": "provisioned concurrency",
    "ProvisionedConcurrencyConfig": "provisioned concurrency",
    "ReservedConcurrentExecutions": "reserved concurrency",
    "RetentionInDays": "days of log retention",
    "Runtime": "runtime",
    "SnapStart": "SnapStart",
    "Timeout": "timeout s",
    "VpcConfig": "VPC",
}
_TYPES = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "scalable target",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "scaling policy",
    "AWS::IAM::Role": "role",
    "AWS::Lambda::Function": "function",
    "AWS::Lambda::LayerVersion": "layer",
    "AWS::Logs::LogGroup": "log group",
    "AWS::S3::Bucket": "bucket",
    "AWS::SQS::Queue": "queue",
    "AWS::Serverless::Api": "REST API",
    "AWS::Serverless::Function": "function",
    "AWS::Serverless::HttpApi": "HTTP API",
    "AWS::Serverless::LayerVersion": "layer",
}
_SECTIONS = {
    "Parameters": "parameter",
    "Mappings": "mapping",
    "Conditions": "condition",
    "Outputs": "output",
}
_MARKS: Mapping[Kind, str] = {"added": "+", "changed": "~", "replaced": "±", "removed": "-"}


@dataclass(frozen=True, slots=True)
class Change:
    """One change of `name`, which is a deployment, or a resource as the template names it."""

    kind: Kind
    name: str
    what: str

    @property
    def mark(self) -> str:
        """The sign that a line of this kind begins with."""
        return _MARKS[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a new template changes. `access` are sentences that say where access widens."""

    changes: tuple[Change, ...] = ()
    access: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes or self.access)


@dataclass(frozen=True, slots=True)
class _Side:
    template: Mapping[str, Any]
    resources: Resources = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "resources", Resources(self.template))


def compare(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    replaced: Mapping[str, Sequence[str]] | None = None,
) -> Comparison:
    """Compare two templates as `read_template` returns them; an empty one is no stack at all.

    `replaced` are the logical ids that CloudFormation would make anew, each with the properties
    that demand it. Where the code is, and what is in it, is not compared.
    """
    before, after = _Side(old), _Side(new)
    changes = [*_resources(before, after), *_sections(before, after), *_narrowed(old, new)]
    return Comparison(
        changes=tuple(_with_replacements(changes, replaced or {}, after)),
        access=(*told(_widened(old, new)), *_other_authorizers(old, new)),
    )


def _resources(before: _Side, after: _Side) -> Iterator[Change]:
    came, gone = after.resources.only(before.resources), before.resources.only(after.resources)
    for resource in after.resources:
        if resource.logical_id in came:
            if not _follows(resource, after.resources, came):
                yield Change("added", resource.deployment, f"new {_type(resource)}")
        else:
            yield from _changed(before.resources.by_id[resource.logical_id], resource)
    for resource in before.resources:
        if resource.logical_id in gone and not _follows(resource, before.resources, gone):
            yield Change("removed", resource.deployment, f"{_type(resource)} removed")


def _follows(resource: Resource, resources: Resources, changing: Collection[str]) -> bool:
    """Whether a resource comes or goes with the functions it is there for, and needs no line."""
    owners = resources.owners(resource)
    return bool(owners) and all(owner in changing for owner in owners)


def _type(resource: Resource) -> str:
    return _TYPES.get(resource.type, resource.type)


def _changed(old: Resource, new: Resource) -> Iterator[Change]:
    name = new.deployment
    if old.type != new.type:
        yield Change("replaced", name, f"{old.type} → {new.type}")
        return
    if old.properties.get("FunctionName") != new.properties.get("FunctionName"):
        yield Change("replaced", name, f"was called {old.deployment}")
    for path, before, after in _differences(_plain(old.properties), _plain(new.properties)):
        yield Change("changed", name, _property(path, before, after))
    for path, before, after in _differences(old.attributes, new.attributes):
        if path != "DependsOn":
            yield Change("changed", name, _property(path, before, after))


def _plain(properties: Mapping[str, Any]) -> dict[str, Any]:
    skipped = _CODE | _ACCESS | {"FunctionName"}
    return {name: value for name, value in properties.items() if name not in skipped}


def _differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the smallest properties that differ, with both values, None for none."""
    if not (_is_plain(old) and _is_plain(new)):
        if old != new:
            yield path, old, new
        return
    for name in dict.fromkeys([*old, *new]):
        below = f"{path}.{name}" if path else name
        yield from _differences(old.get(name), new.get(name), below)


def _is_plain(value: Any) -> bool:
    return isinstance(value, Mapping) and not any(key.startswith(("Fn::", "Ref")) for key in value)


def _property(path: str, old: Any, new: Any) -> str:
    variable = path.removeprefix("Environment.Variables.")
    if variable != path or path == "Environment":
        return _environment(variable, old, new)  # its values may be nobody's business
    before, after = ("none" if value is None else _short(value) for value in (old, new))
    return f"{_WORDS.get(path, path)} {before} → {after}"


def _environment(variable: str, old: Any, new: Any) -> str:
    what = "changed"
    if old is None or new is None:
        what = "added" if old is None else "removed"
    if variable != "Environment":
        return f"variable {variable} {what}"
    names = ", ".join(sorted((new or old or {}).get("Variables", {})))
    return f"variables {names} {what}"


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and len(value) == 1:
        (name, only) = next(iter(value.items()))
        if not isinstance(only, Mapping | list) and name != "Ref" and "::" not in name:
            return shown(only)
    if isinstance(value, list) and len(value) == 1:
        return shown(value[0])
    return shown(value)


def _sections(before: _Side, after: _Side) -> Iterator[Change]:
    for section, word in _SECTIONS.items():
        old, new = before.template.get(section) or {}, after.template.get(section) or {}
        for name in dict.fromkeys([*old, *new]):
            if name not in old:
                if not _tells_of(new[name], after.resources.only(before.resources)):
                    yield Change("added", name, f"new {word}")
            elif name not in new:
                if not _tells_of(old[name], before.resources.only(after.resources)):
                    yield Change("removed", name, f"{word} removed")
            elif old[name] != new[name]:
                yield Change("changed", name, f"{word} changed")


def _tells_of(value: Any, changing: Collection[str]) -> bool:
    """Whether an output is of a resource that comes or goes, and needs no line of its own."""
    return any(name in changing for name in re.findall(r"\w+", shown(value)))


def _widened(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Grant]:
    before, after = grants(old), grants(new)
    gone = {resource.deployment for resource in Resources(_without(old, new))}
    return [
        *(grant for grant in after - before if not grant.denied),
        *(grant for grant in before - after if grant.denied and not _is_of(grant, gone)),
    ]


def _is_of(grant: Grant, names: Collection[str]) -> bool:
    """Whether a grant is about something of these names."""
    return any(name in names for name in (grant.who, *re.findall(r"[\w-]+", grant.on)))


def _narrowed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Say what is no longer allowed; of what goes as a whole that needs no word.

    What is in both templates alone may allow more than it does beside the rest, such as a route
    without its API, so it counts only where the whole template says the same.
    """
    before, after = grants(old), grants(new)
    for grant in sorted(grants(_common(old, new)) & before - after):
        if not grant.denied:
            yield Change("changed", grant.who, f"may no longer {grant.action}")
    for grant in sorted(grants(_common(new, old)) & after - before):
        if grant.denied:
            yield Change("changed", grant.who, f"is now denied {grant.action}")


def _without(template: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template with the resources that the other one does not have."""
    there = other.get("Resources") or {}
    every = (template.get("Resources") or {}).items()
    return {**template, "Resources": {name: one for name, one in every if name not in there}}


def _common(template: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template with the resources that the other one has, too."""
    there = other.get("Resources") or {}
    kept = {name: one for name, one in (template.get("Resources") or {}).items() if name in there}
    return {**template, "Resources": kept}


def _other_authorizers(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    before, after = authorizers(old), authorizers(new)
    return [
        f"{route} is now open to whom {after[route]} admits, not {before[route]}"
        for route in before
        if route in after and after[route] != before[route]
    ]


def _with_replacements(
    changes: Sequence[Change],
    replaced: Mapping[str, Sequence[str]],
    after: _Side,
) -> Iterator[Change]:
    """Say of each resource once that it is replaced, in front of what else changes in it."""
    told_of = {change.name for change in changes if change.kind == "replaced"}
    reasons = {after.resources.named(name): reasons for name, reasons in replaced.items()}
    for name, properties in reasons.items():
        if name not in told_of:
            because = f", because of {', '.join(properties)}" if properties else ""
            yield Change("replaced", name, f"is replaced{because}")
    yield from changes
