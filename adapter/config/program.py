"""What TARGET names: one application, or those of a config file."""

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from adapter.config import planning
from adapter.config.environment import is_remote
from adapter.config.file import ConfigFile, is_config_file, read_config
from adapter.config.processes import plan_in_processes
from adapter.errors import InvalidOption
from adapter.plan.stack import stack_plan
from adapter.plan.target import plan_target
from adapter.plan.values import ApplicationPlan, StackPlan
from adapter.serve.http_options import HTTPOptions
from adapter.serve.names import DEFAULT_APPLICATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """TARGET as the command line has it: `module:attribute`, or the path of a config file.

    `arguments` are an application builder's. `app_dir` is the folder that modules are imported
    from; None is the file's `working_dir`, else the current folder. `name` and `route_prefix` are
    the application's; None leaves them to the file, or to Ray's defaults.
    """

    text: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    app_dir: Path | None = None
    name: str | None = None
    route_prefix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The applications that a target names. Nothing of the user's is imported yet.

    `file` is None for `module:attribute`.
    """

    target: Target
    app_dir: Path
    file: ConfigFile | None = None

    @property
    def applications(self) -> tuple[str, ...]:
        """The names of the applications, in the order in which they are written."""
        if self.file is None:
            return (self.target.name or DEFAULT_APPLICATION,)
        return tuple(application.name for application in self.file.config.applications)

    @property
    def http_options(self) -> HTTPOptions:
        """How `adapter run` listens, where its flags do not say otherwise."""
        written = {} if self.file is None else self.file.config.http_options
        return HTTPOptions.of("http_options", written)

    def plan(self, application: str) -> ApplicationPlan:
        """Import one of the applications and plan it; see `plan_target` and `plan_application`."""
        if self.file is None:
            return plan_target(
                self.target.text,
                arguments=self.target.arguments,
                app_dir=self.app_dir,
                name=application,
                route_prefix=self.target.route_prefix or "/",
            )
        called = _called(self.file.path, self.app_dir)
        return planning.plan_application(
            self.file,
            application,
            app_dir=self.app_dir,
            target=called,
        )

    def plan_stack(self) -> StackPlan:
        """Plan every application: a single one in this process, several in a process each.

        Raises `PlanError` where they cannot be in one stack, `PlanFailed` with what processes said
        that failed, and for a single one what `plan` raises.
        """
        if len(self.applications) == 1:
            return stack_plan([self.plan(self.applications[0])])
        return asyncio.run(self.plan_stack_on_disk())

    async def plan_stack_on_disk(self) -> StackPlan:
        """Plan every application as it is on disk now, each in a process of its own.

        Raises what `plan_stack` does.
        """
        requests = [self._request(application) for application in self.applications]
        return stack_plan(await plan_in_processes(requests, self.app_dir))

    def _request(self, application: str) -> str:
        """Write down what `planning_process` is to plan."""
        app_dir = None if self.target.app_dir is None else str(self.target.app_dir)
        return json.dumps({"application": application, **asdict(self.target), "app_dir": app_dir})


def read_program(target: Target) -> Program:
    """Read what TARGET names, a config file to its end.

    Raises `ConfigError` with all its mistakes, and `InvalidOption` for what the command line says
    and only the file can.
    """
    if not is_config_file(target.text):
        return Program(target=target, app_dir=(target.app_dir or Path()).resolve())
    _refuse_beside_file(target)
    file = read_config(Path(target.text))
    return Program(target=target, app_dir=_app_dir(target, file), file=file)


def _refuse_beside_file(target: Target) -> None:
    if target.arguments:
        given = ", ".join(target.arguments)
        raise InvalidOption(
            f"{target.text} takes no arguments ({given}): write them below `args` of the "
            "application.",
        )
    options = {"name": target.name, "route_prefix": target.route_prefix}
    for name, value in options.items():
        if value is not None:
            raise InvalidOption(
                f"--{name.replace('_', '-')} is for module:attribute; in {target.text} it is the "
                f"key {name!r} of an application.",
            )


def _app_dir(target: Target, file: ConfigFile) -> Path:
    """Return the one folder that all applications are imported from."""
    if target.app_dir is not None:
        return target.app_dir.resolve()
    mistakes = file.mistakes()
    chosen: Path | None = None
    for number, application in enumerate(file.config.applications):
        written = application.runtime_env.get("working_dir") or ""
        if not written or is_remote(written):
            continue
        folder = (file.path.parent / written.removeprefix("local://")).resolve()
        place = ("applications", number, "runtime_env", "working_dir")
        mark = file.marks.value(place)
        if not folder.is_dir():
            mistakes.add(mark, f"working_dir: the folder {folder} does not exist.")
        elif chosen not in (None, folder):
            mistakes.add(
                mark,
                f"working_dir: expected {chosen}, as above, because the functions of one file are "
                f"imported from one folder; found {folder}.",
            )
        chosen = chosen or folder
    mistakes.refuse()
    return chosen or Path.cwd()


def _called(path: Path, app_dir: Path) -> str:
    """Name a file in what is built, which must not depend on the folder that one stands in."""
    real = path.resolve()
    return (
        Path(os.path.relpath(real, app_dir)).as_posix()
        if real.is_relative_to(app_dir)
        else real.name
    )
