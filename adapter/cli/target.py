"""TARGET, its arguments, and the options that say what it is called and where HTTP reaches it."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from adapter.config.program import Program

_PARAMETERS = (
    click.argument("target"),
    click.argument("arguments", nargs=-1, metavar="[KEY=VALUE]..."),
    click.option(
        "--app-dir",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder that TARGET and its modules are imported from.  "
        "[default: the config file's working_dir, or the current folder]",
    ),
    click.option(
        "--name",
        metavar="NAME",
        help="The application's name; other ones than the default stand before function names.  "
        "[default: default]",
    ),
    click.option(
        "--route-prefix",
        metavar="PREFIX",
        help="Path below which HTTP reaches the application, such as /api.  [default: /]",
    ),
)


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add TARGET, its arguments and its options to a command; `program` reads them."""
    for parameter in reversed(_PARAMETERS):
        command = parameter(command)
    return command


def optional_target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the same to a command that does without TARGET, too."""
    optional = click.argument("target", required=False)
    for parameter in reversed((optional, *_PARAMETERS[1:])):
        command = parameter(command)
    return command


def program(options: Mapping[str, Any]) -> "Program":
    """Read what the command line names, a config file to its end.

    Raises `ConfigError` with all mistakes in a config file, and click's error of usage for an
    argument that is not KEY=VALUE.
    """
    from adapter.config.program import Target, read_program  # noqa: PLC0415 - keeps help fast

    named = Target(
        text=options["target"],
        arguments=_by_key(options["arguments"]),
        app_dir=options["app_dir"],
        name=options["name"],
        route_prefix=options["route_prefix"],
    )
    return read_program(named)


def _by_key(arguments: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for argument in arguments:
        key, separator, value = argument.partition("=")
        if not key or not separator:
            raise click.UsageError(
                f"expected an argument of the application builder, KEY=VALUE; found {argument!r}.",
            )
        if key in found:
            raise click.UsageError(f"the argument {key!r} is there twice; give it one value.")
        found[key] = value
    return found
