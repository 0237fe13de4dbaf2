"""TARGET: `module:attribute`, imported and planned."""

import contextlib
import difflib
import importlib
import inspect
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from adapter.errors import InvalidOption, TargetError
from adapter.plan.applications import plan_asgi, plan_graph
from adapter.plan.builders import (
    call_builder,
    is_builder,
    makes_application,
    not_a_builder,
    refuse_arguments,
)
from adapter.plan.graph import walk
from adapter.plan.values import ApplicationPlan
from adapter.serve import older, running
from adapter.serve.deployments import Application, Deployment
from adapter.serve.ingresses import is_factory
from adapter.serve.names import DEFAULT_APPLICATION


def plan_target(
    target: str,
    *,
    arguments: Mapping[str, str] | None = None,
    app_dir: Path | None = None,
    name: str = DEFAULT_APPLICATION,
    route_prefix: str = "/",
) -> ApplicationPlan:
    """Import TARGET and plan it: a bound application, an ASGI application or a factory of one.

    A function of one parameter is an application builder, which is called with the `arguments`. In
    the older form TARGET is a deployment that the module deploys, at its own `route_prefix`, where
    the ingress of any application may have one too.

    Modules are looked for in `app_dir`, by default the current folder, then on `sys.path`. `name`
    is the application's, `route_prefix` where HTTP reaches it. Raises `InvalidOption` for a
    malformed prefix, `TargetError` where TARGET names no application, `PlanError` where it cannot
    become Lambda functions, and whatever the user's module and builder raise.
    """
    running.check_route_prefix(route_prefix)
    check_application_name(name)
    found = load_application(target, arguments or {}, app_dir=app_dir)
    if isinstance(found, Deployment):
        prefix = found.route_prefix if route_prefix == "/" else route_prefix
        plan = plan_graph(
            walk(deployed_application(found, target), name),
            import_path=target,
            target=target,
            route_prefix=prefix,
        )
        return replace(plan, notes=(*plan.notes, *_not_served(found)))
    if isinstance(found, Application):
        return plan_graph(
            walk(found, name),
            import_path=target,
            target=_written(target, arguments or {}),
            route_prefix=older.prefix(found.deployment, route_prefix),
        )
    if makes_application(found):
        raise TargetError(f"{target} is no application builder: {not_a_builder(found)}")
    if not _is_asgi(found):
        raise TargetError(
            f"{target} is {found!r:.80}, which is no application. Expected an application made by "
            "Deployment.bind(), a FastAPI or other ASGI application, or a function that makes one.",
        )
    return plan_asgi(found, target, name, route_prefix)


def load_application(
    target: str,
    arguments: Mapping[str, Any],
    *,
    app_dir: Path | None = None,
) -> Any:
    """Import what TARGET names and, where that is an application builder, call it.

    Raises `TargetError` where there is nothing, or where `arguments` are given to what is no
    builder, `WrongArguments` where the builder refuses them, and whatever the user's code raises.
    """
    found = load_target(target, app_dir=app_dir)
    if running.is_rays(found):
        raise TargetError(f"{target} is Ray's own {type(found).__name__}. {running.CHANGE_IMPORT}")
    if not is_builder(found):
        refuse_arguments(found, arguments, target)
        return found
    with _importing():
        return call_builder(found, arguments, target)


def deployed_application(deployment: Deployment[Any], target: str) -> Application[Any]:
    """Return what the older form deploys. Raises `TargetError` where nothing is bound."""
    application = older.deployed(deployment)
    if application is None:
        raise TargetError(
            f"{target} is a deployment that is not bound yet; name an application, "
            f"for example app = {deployment.name}.bind().",
        )
    return application


def _not_served(deployment: Deployment[Any]) -> list[str]:
    """Say that a TARGET is one application, and every `deploy()` makes one."""
    others = older.deployed_beside(deployment)
    return [
        f"the module deploys {', '.join(others)} too, which is not served: each is an application "
        "of its own. A config file with one application for each, of its name and prefix, serves "
        "them all."
        for _ in others[:1]
    ]


def _written(target: str, arguments: Mapping[str, str]) -> str:
    """Write down what was built, in one line; a value that a shell would take apart is left out."""
    plain = re.compile(r"[\w@%+=:,./-]*", re.ASCII)
    pairs = [
        f"{name}={value if plain.fullmatch(value) else '...'}" for name, value in arguments.items()
    ]
    return " ".join([target, *pairs])


def check_application_name(name: str) -> None:
    """Raise `InvalidOption` where function names cannot begin with it."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise InvalidOption(
            f"the application's name {name!r} must hold letters, digits, hyphens and underscores "
            "only, and at least one of them.",
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
    try:
        with _importing():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] == "ray" != name.partition(".")[0]:
            raise TargetError(_imports_ray(error)) from error
        # Only a missing TARGET is the command's mistake; a missing import inside it is the user's.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise TargetError(_no_module(error.name, app_dir)) from error


@contextlib.contextmanager
def _importing() -> Iterator[None]:
    """Tell `serve.run` that the program is not the one to serve now."""
    running.importing = True
    try:
        yield
    finally:
        running.importing = False


def _imports_ray(error: ModuleNotFoundError) -> str:
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    where = f"{frame.f_code.co_filename}, line {line}"
    return f"{where}, imports {error.name}, which is not installed. {running.CHANGE_IMPORT}"


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
