"""The options that say what a program becomes on AWS, and the plan that they make of it."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from adapter.cli.target import program
from adapter.serve.lambda_options import ARCHITECTURES, RUNTIMES

if TYPE_CHECKING:
    from adapter.plan.values import StackPlan
    from adapter.template.settings import BuildSettings

_PARAMETERS = (
    click.option(
        "--runtime",
        type=click.Choice(RUNTIMES),
        help="Lambda's runtime.  [default: the running Python]",
    ),
    click.option(
        "--architecture",
        type=click.Choice(ARCHITECTURES),
        help="Lambda's processor.  [default: x86_64]",
    ),
    click.option(
        "--public/--no-public",
        default=None,
        help="Let anybody call the APIs that the program does not speak of.  [default: no-public]",
    ),
    click.option(
        "--template",
        metavar="FILE",
        help="CloudFormation of your own, which becomes a part of template.yaml.",
    ),
)
SHARED = ("runtime", "architecture", "public", "template")
_OF_BUILD = ("output_dir", "stack_name", "stage")


def build_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command that builds, or looks at what a build would write."""
    for parameter in reversed(_PARAMETERS):
        command = parameter(command)
    return command


def planned(options: dict[str, Any]) -> "tuple[StackPlan, BuildSettings]":
    """Plan TARGET as the options say, and `[tool.adapter]` and the variables where they do not.

    Raises what reading and planning a program raise, and `InvalidOption` for a wrong setting.
    """
    from adapter.template.settings import read_settings  # noqa: PLC0415 - keeps help fast

    named = program(options)
    settings = read_settings(
        app_dir=named.app_dir,
        environ=os.environ,
        flags={name: options.get(name) for name in (*SHARED, *_OF_BUILD)},
    )
    return settings.opened(named.plan_stack()), settings
