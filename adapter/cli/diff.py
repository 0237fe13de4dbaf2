"""`adapter diff TARGET`: what deploying would change, and where access widens."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from adapter.cli.build_options import build_options, planned
from adapter.cli.stack_options import find, output_option, stack_options
from adapter.cli.target import target_options
from adapter.cli.terminal import color_option, print_error, use_color
from adapter.errors import AdapterError, PlanFailed

if TYPE_CHECKING:
    from adapter.stack.against import Difference
    from adapter.template.project import Project

FAILED = 1
CHANGES = 2
_MOST_FILES = 10


@click.command()
@target_options
@stack_options
@build_options
@click.option(
    "--last-build",
    is_flag=True,
    help="Compare with template.yaml on disk, code included, instead of the stack.",
)
@click.option("--exit-code", is_flag=True, help="0: no change, 1: an error, 2: changes.")
@output_option
@color_option
def diff(**options: Any) -> int:
    """Show what deploying TARGET would change in the stack. Nothing is changed.

    The template that `adapter build` would write is compared with the deployed one: `+` is new,
    `~` changes, `±` is replaced by a new one, `-` goes. Lines with `!` say where access widens:
    who may do what was not allowed before. CloudFormation is asked for a change set, which is
    deleted again, because it knows what it would replace. Code is compared with the last build
    only; AWS does not tell what is in it.

    Without AWS credentials the last build on disk is what it is compared with.
    """
    try:
        difference = _difference(options)
    except (AdapterError, click.UsageError) as error:
        if not options["exit_code"]:
            raise
        _tell(error)
        return FAILED
    from adapter.cli import difference_report  # noqa: PLC0415 - keeps `adapter --help` fast

    if options["output"] == "json":
        click.echo(difference_report.as_json(difference))
    else:
        color = use_color(options["color"], sys.stdout)
        click.echo(difference_report.as_text(difference, color=color), color=color)
    return CHANGES if options["exit_code"] and difference.comparison else 0


def _tell(error: AdapterError | click.UsageError) -> None:
    if isinstance(error, click.UsageError):
        error.ctx = click.get_current_context()
        error.show()
    elif isinstance(error, PlanFailed):
        print(error, file=sys.stderr)
    else:
        print_error(str(error))


def _difference(options: dict[str, Any]) -> "Difference":
    from adapter.stack.against import against_stack  # noqa: PLC0415 - see diff
    from adapter.stack.refusals import NoAccess  # noqa: PLC0415 - see diff
    from adapter.template.cloudformation import read_template  # noqa: PLC0415 - see diff
    from adapter.template.project import lay_out  # noqa: PLC0415 - see diff

    project = lay_out(*planned(options))
    new = read_template(project.files["template.yaml"].text)
    if options["last_build"]:
        return _with_last_build(project, new)
    place = find(options, target=options["target"], folder=project.output)
    try:
        return against_stack(place, new)
    except NoAccess as error:
        if options["stack"]:  # asked for by name, so nothing else will do
            raise
        found = _with_last_build(project, new)
        note = f"compared with the last build, not with stack {place.name}: {error}"
        return replace(found, notes=(note, *found.notes))


def _with_last_build(project: "Project", new: dict[str, Any]) -> "Difference":
    """Compare with the disk, code and layers included."""
    from adapter.stack.against import against_last_build  # noqa: PLC0415 - see diff
    from adapter.stack.comparison import Change  # noqa: PLC0415 - see diff
    from adapter.template.output import differences  # noqa: PLC0415 - see diff

    found = against_last_build(project.output, new)
    paths = [path for path in differences(project) if path not in project.files]
    code = [Change("changed", "code", path) for path in paths[:_MOST_FILES]]
    if len(paths) > _MOST_FILES:
        code.append(Change("changed", "code", f"and {len(paths) - _MOST_FILES} more files"))
    changes = (*found.comparison.changes, *code)
    return replace(found, comparison=replace(found.comparison, changes=changes))
