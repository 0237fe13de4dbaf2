"""`adapter cost TARGET`: what a month costs, before anything is deployed."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapter.cli.build_options import planned
from adapter.cli.stack_options import output_option
from adapter.cli.target import target_options

if TYPE_CHECKING:
    from adapter.cost.load import ByName, Load


class _Number(click.ParamType):  # type: ignore[type-arg]  # generic from 8.3 on
    """A number from 0 on: 1000000, 1_000_000, 1e6, 0.5."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a number; anything else is an error of usage."""
        if isinstance(value, float):
            return value
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not 0 <= number < math.inf:
            self.fail(
                f"expected a number from 0 on, such as 1e6 or 1_000_000; found {value!r}.",
                param,
                ctx,
            )
        return number


class _NamedNumber(click.ParamType):  # type: ignore[type-arg]  # generic from 8.3 on
    """A number, or DEPLOYMENT=NUMBER; the name is "" where there is none."""

    name = "number"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, float]:
        """Read a number with or without a name before it."""
        if isinstance(value, tuple):
            return value
        name, separator, number = str(value).rpartition("=")
        if separator and not name:
            self.fail(f"expected DEPLOYMENT=NUMBER; found {value!r}.", param, ctx)
        return name, _Number().convert(number, param, ctx)


def _number_option(
    flag: str,
    metavar: str,
    text: str,
    *,
    required: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make an option for a number of all deployments, and again for one of them."""
    return click.option(
        flag,
        type=_NamedNumber(),
        multiple=True,
        required=required,
        metavar=metavar,
        help=text,
    )


@click.command()
@target_options
@click.option(
    "--requests",
    type=_Number(),
    required=True,
    metavar="N",
    help="HTTP requests a month, to each application.",
)
@_number_option(
    "--duration",
    "[DEPLOYMENT=]MS",
    "How long an invocation takes, in milliseconds, the wait for others included; "
    "again for one deployment.",
    required=True,
)
@_number_option(
    "--calls",
    "DEPLOYMENT=K",
    "How many calls of a deployment one request makes.  [default: one along each handle]",
)
@click.option(
    "--streamed",
    type=_Number(),
    default=0.0,
    metavar="MB",
    help="What each answer streams, in MB.",
)
@_number_option("--memory", "[DEPLOYMENT=]MB", "Memory to try in place of the program's.")
@click.option(
    "--prices",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A table of prices of your own, such as one of another region; see docs/cost.md.",
)
@output_option
def cost(**options: Any) -> int:
    """Reckon what TARGET costs a month, by deployment and in all.

    First comes what it costs idle, then what the requests add, then the same load on Lambda's
    three ways to compute. Prices are list prices, of a table with its date and region; the network
    is not asked. What is left out is said at the end.
    """
    from adapter.cli import cost_report  # noqa: PLC0415 - keeps `adapter --help` fast
    from adapter.cost.estimate import estimate  # noqa: PLC0415 - see above
    from adapter.cost.prices import bundled_prices, read_prices  # noqa: PLC0415 - see above

    load = _load(options)
    prices = read_prices(options["prices"]) if options["prices"] else bundled_prices()
    plan, settings = planned(options)
    found = estimate(plan, load, prices, settings.architecture)
    as_json = options["output"] == "json"
    click.echo(cost_report.as_json(found) if as_json else cost_report.as_text(found))
    return 0


def _load(options: dict[str, Any]) -> "Load":
    from adapter.cost.load import Load  # noqa: PLC0415 - see above

    calls = _by_name("--calls", options["calls"])
    if calls.everywhere is not None:
        raise click.UsageError("--calls needs the name of a deployment: --calls DEPLOYMENT=K.")
    duration = _by_name("--duration", options["duration"])
    if duration.everywhere is None:
        raise click.UsageError("--duration needs a number for all deployments: --duration MS.")
    memory = _by_name("--memory", options["memory"])
    for mb in (memory.everywhere, *memory.named.values()):
        if mb is not None and not 128 <= mb <= 32_768:
            raise click.UsageError(f"--memory is in MB, from 128 to 32768; found {mb:g}.")
    return Load(
        requests=options["requests"],
        duration_ms=duration,
        calls=calls,
        memory_mb=memory,
        streamed_mb=options["streamed"],
    )


def _by_name(option: str, given: Sequence[tuple[str, float]]) -> "ByName":
    from adapter.cost.load import ByName  # noqa: PLC0415 - see above

    numbers: dict[str, float] = {}
    for name, number in given:
        if name in numbers:
            whose = f"for {name}" if name else "for all deployments"
            raise click.UsageError(f"{option} is there twice {whose}; give it one value.")
        numbers[name] = number
    everywhere = numbers.pop("", None)
    return ByName(everywhere=everywhere, named=numbers)
