"""The command group, and the one place where errors become exit codes.

0    done
1    failed: an exception in the user's program, what AWS or SAM CLI refuses, or a bug
2    the command was used wrongly: options, TARGET, a port in use
130  interrupted
"""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from adapter import __version__
from adapter.cli.terminal import print_crash, print_error
from adapter.errors import AdapterError, PlanFailed, StackError

FAILED = 1
USAGE = 2
INTERRUPTED = 130

# What the group's help says of each command; adapter.cli.<name> holds the command <name>.
COMMANDS = {
    "build": "Write a SAM project: template.yaml, functions/, layers/.",
    "check": "Find what would fail, cost or open a door on AWS.",
    "cost": "Reckon what a program costs a month.",
    "run": "Serve on this machine, through Lambda's protocol.",
    "diff": "Show what a deployment would change, and where access widens.",
    "deploy": "Build, deploy with sam, and wait until it answers.",
    "status": "Show a deployed stack and its functions.",
    "logs": "Show the logs of a deployed stack; -f follows them.",
    "invoke": "Call a deployment, on AWS or of adapter run.",
    "url": "Show where HTTP reaches a deployed stack.",
    "delete": "Delete a deployed stack.",
}


class _LazyGroup(click.Group):
    """A group that imports the module of a command when the command is asked for.

    The group's own help imports none of them.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"adapter.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="adapter")
def adapter() -> None:
    """Run Ray-Serve-style programs and FastAPI applications on AWS Lambda."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    try:
        return _code(adapter.main(arguments, prog_name="adapter", standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except AdapterError as error:
        return _tell(error)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the boundary
        print_crash(error)
        return FAILED


def _tell(error: AdapterError) -> int:
    if isinstance(error, PlanFailed):
        print(error, file=sys.stderr)  # as the planning processes have printed it
        return error.exit_code
    print_error(str(error))
    return FAILED if isinstance(error, StackError) else USAGE


def _code(result: Any) -> int:
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
