"""Constructor arguments as the Python code that makes them."""

import builtins
import dataclasses
import enum
import inspect
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from adapter.dag import PLACEHOLDERS, GraphHandle, Step
from adapter.errors import PlanError
from adapter.serve.handles import DeploymentHandle
from adapter.serve.names import DEFAULT_APPLICATION


@dataclass
class Imports:
    """The imports that rendered code needs, written as `from module import name`."""

    names: dict[str, str] = field(default_factory=dict)  # what the code says: "module name"

    def add(self, module: str, qualified_name: str) -> str:
        """Import what `qualified_name` starts with and return the expression.

        A name that is taken by another module's is imported under another one.
        """
        first, *rest = qualified_name.split(".")
        wanted, alias = f"{module} {first}", first
        if self.names.get(alias, wanted) != wanted:
            alias = f"{module}_{first}".replace(".", "_")
        self.names[alias] = wanted
        return ".".join([alias, *rest])

    def lines(self) -> list[str]:
        """Return the import statements, sorted."""
        imported: dict[str, list[str]] = {}
        for alias, wanted in sorted(self.names.items()):
            module, name = wanted.split(" ")
            imported.setdefault(module, []).append(name if name == alias else f"{name} as {alias}")
        return [
            f"from {module} import {', '.join(sorted(names))}"
            for module, names in sorted(imported.items())
        ]


def expression(value: Any, imports: Imports, where: str) -> str:
    """Write a value as a Python expression; `where` names it in errors.

    Raises `PlanError` for a value that cannot be made anew from code: an open file, a lambda, a
    live object, a list that holds itself.
    """
    try:
        return _expression(value, imports, where)
    except RecursionError:
        raise PlanError(
            f"{where} holds itself, or has too many levels; it cannot be written as code. Make it "
            "inside __init__ instead.",
        ) from None


def _expression(value: Any, imports: Imports, where: str) -> str:  # noqa: PLR0911 - one a kind
    if value is None or value is Ellipsis or type(value) in (bool, int, bytes):
        return repr(value)
    if type(value) is str:
        return quoted(value)
    if type(value) is float:
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    if isinstance(value, DeploymentHandle):
        return _handle(value, imports)
    if isinstance(value, enum.Enum):
        return _enum(value, imports, where)
    if type(value) in _CONTAINERS:
        return _CONTAINERS[type(value)](value, imports, where)
    if isinstance(value, type) or inspect.isroutine(value):
        return _named(value, imports, where)
    return _object(value, imports, where)


def _handle(handle: DeploymentHandle, imports: Imports) -> str:
    name = imports.add("adapter.serve", "DeploymentHandle")
    arguments = [quoted(handle.deployment_name)]
    if handle.app_name != DEFAULT_APPLICATION:
        arguments.append(quoted(handle.app_name))
    method = handle._method_name  # noqa: SLF001 - a public name would hide a method of that name
    if method != "__call__":
        arguments.append(f"method_name={quoted(method)}")
    return f"{name}({', '.join(arguments)})"


def _enum(value: enum.Enum, imports: Imports, where: str) -> str:
    kind = _named(type(value), imports, where)
    if value.name in type(value).__members__:
        return f"{kind}.{value.name}"
    return f"{kind}({value.value!r})"  # flags that are set together


def quoted(text: str) -> str:
    """Write a string in double quotes where that needs no escape, as formatters do."""
    literal = repr(text)
    if '"' in text or literal.startswith('"'):
        return literal
    return f'"{literal[1:-1]}"'


def _items(values: Any, imports: Imports, where: str) -> str:
    return ", ".join(_expression(value, imports, where) for value in values)


def _tuple(value: Any, imports: Imports, where: str) -> str:
    return f"({_items(value, imports, where)}{',' if len(value) == 1 else ''})"


def _dict(value: Any, imports: Imports, where: str) -> str:
    pairs = (
        f"{_expression(key, imports, where)}: {_expression(item, imports, f'{where}[{key!r}]')}"
        for key, item in value.items()
    )
    return "{" + ", ".join(pairs) + "}"


def _set(value: Any, imports: Imports, where: str) -> str:
    # A set has no order of its own; the same input must give the same bytes.
    items = sorted(_expression(item, imports, where) for item in value)
    body = "{" + ", ".join(items) + "}" if items else ""
    return body if type(value) is set and items else f"{type(value).__name__}({body})"


