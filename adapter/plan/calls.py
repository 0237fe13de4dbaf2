"""Which deployments the source of a deployment asks for, by literal names.

They are those of `get_deployment_handle("X")`, and of `get_app_handle("default")` of its own
application.

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


def literal_calls(
    func_or_class: Any,
    application: str,
    ingress: str,
) -> tuple[tuple[str, str], ...]:
    """Return (deployment, application) for each literal handle that the source asks for.

    `application` and `ingress`, its ingress deployment, are those of the deployment that asks.
    """
    found: dict[tuple[str, str], None] = {}
    for module, root in _roots(func_or_class):
        definitions = _definitions(module)
        for node in _reachable(root, definitions):
            found.update(dict.fromkeys(_handles(node, application)))
            if application in map(_asked_application, _calls_of(node, "get_app_handle")):
                found[ingress, application] = None
    return tuple(found)


def dynamic_handles(func_or_class: Any) -> tuple[str, ...]:
    """Return where the source asks for a handle by a name that only running it tells.

    Each is `module.py:12`, a line of the module's own file.
    """
    places: dict[str, None] = {}
    for module, root in _roots(func_or_class):
        for node in _reachable(root, _definitions(module)):
            for call in _calls_of(node, "get_deployment_handle"):
                if not all(_asked(call, "default")):
                    places[f"{module.rpartition('.')[2]}.py:{call.lineno}"] = None
            for call in _calls_of(node, "get_app_handle"):
                if not _asked_application(call):
                    places[f"{module.rpartition('.')[2]}.py:{call.lineno}"] = None
    return tuple(places)


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
    for call in _calls_of(node, "get_deployment_handle"):
        deployment, owner = _asked(call, application)
        if deployment and owner:
            yield deployment, owner


def _calls_of(node: ast.AST, function: str) -> Iterator[ast.Call]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and _name(call.func) == function:
            yield call


def _asked(call: ast.Call, application: str) -> tuple[str | None, str | None]:
    """Return the deployment and the application that are asked for; None is not literal."""
    texts = [_text(argument) for argument in call.args]
    named = {keyword.arg: _text(keyword.value) for keyword in call.keywords}
    deployment = texts[0] if texts else named.get("deployment_name")
    owner = texts[1] if len(texts) > 1 else named.get("app_name", application)
    return deployment, owner


def _asked_application(call: ast.Call) -> str | None:
    """Return the application whose ingress is asked for; None is not literal."""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "name"]
    return next(map(_text, [*call.args, *named]), None)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
