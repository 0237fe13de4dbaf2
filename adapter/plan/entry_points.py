"""The source code of the modules that functions start with: `functions/<folder>/app.py`."""

import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from adapter.errors import PlanError
from adapter.plan.arguments import Imports, expression, quoted
from adapter.plan.graph import Node
from adapter.plan.references import deployment_expression
from adapter.plan.secrets import reading_secrets
from adapter.plan.sharing import Group


class Source(NamedTuple):
    """Where an application was found, `module:attribute`, and how the user named it."""

    import_path: str
    target: str


def entry_point(group: Group, source: Source) -> str:
    """Write the entry point of a function. Raises `PlanError` for what cannot be written."""
    text = _own(group.main, source) if not group.others else _shared(group, source)
    secrets = group.main.deployment.settings.lambda_options.secrets
    return reading_secrets(text) if secrets else text


def _own(node: Node, source: Source) -> str:
    imports, module = Imports(), source.import_path.partition(":")[0]
    call = imports.add("adapter.function", "entry_point")
    deployment = deployment_expression(node, module, imports)
    arguments = [deployment, *_constructor_arguments(node, imports)]
    return entry_point_text(f"deployment {node.name}", source.target, imports, call, arguments)


def _shared(group: Group, source: Source) -> str:
    imports, module = Imports(), source.import_path.partition(":")[0]
    call = imports.add("adapter.function", "shared_entry_point")
    arguments = []
    for node in group.nodes:
        deployment = deployment_expression(node, module, imports, shared=True)
        arguments.append(f"{deployment}.bind({', '.join(_constructor_arguments(node, imports))})")
    arguments.append(f"default={quoted(group.main.name)}")
    *names, last = sorted(node.name for node in group.nodes)
    what = f"deployments {', '.join(names)} and {last}"
    return entry_point_text(what, source.target, imports, call, arguments)


def _constructor_arguments(node: Node, imports: Imports) -> list[str]:
    arguments = []
    for number, value in enumerate(node.args):
        where = f"{node.name}: constructor argument {number + 1}"
        arguments.append(expression(value, imports, where))
    for name, value in node.kwargs.items():
        where = f"{node.name}: constructor argument {name!r}"
        arguments.append(f"{name}={expression(value, imports, where)}")
    return arguments


def entry_point_text(
    what: str,
    target: str,
    imports: Imports,
    call: str,
    arguments: list[str],
) -> str:
    """Write the whole of `functions/<folder>/app.py`, in the layout that formatters keep."""
    line = f"handler = {call}({', '.join(arguments)})"
    if len(line) > 88:
        inner = "".join(f"    {argument},\n" for argument in arguments)
        line = f"handler = {call}(\n{inner})"
    lines = imports.lines()
    head = f'"""Entry point of {what}. Written by `adapter build {target}`."""'
    text = "\n".join([head, "", *lines, "", line, ""])
    try:
        compile(text, "app.py", "exec")
    except SyntaxError as error:
        raise PlanError(f"{what} cannot be written as Python code: {error.text}") from error
    return text


def entry_module(import_path: str) -> str:
    """Return the name of the entry points' module: not one that the user's own code has."""
    own, app = sys.modules.get(import_path.partition(":")[0].split(".")[0]), sys.modules.get("app")
    return "entry_point" if app is not None and _folder(app) == _folder(own) else "app"


def _folder(module: ModuleType | None) -> Path | None:
    """Return the folder that a top-level module was imported from."""
    if module is None or module.__file__ is None:
        return None
    return Path(module.__file__).parents[1 if hasattr(module, "__path__") else 0]
