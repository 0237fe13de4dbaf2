"""TARGET and the options that say what it is called and where HTTP reaches it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from adapter.serve.names import DEFAULT_APPLICATION

_PARAMETERS = (
    click.argument("target"),
    click.option(
        "--app-dir",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=".",
        help="Folder that TARGET and its modules are imported from.  [default: current folder]",
    ),
    click.option(
        "--name",
        metavar="NAME",
        default=DEFAULT_APPLICATION,
        show_default=True,
        help="The application's name; other ones than the default stand before function names.",
    ),
    click.option(
        "--route-prefix",
        metavar="PREFIX",
        default="/",
        show_default=True,
        help="Path below which HTTP reaches the application, such as /api.",
    ),
)


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add TARGET and its options to a command."""
    for parameter in reversed(_PARAMETERS):
        command = parameter(command)
    return command
