"""TARGET: `module:attribute`, imported and planned."""

import difflib
import importlib
import inspect
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from adapter.errors import InvalidOption, TargetError
from adapter.plan.arguments import Imports
from adapter.plan.functions import (
    check_name,
    entry_module,
    entry_point_text,
    folder,
    function_plans,
    logical_id,
    place,
)
from adapter.plan.graph import walk
from adapter.plan.http import streaming_note
from adapter.plan.routes import application_routes, ingress_routes
from adapter.plan.values import ApplicationPlan, FunctionPlan, RoutePlan
from adapter.serve import running
from adapter.serve.deployments import Application, Deployment
from adapter.serve.ingresses import ingress_of, is_factory
from adapter.serve.names import DEFAULT_APPLICATION, function_name


def plan_target(
    target: str,
    *,
    app_dir: Path | None = None,
    name: str = DEFAULT_APPLICATION,
    route_prefix: str = "/",
) -> ApplicationPlan:
    """Import TARGET and plan it: a bound application, an ASGI application or a factory of one.

    Modules are looked for in `app_dir`, by default the current folder, then on `sys.path`. `name`
    is the application's, `route_prefix` where HTTP reaches it. Raises `InvalidOption` for a
    malformed prefix, `TargetError` where TARGET names no application, `PlanError` where it cannot
    become Lambda functions, and whatever importing the user's module raises.
    """
    running.check_route_prefix(route_prefix)
    check_application_name(name)
    found = load_target(target, app_dir=app_dir)
    if isinstance(found, Application):
        return plan_application(found, target, name=name, route_prefix=route_prefix)
    if isinstance(found, Deployment):
        raise TargetError(
            f"{target} is a deployment that is not bound yet; name an application, "
            f"for example app = {found.name}.bind().",
        )
    if not _is_asgi(found):
        raise TargetError(
            f"{target} is {found!r:.80}, which is no application. Expected an application made by "
            "Deployment.bind(), a FastAPI or other ASGI application, or a function that makes one.",
        )
    return _plan_asgi(found, target, name, route_prefix)


def check_application_name(name: str) -> None:
    """Raise `InvalidOption` where function names cannot begin with it."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise InvalidOption(
            f"the application's name {name!r} must hold letters, digits, hyphens and underscores "
            "only, and at least one of them.",
        )


def plan_application(
    application: Application,
    target: str,
    *,
    name: str = DEFAULT_APPLICATION,
    route_prefix: str | None = "/",
) -> ApplicationPlan:
    """Plan a bound application. Raises `PlanError` where it cannot become Lambda functions."""
    graph = walk(application, name)
    functions = function_plans(graph, target, route_prefix)
    func_or_class = graph.ingress.deployment.func_or_class
    ingress = functions[0].name
    routes: tuple[RoutePlan, ...] = ()
    if route_prefix:
        routes = ingress_routes(ingress_of(func_or_class), func_or_class, route_prefix, ingress)
    return ApplicationPlan(
        name=name,
        target=target,
        route_prefix=route_prefix,
        ingress=ingress,
        functions=(_noted(functions[0], routes), *functions[1:]),
        routes=routes,
    )


def _noted(
    function: FunctionPlan,
    routes: tuple[RoutePlan, ...],
    *,
    is_deployment: bool = True,
) -> FunctionPlan:
    note = streaming_note(function, routes, is_deployment=is_deployment)
    return replace(function, notes=(*function.notes, note)) if note else function


def _plan_asgi(app: Any, target: str, application: str, route_prefix: str) -> ApplicationPlan:
    module, _, attribute = target.partition(":")
    deployment = attribute.replace(".", "-")
    name = check_name(attribute, function_name(deployment, application))
    imports = Imports()
    call = imports.add("adapter", "lambda_handler")
    imported = imports.add(module, attribute)
    function = FunctionPlan(
        name=name,
        deployment=deployment,
        application=application,
        is_ingress=True,
        folder=folder(name),
        logical_id=logical_id(name),
        entry_point=entry_point_text(f"application {name}", target, imports, call, [imported]),
        module=entry_module(target),
        environment=place(application, deployment, route_prefix),
    )
    routes = application_routes(app, route_prefix, name)
    return ApplicationPlan(
        name=application,
        target=target,
        route_prefix=route_prefix,
        ingress=name,
        functions=(_noted(function, routes, is_deployment=False),),
        routes=routes,
    )


def _is_asgi(found: Any) -> bool:
    if inspect.isclass(found) or not callable(found):
        return False
    return is_factory(found) or _takes(found, "scope", "receive", "send")


def _takes(found: Any, *arguments: str) -> bool:
    """Whether it can be called with so many positional arguments, as an application is."""
    try:
        inspect.signature(found).bind(*arguments)
    except (TypeError, ValueError):
        return False
    return True


def load_target(target: str, *, app_dir: Path | None = None) -> Any:
    """Import the object that TARGET names. Raises `TargetError`, or the module's own error."""
    module_name, separator, attribute = target.partition(":")
    if not separator or not module_name or not attribute or module_name.startswith("."):
        raise TargetError(
            f"TARGET={target!r} must have the form module:attribute, for example main:app.",
        )
    module = _import(module_name, (app_dir or Path.cwd()).resolve())
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise TargetError(_no_attribute(module, module_name, attribute, part))
        found = getattr(found, part)
    return found


def _import(name: str, app_dir: Path) -> ModuleType:
    if not app_dir.is_dir():
        raise TargetError(f"the folder {app_dir} does not exist.")
    if str(app_dir) not in sys.path:
        sys.path.insert(0, str(app_dir))
    importlib.invalidate_caches()
    running.importing = True
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Only a missing TARGET is the command's mistake; a missing import inside it is the user's.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise TargetError(_no_module(error.name, app_dir)) from error
    finally:
        running.importing = False


def _no_module(name: str, app_dir: Path) -> str:
    message = f"no module named {name!r} (looked in {app_dir} and sys.path)."
    if name.endswith(".py"):
        return f"{message} Write it as a module, without '.py'."
    here = [path.stem for path in app_dir.glob("*.py")]
    here += [path.parent.name for path in app_dir.glob("*/*.py")]
    return message + _did_you_mean(name.rpartition(".")[2], here)


def _no_attribute(module: ModuleType, module_name: str, attribute: str, part: str) -> str:
    where = f"module {module_name!r} ({module.__file__})"
    return f"{where} has no attribute {attribute!r}." + _did_you_mean(part, list(vars(module)))


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
