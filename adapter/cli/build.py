"""`adapter build TARGET`: write a program as a SAM project, or check one that is there."""

import sys
from typing import TYPE_CHECKING, Any

import click

from adapter.cli.build_options import build_options, planned
from adapter.cli.stack_options import output_option
from adapter.cli.target import target_options
from adapter.cli.terminal import use_color
from adapter.template.settings import STAGES

if TYPE_CHECKING:
    from adapter.plan.values import StackPlan
    from adapter.template.settings import BuildSettings


@click.command()
@target_options
@click.option(
    "--output-dir",
    metavar="DIR",
    help="Folder of the SAM project.  [default: current folder]",
)
@build_options
@click.option(
    "--stage",
    type=click.Choice(STAGES),
    help="Copy source into layers/, or link to it.  [default: copy]",
)
@click.option(
    "--stack-name",
    metavar="NAME",
    help="Stack to deploy as, for the first samconfig.toml.  "
    "[default: TARGET's module, or the config file's name]",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where the disk differs.")
@output_option
def build(*, check: bool, output: str, **options: Any) -> int:
    """Write TARGET as a SAM project: template.yaml, functions/ and layers/.

    TARGET is module:attribute and names a bound application, a FastAPI (or any ASGI) application
    or a factory of one, or an application builder, which is called with the KEY=VALUE arguments.
    Or it is a config file in YAML, in Ray Serve's form, with one application or several, which
    become one stack.

    Settings are read from [tool.adapter] in pyproject.toml, from ADAPTER_* variables and from the
    flags; the last one wins. The same input gives the same files, byte for byte. What
    `adapter build` has not written is never replaced. Nothing is written where `adapter check`
    finds an error.
    """
    return build_stack(*planned(options), check=check, output=output)


def build_stack(
    plan: "StackPlan",
    settings: "BuildSettings",
    *,
    check: bool = False,
    output: str = "text",
) -> int:
    """Write a plan as a SAM project, with `check` nothing, and say so; return the exit code."""
    from adapter.cli import build_report, check_report  # noqa: PLC0415 - keeps `--help` fast
    from adapter.cli.check import check_stack, exit_code  # noqa: PLC0415 - see above
    from adapter.template.output import differences, write_project  # noqa: PLC0415 - see above
    from adapter.template.project import lay_out  # noqa: PLC0415 - see above

    project = lay_out(plan, settings)
    changed = differences(project)
    found = check_stack(plan, settings)
    failed = bool(exit_code(found))
    if not check and not failed:
        write_project(project)
    if output == "json":
        click.echo(build_report.as_json(plan, project, changed, found))
    elif failed:
        click.echo(check_report.as_text(found, color=use_color("auto", sys.stdout)))
    elif check:
        click.echo(build_report.as_check(plan, project, changed))
    else:
        click.echo(build_report.as_text(plan, project, found))
    return 1 if failed or (check and changed) else 0
