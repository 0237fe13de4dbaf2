"""Which deployments the source of a deployment asks for: literal `get_deployment_handle("X")`.

A function may invoke what it holds handles to and nothing else, so handles that are not
constructor arguments have to be found. Followed are the deployment's class or factory and the
functions of the same module that it names.
"""

import ast
import inspect
import sys
from collections.abc import Iterator
from typing import Any

from adapter.plan.routes import all_routes
from adapter.plan.source import parse
from adapter.serve.ingresses import ingress_of


def literal_calls(func_or_class: Any, application: str) -> tuple[tuple[str, str], ...]:
    """Return (deployment, application) for each literal handle that the source asks for."""
    found: dict[tuple[str, str], None] = {}
    for module, root in _roots(func_or_class):
        definitions = _definitions(module)
        for node in _reachable(root, definitions):
            found.update(dict.fromkeys(_handles(node, application)))
    return tuple(found)


def _roots(func_or_class: Any) -> list[tuple[str, str | None]]:
    """Return (module, top-level name) where the search starts; None is every function there."""
    roots: list[tuple[str, str | None]] = []
    ingress = ingress_of(func_or_class)
    if func_or_class.__module__.split(".")[0] != "adapter":
        roots.append((func_or_class.__module__, func_or_class.__qualname__.split(".")[0]))
    if ingress and ingress.is_factory:
        roots.append((ingress.app.__module__, ingress.app.__qualname__.split(".")[0]))
    elif ingress:
        roots += [(module, None) for module in sorted(_endpoint_modules(ingress.app))]
    return roots


def _endpoint_modules(app: Any) -> set[str]:
    endpoints = (getattr(route, "endpoint", None) for route in all_routes(app))
    modules = {getattr(endpoint, "__module__", None) for endpoint in endpoints}
    return {name for name in modules if name and name.split(".")[0] not in _FRAMEWORKS}


_FRAMEWORKS = frozenset({"fastapi", "starlette", "adapter"})


def _definitions(module: str) -> dict[str, ast.AST]:
    loaded = sys.modules.get(module)
    try:
        tree = parse(inspect.getsource(loaded)) if loaded else None
    except (OSError, TypeError, SyntaxError):
        return {}
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name: node for node in tree.body if isinstance(node, kinds)} if tree else {}


def _reachable(root: str | None, definitions: dict[str, ast.AST]) -> Iterator[ast.AST]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    every = [name for name, node in definitions.items() if isinstance(node, functions)]
    waiting, seen = [root] if root else every, set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in definitions:
            continue
        seen.add(name)
        node = definitions[name]
        if isinstance(node, functions) or name == root:  # other classes are their own functions
            yield node
            waiting += [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]


def _handles(node: ast.AST, application: str) -> Iterator[tuple[str, str]]:
    for call in ast.walk(node):
        if not isinstance(call, ast.Call) or _name(call.func) != "get_deployment_handle":
            continue
        texts = [_text(argument) for argument in call.args]
        named = {keyword.arg: _text(keyword.value) for keyword in call.keywords}
        deployment = texts[0] if texts else named.get("deployment_name")
        owner = texts[1] if len(texts) > 1 else named.get("app_name", application)
        if deployment and owner:
            yield deployment, owner


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
