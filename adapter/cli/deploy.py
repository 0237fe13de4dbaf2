"""`adapter deploy TARGET`: build, deploy with SAM CLI, and wait until it answers."""

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapter.cli.build_options import SHARED, build_options, planned
from adapter.cli.stack_options import confirm, find, project_folder, stack_options, table
from adapter.cli.target import optional_target_options
from adapter.cli.terminal import use_color
from adapter.errors import StackError

if TYPE_CHECKING:
    from adapter.plan.values import StackPlan
    from adapter.stack.place import Place

FAILED = 1


@click.command()
@optional_target_options
@stack_options
@build_options
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

    if not options["target"]:
        _refuse_build_options(options)
    find_sam()
    try:
        if options["target"]:
            return _build_and_deploy(options, wait_s)
        return _deploy(_built_folder(options["app_dir"] or Path()), options, wait_s)
    except SamInterrupted as interruption:
        click.echo(
            "  interrupted; what CloudFormation has begun goes on. See adapter status.",
            err=True,
        )
        return 128 + interruption.number


def _refuse_build_options(options: dict[str, Any]) -> None:
    for name in SHARED:
        if options[name] is not None:
            raise click.UsageError(f"--{name} is about what is built: give TARGET.")


def _build_and_deploy(options: dict[str, Any], wait_s: int) -> int:
    from adapter.cli.build import build_stack  # noqa: PLC0415 - see deploy

    plan, settings = planned({**options, "stack_name": options["stack"]})
    if code := build_stack(plan, settings):
        return code
    return _deploy(settings.output, options, wait_s, plan)


def _built_folder(app_dir: Path) -> Path:
    folder = project_folder(app_dir)
    if not (folder / "template.yaml").is_file():
        raise StackError(
            f"there is nothing to deploy: {folder / 'template.yaml'} does not exist. "
            "Give TARGET, or run adapter build.",
        )
    return folder


def _deploy(
    folder: Path,
    options: dict[str, Any],
    wait_s: int,
    plan: "StackPlan | None" = None,
) -> int:
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
    if plan is not None:
        _refuse_too_large(folder, plan)
    _compile(folder)
    if code := run_sam(["deploy", *arguments], folder, asks=options["guided"]):
        if not options["guided"]:
            _tell_failure(place)
        return code
    _show(find(options, target=options["target"], folder=folder), wait_s)
    return 0


def _refuse_too_large(folder: Path, plan: "StackPlan") -> None:
    """Stop before the upload of what Lambda would refuse after it."""
    from adapter.template.package_sizes import REMEDY, too_large  # noqa: PLC0415 - see deploy

    found = too_large(folder / ".aws-sam" / "build", plan)
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