def _graph(graph: GraphHandle, imports: Imports, where: str) -> str:
    """Write a graph as its calls, a line for each where there are several."""
    name = imports.add("adapter.dag", "GraphHandle")
    steps = [_step(step, imports, f"{where}, {step.name}") for step in graph.steps]
    if len(steps) == 1:
        return f"{name}({steps[0]})"
    return f"{name}(\n" + "".join(f"        {step},\n" for step in steps) + "    )"


def _step(step: Step, imports: Imports, where: str) -> str:
    name = imports.add("adapter.dag", "Step")
    arguments = [_expression(value, imports, where) for value in (step.handle, *step.args)]
    arguments += [
        f"{key}={_expression(value, imports, where)}" for key, value in step.kwargs.items()
    ]
    return f"{name}({', '.join(arguments)})"


def _placeholder(value: Any, imports: Imports, where: str) -> str:
    return f"{imports.add('adapter.dag', type(value).__name__)}({_items(value, imports, where)})"


_CONTAINERS: dict[type, Callable[[Any, Imports, str], str]] = {
    list: lambda value, imports, where: f"[{_items(value, imports, where)}]",
    tuple: _tuple,
    dict: _dict,
    set: _set,
    frozenset: _set,
    GraphHandle: _graph,
    **dict.fromkeys(PLACEHOLDERS, _placeholder),
}


def _named(value: Any, imports: Imports, where: str) -> str:
    """Refer to a class or function by the name it is imported under."""
    module, name = getattr(value, "__module__", None) or "", value.__qualname__
    if getattr(builtins, name, None) is value:
        return str(name)
    if name.startswith("<") or "<locals>" in name or _lookup(module, name) is not value:
        kind = "a lambda" if name.endswith("<lambda>") else f"{module}.{name}".lstrip(".")
        raise PlanError(
            f"{where} is {kind}, which cannot be imported by name; define it at the top level of "
            "a module.",
        )
    return imports.add(module, name)


def _lookup(module: str, qualified_name: str) -> Any:
    found: Any = sys.modules.get(module)
    for part in qualified_name.split("."):
        found = getattr(found, part, None)
    return found


def _object(value: Any, imports: Imports, where: str) -> str:
    kind = type(value)
    if isinstance(value, (datetime, date, time, timedelta)) and kind.__module__ == "datetime":
        return _moment(value, imports, where)
    if isinstance(value, (Decimal, UUID)):
        return f"{_named(kind, imports, where)}({quoted(str(value))})"
    if isinstance(value, PurePath):
        return f"{imports.add('pathlib', kind.__name__)}({quoted(str(value))})"
    if dataclasses.is_dataclass(value):
        return _call(kind, _dataclass_fields(value), imports, where)
    if hasattr(kind, "model_dump"):
        return _call(kind, _model_fields(value), imports, where)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _call(kind, value._asdict(), imports, where)
    raise PlanError(
        f"{where} is {_describe(value)}; only plain values and other deployments can be deployed. "
        "Make it inside __init__ instead.",
    )


def _moment(value: date | time | timedelta, imports: Imports, where: str) -> str:
    kind = imports.add("datetime", type(value).__name__)
    if isinstance(value, timedelta):
        return repr(value).replace("datetime.timedelta", kind)
    zone = getattr(value, "tzinfo", None)
    if zone is not None and type(zone) is not timezone:
        raise PlanError(f"{where} is in the time zone {zone!r}; give it in UTC instead.")
    return f"{kind}.fromisoformat({quoted(value.isoformat())})"


def _dataclass_fields(value: Any) -> dict[str, Any]:
    return {
        known.name: getattr(value, known.name) for known in dataclasses.fields(value) if known.init
    }


def _model_fields(value: Any) -> dict[str, Any]:
    return {
        known.alias or name: getattr(value, name)
        for name, known in type(value).model_fields.items()
    }


def _call(kind: type, fields: dict[str, Any], imports: Imports, where: str) -> str:
    arguments = ", ".join(
        f"{name}={_expression(item, imports, f'{where}.{name}')}" for name, item in fields.items()
    )
    return f"{_named(kind, imports, where)}({arguments})"


def _describe(value: Any) -> str:
    if hasattr(value, "read") and hasattr(value, "close"):
        return "an open file"
    return f"a live {type(value).__module__}.{type(value).__qualname__} object"
