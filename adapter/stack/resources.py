"""The resources of a template as they apply: with Globals in them, and with names for people."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SERVERLESS_FUNCTION = "AWS::Serverless::Function"
FUNCTIONS = (SERVERLESS_FUNCTION, "AWS::Lambda::Function")
_STACK_PREFIX = "${AWS::StackName}-"
_FUNCTION_ARN = re.compile(r":function:(?P<name>[^:]+)(:(?P<qualifier>[^:]+))?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource: `properties` with those of Globals, which SAM merges into it."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any]  # DependsOn, DeletionPolicy, Condition, ...

    @property
    def is_function(self) -> bool:
        """Whether this is a Lambda function."""
        return self.type in FUNCTIONS

    @property
    def deployment(self) -> str:
        """What a user calls it: the deployment's name behind the stack's, else the logical id."""
        name = self.properties.get("FunctionName")
        text = name.get("Fn::Sub") if isinstance(name, Mapping) else name
        if self.is_function and isinstance(text, str) and text.startswith(_STACK_PREFIX):
            return text.removeprefix(_STACK_PREFIX)
        return self.logical_id


class Resources:
    """The resources of a template, by logical id."""

    def __init__(self, template: Mapping[str, Any]) -> None:
        written = template.get("Resources") or {}
        every = template.get("Globals") or {}
        self.by_id = {name: _resource(name, one, every) for name, one in written.items()}
        self._functions = self._by_what_is_theirs()

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.by_id.values())

    def named(self, logical_id: str) -> str:
        """Name a resource for people; a role goes by the functions that have it."""
        found = self.by_id.get(logical_id)
        if found is None:
            return logical_id
        if found.type == "AWS::IAM::Role" and (owners := self.owners(found)):
            return ", ".join(self.by_id[owner].deployment for owner in owners)
        return found.deployment

    def owners(self, resource: Resource) -> list[str]:
        """Return the logical ids of the functions that a role or a log group is there for."""
        return self._functions.get(resource.logical_id, [])

    def only(self, other: "Resources") -> frozenset[str]:
        """Return the logical ids that the other template does not have."""
        return frozenset(self.by_id.keys() - other.by_id.keys())

    def function(self, value: Any) -> str | None:
        """Name the function that a property points at: by ARN, name, reference or alias.

        None where it points at something else, or at no single function.
        """
        match value:
            case {"Fn::GetAtt": [str(name), *_]} | {"Ref": str(name)}:
                return self._function_by_id(name)
            case {"Fn::Sub": str(text)} | str(text):
                return self._function_by_text(text)
        return None

    def _function_by_id(self, name: str) -> str | None:
        for logical_id in (name, re.sub(r"(?<=.)(Alias.+|\.Alias|\.Version)$", "", name)):
            found = self.by_id.get(logical_id)
            if found and found.is_function:
                return found.deployment
        return None

    def _function_by_text(self, text: str) -> str | None:
        if reference := re.match(r"^\$\{([A-Za-z0-9]+)(\.[A-Za-z]+)?\}(:[\w-]+)?$", text):
            return self._function_by_id(reference[1])
        found = _FUNCTION_ARN.search(text.replace(_STACK_PREFIX, ""))
        return None if found is None or "*" in text else found["name"]

    def _by_what_is_theirs(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for function in (resource for resource in self if resource.is_function):
            group = (function.properties.get("LoggingConfig") or {}).get("LogGroup")
            match function.properties.get("Role"), group:
                case {"Fn::GetAtt": [str(role), "Arn"]}, {"Ref": str(log_group)}:
                    owned = [role, log_group]
                case {"Fn::GetAtt": [str(role), "Arn"]}, _:
                    owned = [role]
                case _, {"Ref": str(log_group)}:
                    owned = [log_group]
                case _:
                    owned = []
            for name in owned:
                found.setdefault(name, []).append(function.logical_id)
        return found


def _resource(name: str, written: Mapping[str, Any], every: Mapping[str, Any]) -> Resource:
    kind = str(written.get("Type", ""))
    shared = every.get(kind.removeprefix("AWS::Serverless::"), {}) if "Serverless" in kind else {}
    attributes = {
        key: value
        for key, value in written.items()
        if key not in ("Type", "Properties", "Metadata")  # `sam build` adds Metadata of its own
    }
    return Resource(
        logical_id=name,
        type=kind,
        properties=_merged(shared, written.get("Properties") or {}),
        attributes=attributes,
    )


def _merged(shared: Any, own: Any) -> Any:
    """Merge as SAM does: mappings into each other, lists one behind the other.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
    """
    if isinstance(shared, Mapping) and isinstance(own, Mapping):
        if _is_intrinsic(shared) or _is_intrinsic(own):
            return own
        both = {name: _merged(shared[name], own[name]) for name in shared if name in own}
        return {**shared, **own, **both}
    if isinstance(shared, list) and isinstance(own, list):
        return [*shared, *own]
    return own


def _is_intrinsic(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::", "Condition"))


def shown(value: Any) -> str:
    """Write a value of a template in one line, functions in their short form."""
    if isinstance(value, Mapping):
        return _shown_mapping(value)
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown_mapping(value: Mapping[str, Any]) -> str:
    match list(value.items()):
        case [("Ref", name)]:
            return f"${{{name}}}"
        case [("Fn::GetAtt", [*parts])]:
            return f"${{{'.'.join(map(str, parts))}}}"
        case [("Fn::Sub", str(text))]:
            return text
    return f"{{{', '.join(f'{key}: {shown(one)}' for key, one in value.items())}}}"
