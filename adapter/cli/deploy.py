"""`adapter deploy TARGET`: build, deploy with SAM CLI, and wait until it answers."""

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapter.cli.stack_options import confirm, find, project_folder, stack_options, table
from adapter.cli.target import optional_target_options, public_option
from adapter.cli.terminal import use_color
from adapter.errors import StackError

if TYPE_CHECKING:
    from adapter.config.program import Program
    from adapter.stack.place import Place

FAILED = 1


@click.command()
@optional_target_options
@stack_options
@public_option
@click.option(
    "--yes",
    is_flag=True,
    help="Do not ask where access widens. In CI (CI=true) nobody is asked either.",
)
@click.option("--guided", is_flag=True, help="Let `sam deploy` ask for what it needs.")
@click.option(
    "--wait",
    "wait_s",
    type=click.IntRange(min=0),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for an answer; 0: not at all.",
)
def deploy(*, wait_s: int, **options: Any) -> int:
    """Build TARGET, deploy it with AWS SAM CLI, and wait until it answers.

    This is `adapter build`, `sam build` and `sam deploy`; between the latter two it compiles what
    was built, for faster cold starts. Before anything is deployed it says where access widens, and
    asks. Without TARGET what was built last is deployed.

    The exit code is that of sam where it fails. Ctrl-C ends sam; what CloudFormation has begun
    goes on.
    """
    from adapter.stack.sam import SamInterrupted, find_sam  # noqa: PLC0415 - keeps help fast

    if options["public"] is not None and not options["target"]:
        raise click.UsageError("--public is about what is built: give TARGET.")
    find_sam()
    app_dir = options["app_dir"] or Path()
    try:
        if options["target"] and (code := _build(options)):
            return code
        folder = _project_folder(options, app_dir)
        return _deploy(folder, options, wait_s)
    except SamInterrupted as interruption:
        click.echo(
            "  interrupted; what CloudFormation has begun goes on. See adapter status.",
            err=True,
        )
        return 128 + interruption.number


def _build(options: dict[str, Any]) -> int:
    """Run `adapter build` as a user would."""
    from adapter.cli.build import build  # noqa: PLC0415 - see deploy

    flags = {
        "--app-dir": options["app_dir"],
        "--name": options["name"],
        "--route-prefix": options["route_prefix"],
        "--stack-name": options["stack"],
    }
    given = [part for flag, value in flags.items() if value for part in (flag, str(value))]
    if options["public"] is not None:
        given.append("--public" if options["public"] else "--no-public")
    arguments = [*given, options["target"], *options["arguments"]]
    code = build.main(arguments, prog_name="adapter build", standalone_mode=False)
    return code if isinstance(code, int) else 0


def _program(options: dict[str, Any]) -> "Program":
    from adapter.cli.target import program  # noqa: PLC0415 - see deploy

    names = ("target", "arguments", "app_dir", "name", "route_prefix")
    return program(**{name: options[name] for name in names})


def _project_folder(options: dict[str, Any], app_dir: Path) -> Path:
    if options["target"] and not options["app_dir"]:
        app_dir = _program(options).app_dir
    folder = project_folder(app_dir)
    if not (folder / "template.yaml").is_file():
        raise StackError(
            f"there is nothing to deploy: {folder / 'template.yaml'} does not exist. "
            "Give TARGET, or run adapter build.",
        )
    return folder


def _deploy(folder: Path, options: dict[str, Any], wait_s: int) -> int:
    from adapter.stack.sam import deploy_arguments, run_sam  # noqa: PLC0415 - see deploy
    from adapter.template.cloudformation import read_template  # noqa: PLC0415 - see deploy

    template = read_template((folder / "template.yaml").read_text(encoding="utf-8"))
    if options["guided"]:
        arguments = ["--guided"]
    else:
        place = find(options, target=options["target"], folder=folder)
        if not _admitted(place, template, options):
            return FAILED
        arguments = deploy_arguments(
            template,
            place.parameters,
            stack=place.name,
            region=place.access.region,
            profile=place.access.profile,
        )
    if code := run_sam(["build"], folder):
        return code
    if options["target"]:
        _refuse_too_large(folder, options)
    _compile(folder)
    if code := run_sam(["deploy", *arguments], folder, asks=options["guided"]):
        if not options["guided"]:
            _tell_failure(place)
        return code
    _show(find(options, target=options["target"], folder=folder), wait_s)
    return 0


def _refuse_too_large(folder: Path, options: dict[str, Any]) -> None:
    """Stop before the upload of what Lambda would refuse after it."""
    from adapter.template.package_sizes import REMEDY, too_large  # noqa: PLC0415 - see deploy

    found = too_large(folder / ".aws-sam" / "build", _program(options).plan_stack())
    if found:
        told = (f"{one.function.name}: {one.reason} {REMEDY}" for one in found)
        raise StackError("\n".join(told))


def _compile(folder: Path) -> None:
    from adapter.stack.bytecode import compile_modules  # noqa: PLC0415 - see deploy

    for runtime in compile_modules(folder / ".aws-sam" / "build"):
        click.echo(
            f"  {runtime} is not on PATH, so modules are not compiled for it: every cold start "
            "will do that",
        )


def _admitted(place: "Place", template: dict[str, Any], options: dict[str, Any]) -> bool:
    """Say where access widens, and ask; True for yes."""
    from adapter.cli.difference_report import access_lines  # noqa: PLC0415 - see deploy
    from adapter.stack.against import against_stack  # noqa: PLC0415 - see deploy

    difference = against_stack(place, template, with_replacements=False)
    lines = access_lines(difference, color=use_color("auto", sys.stdout))
    for line in lines:
        click.echo(line)
    if not lines or options["yes"] or os.environ.get("CI") not in (None, "", "0", "false"):
        return True
    if confirm(f"Access widens. Deploy to stack {place.name}?"):
        return True
    click.echo("  nothing is deployed")
    return False


def _tell_failure(place: "Place") -> None:
    """Repeat the reason, which sam has shown somewhere above."""
    from adapter.stack.events import failure  # noqa: PLC0415 - see deploy

    with contextlib.suppress(StackError):
        if event := failure(place.access.client("cloudformation"), place.name):
            click.echo(f"  failed: {event.logical_id} ({event.type}): {event.reason}", err=True)


def _show(place: "Place", wait_s: int) -> None:
    """Wait until the stack answers, and show where."""
    from adapter.stack import readiness  # noqa: PLC0415 - see deploy
    from adapter.stack.deployed import DeployedStack  # noqa: PLC0415 - see deploy

    stack = DeployedStack(place.name, place.access)
    urls = {one.name: one.value for one in stack.describe().outputs if one.is_url}
    if wait_s:
        end = time.monotonic() + wait_s
        readiness.wait_until_active(stack, end=end, say=_say)
        readiness.wait_until_answering(urls.values(), end=end, say=_say)
    rows = [*urls.items()] or [(f"stack {place.name}", "deployed; it has no URL")]
    click.echo("\n".join(table(rows)))


def _say(text: str) -> None:
    click.echo(f"  {text}")
