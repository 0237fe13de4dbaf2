"""`adapter check TARGET`: our own linter over plan and template."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from adapter.cli.build_options import build_options, planned
from adapter.cli.stack_options import output_option
from adapter.cli.target import target_options
from adapter.cli.terminal import color_option, use_color

if TYPE_CHECKING:
    from adapter.check.values import Finding
    from adapter.plan.values import StackPlan
    from adapter.template.settings import BuildSettings


@click.command()
@target_options
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings, too.")
@click.option(
    "--account-concurrency",
    type=click.IntRange(min=1),
    default=1_000,
    show_default=True,
    metavar="N",
    help="The account's limit of concurrent executions; new accounts have less.",
)
@build_options
@click.option(
    "--stack-name",
    metavar="NAME",
    help="Stack to deploy as.  [default: samconfig.toml's, or TARGET's module]",
)
@output_option
@color_option
def check(**options: Any) -> int:
    """Check what TARGET becomes on AWS, without building it.

    Each finding has a code, the deployment, the reason and the remedy; docs/checks.md lists the
    codes. Errors would fail on AWS or are unsafe, and exit with 1; warnings may be meant. A code is
    silenced by ignore = ["A207"] in [tool.adapter], by LambdaOptions(ignore_checks=("A207",)), or
    in the Metadata of a resource of your own.
    """
    from adapter.cli import check_report  # noqa: PLC0415 - keeps `adapter --help` fast

    plan, settings = planned(options)
    found = check_stack(plan, settings, options["account_concurrency"])
    if options["output"] == "json":
        click.echo(check_report.as_json(found))
    else:
        color = use_color(options["color"], sys.stdout)
        click.echo(check_report.as_text(found, color=color), color=color)
    return exit_code(found, strict=options["strict"])


def check_stack(
    plan: "StackPlan",
    settings: "BuildSettings",
    account_concurrency: int = 1_000,
) -> "tuple[Finding, ...]":
    """Check a plan and the template that a build would write of it."""
    from adapter.check.findings import findings  # noqa: PLC0415 - see above
    from adapter.check.stack import Stack  # noqa: PLC0415 - see above
    from adapter.template.document import describe  # noqa: PLC0415 - see above
    from adapter.template.names import default_stack_name  # noqa: PLC0415 - see above
    from adapter.template.project import not_installed  # noqa: PLC0415 - see above
    from adapter.template.samconfig import find_samconfig, stack_names  # noqa: PLC0415 - see above

    samconfig = find_samconfig(settings.output)
    names = [*(stack_names(samconfig) if samconfig else ()), settings.stack_name]
    stack = Stack(
        plan=plan,
        template=describe(plan, settings),
        today=datetime.now(UTC).date(),
        stack_names=tuple(filter(None, names)) or (default_stack_name(plan.target),),
        account_concurrency=account_concurrency,
        build=settings.output / ".aws-sam/build",
        not_installed=not_installed(plan, settings),
    )
    return findings(stack, settings.ignore)


def exit_code(found: "tuple[Finding, ...]", *, strict: bool = False) -> int:
    """Return 1 where there is an error, with `strict` a warning too, else 0."""
    return int(any(strict or one.severity == "error" for one in found))
