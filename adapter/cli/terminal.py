"""How commands write to the terminal: colours, and errors as one line."""

import os
import sys
from collections.abc import Mapping
from typing import TextIO

import click

_RED = "\x1b[31m"
_RESET = "\x1b[0m"

color_option = click.option(
    "--color",
    type=click.Choice(["auto", "never", "always"]),
    default="auto",
    show_default=True,
    help="Colours; auto means on a terminal, unless NO_COLOR is set.",
)


def use_color(
    choice: str,
    stream: TextIO,
    environ: Mapping[str, str] = os.environ,
) -> bool:
    """Decide on colours for `stream`; `choice` is "auto", "never" or "always"."""
    if choice != "auto":
        return choice == "always"
    wanted = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return wanted and stream.isatty()


def print_error(message: str) -> None:
    """Print a user's error: "error: " and the message, further lines below it."""
    label = "error:"
    indented = message.strip().replace("\n", "\n" + " " * (len(label) + 1))
    if use_color("auto", sys.stderr):
        label = f"{_RED}{label}{_RESET}"
    print(label, indented, file=sys.stderr)


def print_crash(error: BaseException) -> None:
    """Print an error nobody expected: the user's own frames where it is the user's code."""
    from adapter.config.tracebacks import user_traceback  # noqa: PLC0415 - only when needed

    print(user_traceback(error), end="", file=sys.stderr)
