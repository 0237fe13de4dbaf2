"""`adapter logs`: what the functions of a deployed stack have written."""

import json
import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from adapter.cli.stack_options import find, output_option, stack_options, until_unread

if TYPE_CHECKING:
    from adapter.stack.deployed import DeployedStack
    from adapter.stack.logs import LogEvent

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class _Since(click.ParamType[int]):
    """A span such as 10m, or a time as ISO 8601 has it; in milliseconds since 1970."""

    name = "since"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if span := re.fullmatch(r"(\d{1,9})([smhd])", str(value)):
            return int((time.time() - int(span[1]) * _UNITS_S[span[2]]) * 1000)
        try:
            return int(datetime.fromisoformat(str(value)).timestamp() * 1000)
        except ValueError:
            self.fail(
                f"expected a span such as 30s, 10m, 2h or 1d, or a time such as "
                f"2026-11-21T14:00; found {value!r}.",
                param,
                ctx,
            )


@click.command()
@click.argument("deployment", required=False)
@stack_options
@click.option("-f", "--follow", is_flag=True, help="Wait for more, until Ctrl-C.")
@click.option(
    "--since",
    type=_Since(),
    default="10m",
    show_default=True,
    metavar="SPAN|TIME",
    help="From when on: 30s, 10m, 2h, 1d, or a time.",
)
@click.option(
    "--filter",
    "pattern",
    default="",
    metavar="PATTERN",
    help='CloudWatch\'s filter pattern: a word, "a phrase", { $.level = "ERROR" }.',
)
@output_option
def logs(
    deployment: str | None,
    *,
    follow: bool,
    since: int,
    pattern: str,
    output: str,
    **options: Any,
) -> int:
    """Show the logs of all functions of a deployed stack by time, or those of one DEPLOYMENT.

    Ctrl-C ends --follow; that is a success, so the exit code is 0.
    """
    from adapter.stack.deployed import DeployedStack  # noqa: PLC0415 - keeps `adapter --help` fast
    from adapter.stack.logs import LogReader  # noqa: PLC0415 - see above

    place = find(options)
    groups = _groups(DeployedStack(place.name, place.access), deployment)
    reader = LogReader(client=place.access.client("logs"), groups=groups, pattern=pattern)
    width = max(map(len, groups), default=0)
    with until_unread():
        try:
            for event in reader.follow(since) if follow else reader.read(since):
                click.echo(_as_json(event) if output == "json" else _as_text(event, width))
        except KeyboardInterrupt:
            if not follow:
                raise
    return 0


def _groups(stack: "DeployedStack", deployment: str | None) -> dict[str, str]:
    stack.describe()
    if deployment is not None:
        stack.function_name(deployment)  # an error that lists those that are there
    groups = stack.log_groups()
    return groups if deployment is None else {deployment: groups[deployment]}


def _as_text(event: "LogEvent", width: int) -> str:
    local = event.time.astimezone()
    day = "" if local.date() == datetime.now().astimezone().date() else f"{local:%Y-%m-%d} "
    head = f"{day}{local:%H:%M:%S}.{event.time_ms % 1000:03d}  {event.deployment:{width}}  "
    lines = [_printable(line) for line in event.message.split("\n")]
    return head + f"\n{' ' * len(head)}".join(lines)


def _printable(line: str) -> str:
    """Show control characters as they are written in Python: a terminal would obey them."""
    return "".join(
        one if one.isprintable() or one == "\t" else repr(one)[1:-1] for one in line.rstrip("\r")
    )


def _as_json(event: "LogEvent") -> str:
    told = {
        "time": event.time.isoformat(timespec="milliseconds"),
        "deployment": event.deployment,
        "message": event.message,
        "stream": event.stream,
    }
    return json.dumps(told, ensure_ascii=False)
