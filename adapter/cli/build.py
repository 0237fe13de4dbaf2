"""`adapter build TARGET`: write a program as a SAM project, or check one that is there."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from adapter.cli.target import program, public_option, target_options
from adapter.cli.terminal import use_color
from adapter.serve.lambda_options import ARCHITECTURES, RUNTIMES
from adapter.template.settings import STAGES, read_settings


@click.command()
@target_options
@click.option(
    "--output",
    metavar="DIR",
    help="Folder of the SAM project.  [default: current folder]",
)
@click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    help="Lambda's runtime.  [default: the running Python]",
)
@click.option(
    "--architecture",
    type=click.Choice(ARCHITECTURES),
    help="Lambda's processor.  [default: x86_64]",
)
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
@public_option
@click.option(
    "--template",
    metavar="FILE",
    help="CloudFormation of your own, which becomes a part of template.yaml.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where the disk differs.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def build(
    target: str,
    arguments: tuple[str, ...],
    app_dir: Path | None,
    *,
    name: str | None,
    route_prefix: str | None,
    check: bool,
    as_json: bool,
    **flags: Any,
) -> int:
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
    from adapter.cli import build_report, check_report  # noqa: PLC0415 - keeps `--help` fast
    from adapter.cli.check import check_stack, exit_code  # noqa: PLC0415 - see above
    from adapter.template.output import differences, write_project  # noqa: PLC0415 - see above
    from adapter.template.project import lay_out  # noqa: PLC0415 - see above

    built = program(
        target=target,
        arguments=arguments,
        app_dir=app_dir,
        name=name,
        route_prefix=route_prefix,
    )
    settings = read_settings(app_dir=built.app_dir, environ=os.environ, flags=flags)
    plan = settings.opened(built.plan_stack())
    project = lay_out(plan, settings)
    changed = differences(project)
    found = check_stack(plan, settings)
    failed = bool(exit_code(found))
    if not check and not failed:
        write_project(project)
    if as_json:
        click.echo(build_report.as_json(plan, project, changed, found))
    elif failed:
        click.echo(check_report.as_text(found, color=use_color("auto", sys.stdout)))
    elif check:
        click.echo(build_report.as_check(plan, project, changed))
    else:
        click.echo(build_report.as_text(plan, project, found))
    return 1 if failed or (check and changed) else 0
