"""`adapter invoke DEPLOYMENT`: one call, on AWS or of what `adapter run` serves."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapter.cli.stack_options import find, stack_options, until_unread
from adapter.errors import RemoteError, StackError, did_you_mean

if TYPE_CHECKING:
    from adapter.stack.invocation import Called

LOCAL = "http://127.0.0.1:3001"
FAILED = 1


@click.command()
@click.argument("deployment")
@stack_options
@click.option("--method", metavar="NAME", help="[default: __call__]")
@click.option(
    "--data",
    metavar="JSON|@FILE|-",
    help="The arguments: a list, or an object of named ones; anything else is the one argument.",
)
@click.option(
    "--event",
    metavar="FILE|-",
    help="The whole event as it is, such as that of a gateway, instead of a call.",
)
@click.option("--async", "sends", is_flag=True, help="Leave it with Lambda, and wait for nothing.")
@click.option("--stream", "streams", is_flag=True, help="Show what it yields as it comes.")
@click.option("--endpoint", metavar="URL", help="Another Lambda API, such as adapter run's.")
@click.option("--local", is_flag=True, help=f"The same as --endpoint {LOCAL}.")
@click.option("-v", "--verbose", is_flag=True, help="Show the end of its log, too.")
def invoke(deployment: str, **options: Any) -> int:
    """Call a method of DEPLOYMENT, and show the result as JSON.

    An exception of the callee is shown with its traceback, and the exit code is 1. A call is sent
    once, whatever happens to it.
    """
    from adapter.stack.refusals import Unreachable  # noqa: PLC0415 - keeps `adapter --help` fast

    event = _event(options)
    if options["local"] and options["endpoint"]:
        raise click.UsageError("--local and --endpoint exclude each other.")
    endpoint = LOCAL if options["local"] else options["endpoint"]
    try:
        find_called = _local if endpoint else _deployed
        called, inside = find_called(deployment, endpoint, options)
        if inside and options["event"] is None:
            event["deployment"] = inside
        return _call(called, event, options)
    except RemoteError as error:
        click.echo(str(error), err=True)
        return FAILED
    except Unreachable:
        if not endpoint:
            raise
        raise StackError(
            f"nothing answers at {endpoint}. Start `adapter run`, whose first lines say where its "
            "Lambda API is.",
        ) from None
    except StackError as error:
        if "ResourceNotFoundException" in str(error) and endpoint:
            raise _not_served(called.client, deployment) from None
        raise


def _call(called: "Called", event: Any, options: dict[str, Any]) -> int:
    from adapter.stack import invocation  # noqa: PLC0415 - keeps `adapter --help` fast

    if options["sends"]:
        click.echo(f"  accepted  {invocation.send(called, event)}".rstrip())
        return 0
    if options["streams"]:
        with until_unread():
            _show_stream(called, event, raw=options["event"] is not None)
        return 0
    result = invocation.invoke(called, event, with_log=options["verbose"])
    if result.log:
        click.echo(result.log.rstrip("\n"), err=True)
    if result.error is not None:
        raise result.error
    click.echo(_pretty(result.payload))
    return 0


def _show_stream(called: "Called", event: Any, *, raw: bool) -> None:
    from adapter.stack import invocation  # noqa: PLC0415 - see _call

    out = sys.stdout.buffer
    pieces = invocation.stream(called, event) if raw else invocation.items(called, event)
    for piece in pieces:
        out.write(piece if raw else piece + b"\n")
        out.flush()


def _pretty(payload: bytes) -> str:
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except ValueError:
        return payload.decode(errors="replace")


def _event(options: dict[str, Any]) -> Any:
    from adapter.stack.invocation import call_event  # noqa: PLC0415 - see _call

    if options["sends"] and options["streams"]:
        raise click.UsageError("--async and --stream exclude each other.")
    if options["event"] is None:
        data = options["data"]
        if data is not None and (data == "-" or data.startswith("@")):
            data = _read(data.removeprefix("@"), "--data")
        value = None if data is None else _json(data, "--data")
        return call_event(options["method"], value, stream=options["streams"])
    if options["data"] is not None or options["method"] is not None:
        raise click.UsageError("--event is the whole event; leave out --data and --method.")
    return _json(_read(options["event"], "--event"), "--event")


def _read(path: str, option: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{option}: cannot read {path}: {error}.") from error


def _json(text: str, option: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        hint = " A text is JSON in double quotes: --data '\"hello\"'." if option == "--data" else ""
        raise click.UsageError(
            f"{option}: expected JSON, found {text[:60]!r} ({error}).{hint}",
        ) from error


def _deployed(
    deployment: str,
    _endpoint: str | None,
    options: dict[str, Any],
) -> tuple["Called", str]:
    from adapter.stack.deployed import DeployedStack  # noqa: PLC0415 - see _call
    from adapter.stack.invocation import Called  # noqa: PLC0415 - see _call
    from adapter.stack.shared import shared_function  # noqa: PLC0415 - see _call

    place = find(options)
    stack = DeployedStack(place.name, place.access)
    stack.describe()
    client = place.access.invoking_client()
    inside = ""
    try:
        function = stack.function_name(deployment)
    except StackError:
        if (shared := shared_function(client, f"{place.name}-", deployment)) is None:
            raise
        function, inside = shared
    called = Called(
        client=client,
        function=function,
        deployment=deployment,
        qualifier=stack.alias_of(function),
    )
    return called, inside


def _local(
    deployment: str,
    endpoint: str | None,
    options: dict[str, Any],
) -> tuple["Called", str]:
    from adapter.stack.access import Access  # noqa: PLC0415 - see _call
    from adapter.stack.invocation import Called  # noqa: PLC0415 - see _call
    from adapter.stack.shared import shared_function  # noqa: PLC0415 - see _call

    client = Access(region=options["region"]).invoking_client(endpoint)
    function, inside = shared_function(client, "", deployment) or (deployment, "")
    return Called(client=client, function=function, deployment=deployment), inside


def _not_served(client: Any, deployment: str) -> StackError:
    from adapter.stack.refusals import aws_errors  # noqa: PLC0415 - see _call

    with aws_errors():
        served = [one["FunctionName"] for one in client.list_functions()["Functions"]]
    return StackError(
        f"no deployment {deployment!r} is served there.{did_you_mean(deployment, served)} "
        f"There are: {', '.join(served) or 'none'}.",
    )
