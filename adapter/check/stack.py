"""What rules look at: the plan of a stack and its template, with the defaults filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from adapter.plan.values import FunctionPlan, StackPlan
from adapter.template.cloudformation import GetAtt, Ref, Sub, Tagged

SAM_FUNCTION = "AWS::Serverless::Function"
FUNCTION_TYPES = (SAM_FUNCTION, "AWS::Lambda::Function")
# What belongs to a function and is named after it, by us and by the SAM transform.
_SUFFIXES = ("Role", "LogGroup", "Url", "Queue", "ScalableTarget", "ScalingPolicy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of the template.

    `where` is what the user calls it: the deployment that it belongs to, or its logical id. `plan`
    is the function's, where it is one of ours.
    """

    logical_id: str
    type: str
    where: str
    properties: Mapping[str, Any]
    plan: FunctionPlan | None = None


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A plan with its template, and what is known of the account and the day.

    `stack_names` are the names it may be deployed under. `account_concurrency` is the account's
    limit of concurrent executions. `build` is the folder that `sam build` writes; it need not be
    there. `not_installed` is what the code imports and no requirement installs, as module and
    distribution.
    """

    plan: StackPlan
    template: Mapping[str, Any]
    today: date
    stack_names: tuple[str, ...] = ()
    account_concurrency: int = 1_000
    build: Path = Path(".aws-sam/build")
    not_installed: tuple[tuple[str, str], ...] = ()

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """All resources; the properties of SAM's functions have those of Globals filled in."""
        return tuple(self._resources())

    @property
    def functions(self) -> Iterator[Resource]:
        """The functions, ours and those of the user's own template."""
        return self.of(*FUNCTION_TYPES)

    def of(self, *types: str) -> Iterator[Resource]:
        """Yield the resources of some types."""
        return (one for one in self.resources if one.type in types)

    def name(self, function: FunctionPlan) -> str:
        """Name a deployment; where there are several applications, as its function is called."""
        several = len(self.plan.applications) > 1
        return function.name if several else function.title

    def _resources(self) -> Iterator[Resource]:
        owners = {function.logical_id: function for function in self.plan.functions}
        defaults = mapping(mapping(self.template.get("Globals")).get("Function"))
        for logical_id, written in mapping(self.template.get("Resources")).items():
            resource = mapping(written)
            kind = str(resource.get("Type", ""))
            properties = mapping(resource.get("Properties"))
            if kind == SAM_FUNCTION:
                properties = _filled(defaults, properties)
            owner = _owner(logical_id, owners)
            yield Resource(
                logical_id=logical_id,
                type=kind,
                where=self.name(owner) if owner else logical_id,
                properties=properties,
                plan=owners.get(logical_id),
            )


def _owner(logical_id: str, owners: Mapping[str, FunctionPlan]) -> FunctionPlan | None:
    """Return the function that a resource is, or that it belongs to."""
    if logical_id in owners:
        return owners[logical_id]
    stems = (logical_id.removesuffix(suffix) for suffix in _SUFFIXES)
    return next((owners[stem] for stem in stems if stem in owners), None)


def _filled(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in Globals as SAM does: maps are merged, lists are joined, the rest is overridden.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
    """
    filled = dict(defaults)
    for name, value in own.items():
        default = defaults.get(name)
        if isinstance(default, Mapping) and isinstance(value, Mapping):
            filled[name] = _filled(default, value)
        elif isinstance(default, list) and isinstance(value, list) and name != "Architectures":
            filled[name] = [*default, *value]
        else:
            filled[name] = value
    return filled


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a map, an empty one for anything else: templates are the user's to get wrong."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """Return a list; one value alone is a list of it, nothing an empty one."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def branches(value: Any) -> list[Any]:
    """Return a list as `items` does, with both values where a condition chooses one (`!If`)."""
    return [found for one in items(value) for found in _chosen(one)]


def _chosen(value: Any) -> Iterator[Any]:
    if isinstance(value, Tagged) and value.tag == "!If":
        yield from branches(items(value.value)[1:])
    elif isinstance(value, Mapping) and "Fn::If" in value:
        yield from branches(items(value["Fn::If"])[1:])
    elif isinstance(value, (list, tuple)):  # a condition may choose among lists, too
        yield from branches(value)
    else:
        yield value


def number(value: Any) -> int:
    """Return a whole number; 0 for what only CloudFormation knows."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def text(value: Any) -> str | None:
    """Return a text as it is written, `${...}` included; None where only CloudFormation knows."""
    if isinstance(value, Sub):
        return value.text
    if isinstance(value, Mapping) and "Fn::Sub" in value:
        return text(items(value["Fn::Sub"])[0] if value["Fn::Sub"] else "")
    return value if isinstance(value, str) else None


def reference(value: Any) -> str | None:
    """Return the logical id that a value refers to, None where it refers to none."""
    if isinstance(value, (GetAtt, Ref)):
        return value.name
    if isinstance(value, Mapping) and len(value) == 1:
        found = value.get("Ref") or value.get("Fn::GetAtt")
        first = items(found)[0] if found else None
        return first.partition(".")[0] if isinstance(first, str) else None
    return None
