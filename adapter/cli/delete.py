"""`adapter delete`: delete a deployed stack."""

from typing import TYPE_CHECKING, Any

import click

from adapter.cli.stack_options import confirm, find, stack_options

if TYPE_CHECKING:
    from adapter.stack.events import StackEvent

FAILED = 1


@click.command()
@stack_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(*, yes: bool, **options: Any) -> int:
    """Delete the stack with its functions, APIs and roles, and say what stays behind."""
    from adapter.stack.deletion import delete as delete_stack  # noqa: PLC0415 - see above
    from adapter.stack.deletion import left_behind  # noqa: PLC0415 - keeps `adapter --help` fast
    from adapter.stack.deployed import DeployedStack  # noqa: PLC0415 - see above

    place = find(options)
    stack = DeployedStack(place.name, place.access)
    described = stack.describe()
    staying = left_behind(stack)
    if not yes:
        functions = ", ".join(stack.function_names()) or "none"
        click.echo(f"  stack      {described.stack_id}\n  functions  {functions}")
        if not confirm(f"Delete stack {place.name}?"):
            click.echo("  nothing is deleted")
            return FAILED
    try:
        for event in delete_stack(place.access, described.stack_id):
            click.echo(_line(event))
    except KeyboardInterrupt:
        click.echo("  interrupted; AWS goes on deleting. See adapter status.", err=True)
        raise
    click.echo(f"  stack {place.name} is deleted; these stay:")
    click.echo("\n".join(f"    {one}" for one in staying))
    return 0


def _line(event: "StackEvent") -> str:
    local = event.time.astimezone()
    reason = f"  {event.reason}" if event.reason else ""
    return f"  {local:%H:%M:%S}  {event.status:20}  {event.logical_id} ({event.type}){reason}"
