"""`adapter url`: where HTTP reaches a deployed stack."""

import json
from typing import Any

import click

from adapter.cli.stack_options import find_stack, output_option, stack_options, table
from adapter.errors import StackError, did_you_mean


@click.command()
@click.argument("name", required=False)
@stack_options
@output_option
def url(name: str | None, *, output: str, **options: Any) -> int:
    """Show the URLs of a deployed stack; of the output NAME the value alone, for scripts.

    As JSON all outputs are shown, the names of the functions among them.
    """
    described = find_stack(options).describe()
    outputs = {one.name: one for one in described.outputs}
    if name is not None:
        if name not in outputs:
            raise StackError(
                f"stack {described.name!r} has no output {name!r}.{did_you_mean(name, outputs)} "
                f"It has: {', '.join(outputs) or 'none'}.",
            )
        value = outputs[name].value
        click.echo(json.dumps(value) if output == "json" else value)
    elif output == "json":
        click.echo(json.dumps({one.name: one.value for one in outputs.values()}, indent=2))
    else:
        rows = [(one.name, one.value) for one in outputs.values() if one.is_url]
        nothing = [f"  stack {described.name} has no URL: its functions are called by name."]
        click.echo("\n".join(table(rows) if rows else nothing))
    return 0
