"""`adapter run TARGET`: a Lambda on this machine."""

import asyncio
import os
import signal
import sys
from typing import Any

import click

from adapter.cli.target import program, target_options
from adapter.cli.terminal import color_option, use_color
from adapter.config.program import Program
from adapter.local.function import Capacity
from adapter.local.log import Level, Log
from adapter.local.printer import LinePrinter
from adapter.local.reload import require_watchfiles
from adapter.local.server import ServerSettings
from adapter.local.session import serve_until_stopped

LOOPBACK = "127.0.0.1"
PORTS = click.IntRange(0, 65_535)


@click.command()
@target_options
@click.option(
    "--host",
    help="Address to listen on.  [default: the config file's, or 127.0.0.1]",
)
@click.option(
    "--port",
    type=PORTS,
    help="HTTP; 0: a free port.  [default: the config file's, or 8000]",
)
@click.option(
    "--lambda-port",
    type=PORTS,
    default=3001,
    show_default=True,
    help="Lambda's API, for boto3 and handles; 0: a free port.",
)
@click.option(
    "--reload/--no-reload",
    default=False,
    help="Serve changes of Python files below --app-dir, and of the config file.  "
    "[default: no-reload]",
)
@click.option(
    "--max-environments",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Processes per function; invocations above it wait.",
)
@click.option(
    "--as-deployed/--no-as-deployed",
    default=False,
    help="Buffer what an HTTP API would buffer on AWS, instead of streaming it.  "
    "[default: no-as-deployed]",
)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@color_option
@click.option("--quiet", is_flag=True, help="Only what functions print, and errors.")
@click.option("--verbose", is_flag=True, help="Request ids too.")
def run(**options: Any) -> int:
    """Serve TARGET on this machine through Lambda's protocol, without AWS or Docker.

    TARGET is module:attribute and names a bound application, a FastAPI (or any ASGI) application
    or a factory of one, or an application builder, which is called with the KEY=VALUE arguments.
    Or it is a config file in YAML, in Ray Serve's form, with one application or several. Every
    environment is a process of its own, started on demand, kept warm and replaced when it crashes
    or times out.

    Ctrl-C or SIGTERM ends everything within two seconds; that is a success, so the exit code is 0.
    """
    if options["quiet"] and options["verbose"]:
        raise click.UsageError("--quiet and --verbose exclude each other.")
    if options["reload"]:
        require_watchfiles()
    served = program(options)
    settings = _settings(served, options)
    plans = served.plan_stack().applications
    sys.stdout.flush()  # what the user's modules printed comes first
    with _printer(options) as printer:
        log = _log(options, printer)
        asyncio.run(serve_until_stopped(served, plans, settings, log, reload=options["reload"]))
    return 0


def _settings(served: Program, options: dict[str, Any]) -> ServerSettings:
    http = served.http_options
    return ServerSettings(
        app_dir=served.app_dir,
        host=options["host"] or str(http.host),
        port=http.port if options["port"] is None else options["port"],
        lambda_host=options["host"] or LOOPBACK,  # a file that opens HTTP means HTTP
        lambda_port=options["lambda_port"],
        capacity=Capacity(max_environments=options["max_environments"]),
        as_deployed=options["as_deployed"],
        root_path=http.root_path,
        keep_alive_timeout_s=http.keep_alive_timeout_s,
    )


def _printer(options: dict[str, Any]) -> LinePrinter:
    return LinePrinter(
        sys.stdout.fileno(),
        as_json=options["output"] == "json",
        on_broken=lambda: os.kill(os.getpid(), signal.SIGTERM),
    )


def _log(options: dict[str, Any], printer: LinePrinter) -> Log:
    level = Level.QUIET if options["quiet"] else Level.NORMAL
    return Log(
        printer,
        as_json=options["output"] == "json",
        color=use_color(options["color"], sys.stdout),
        level=Level.VERBOSE if options["verbose"] else level,
    )
