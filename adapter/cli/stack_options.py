"""The options that say which deployed stack a command is about, and what such commands share."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from adapter.stack.deployed import DeployedStack
    from adapter.stack.place import Place

_PARAMETERS = (
    click.option(
        "--stack",
        metavar="NAME",
        help="The stack.  [default: that of samconfig.toml, or TARGET's module]",
    ),
    click.option(
        "--region",
        metavar="NAME",
        help="[default: that of samconfig.toml, AWS_REGION, or the profile's]",
    ),
    click.option(
        "--profile",
        metavar="NAME",
        help="Profile of ~/.aws.  [default: that of samconfig.toml, or AWS_PROFILE]",
    ),
)

output_option = click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
)


def stack_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command; `find_stack` reads them."""
    for parameter in reversed(_PARAMETERS):
        command = parameter(command)
    return command


def find(
    options: dict[str, Any],
    *,
    target: str | None = None,
    folder: Path | None = None,
) -> "Place":
    """Find the stack that the options name; `folder` is the SAM project's."""
    from adapter.stack.place import find_place  # noqa: PLC0415 - keeps `adapter --help` fast

    return find_place(
        folder=folder or project_folder(Path()),
        stack=options["stack"],
        region=options["region"],
        profile=options["profile"],
        target=target,
    )


def find_stack(options: dict[str, Any], *, target: str | None = None) -> "DeployedStack":
    """Return the stack that the options name, for reading."""
    from adapter.stack.deployed import DeployedStack  # noqa: PLC0415 - see find

    place = find(options, target=target)
    return DeployedStack(place.name, place.access)


def project_folder(app_dir: Path) -> Path:
    """Return the folder that `adapter build` writes to by what is configured."""
    from adapter.template.settings import read_settings  # noqa: PLC0415 - see find

    return read_settings(app_dir=app_dir, environ=os.environ, flags={}).output


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Align the columns of rows of equal length."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return [f"  {'  '.join(cells).rstrip()}" for cells in aligned]


def confirm(question: str) -> bool:
    """Ask the user. Raises click's error of usage where nobody can answer."""
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Nobody is there to ask: give --yes.")
    return click.confirm(question, default=False)


@contextlib.contextmanager
def until_unread() -> Iterator[None]:
    """End quietly where nobody reads the output any more, as behind `| head`."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
