"""One application of a config file as a plan."""

from dataclasses import replace
from pathlib import Path

from adapter.config.environment import variables_set
from adapter.config.file import ConfigFile
from adapter.config.marks import Place
from adapter.config.mistakes import Mistakes
from adapter.config.notes import notes
from adapter.config.overrides import Overrides
from adapter.config.schema import ApplicationConfig
from adapter.errors import InvalidOption, PlanError, TargetError
from adapter.plan.applications import plan_graph
from adapter.plan.builders import WrongArguments, not_a_builder
from adapter.plan.graph import walk
from adapter.plan.target import deployed_application, load_application
from adapter.plan.values import ApplicationPlan
from adapter.serve.deployments import Application, Deployment
from adapter.serve.http_options import ProxyLocation


def plan_application(file: ConfigFile, name: str, *, app_dir: Path, target: str) -> ApplicationPlan:
    """Import the application `name` of a file from `app_dir`, apply what the file says, plan it.

    `target` is how the file is called in what is built. Raises `ConfigError`, with the place in the
    file, where the application is not there, does not take its arguments, lacks a deployment that
    the file names, or cannot become Lambda functions; and whatever the user's code raises.
    """
    place, application = file.application(name)
    mistakes = file.mistakes()
    try:
        with variables_set(application.runtime_env.get("env_vars") or {}):
            plan = _planned(file, place, application, mistakes, app_dir=app_dir, target=target)
    except WrongArguments as error:
        for inner, message in error.mistakes:
            mark = file.marks.value((*place, "args", *inner))
            mistakes.add(mark, f"args: {'.'.join(map(str, inner))}: {message}")
    except TargetError as error:
        mistakes.add(file.marks.value((*place, "import_path")), str(error))
    except (InvalidOption, PlanError) as error:
        mistakes.add(file.marks.value(place), f"application {name!r}: {error}")
    else:
        return replace(plan, notes=tuple(notes(file, place, application)))
    raise mistakes.error()


def _planned(
    file: ConfigFile,
    place: Place,
    application: ApplicationConfig,
    mistakes: Mistakes,
    *,
    app_dir: Path,
    target: str,
) -> ApplicationPlan:
    found = load_application(application.target, application.args, app_dir=app_dir)
    if isinstance(found, Deployment):
        found = deployed_application(found, application.target)
    if not isinstance(found, Application):
        raise TargetError(
            f"{application.target} is neither an application made by Deployment.bind() nor an "
            f"application builder: {not_a_builder(found)} A FastAPI application, api, becomes one "
            "by app = serve.deployment(serve.ingress(api)()).bind().",
        )
    graph = Overrides(file, place, application, mistakes).apply(walk(found, application.name))
    mistakes.refuse()
    over_http = file.config.proxy_location is not ProxyLocation.Disabled
    return plan_graph(
        graph,
        import_path=application.target,
        target=target,
        route_prefix=application.route_prefix if over_http else None,
    )
