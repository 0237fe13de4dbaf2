"""B11: what a million requests cost, by `adapter cost`, for three loads.

Money is no measurement: it is list prices times what the loads say, so it has no spread and no
rival. It stands beside the benchmarks because time saved is money saved: duration is what Lambda
bills. The program is examples/text_service.py: a gateway that calls two models.
"""

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from typing import Any

from adapter.cli.main import main as adapter
from bench.support import command
from bench.support.environment import ROOT
from bench.support.result import Benchmark, Figure
from bench.support.settings import Settings
from bench.support.turns import Values

WAYS = {
    "on demand": "on_demand",
    "kept warm": "provisioned",
    "Managed Instances": "managed_instances",
}
FRONT = "the way in, with any of them"


@dataclass(frozen=True)
class Load:
    """Requests a month, the milliseconds of each invocation, the MB that an answer streams."""

    name: str
    requests: int
    duration_ms: int
    memory_mb: int
    streamed_mb: float = 0


LOADS = (
    Load("1 million small requests", 1_000_000, 40, 512),
    Load("100 million requests of 100 ms", 100_000_000, 100, 512),
    Load("1 million streams of 10 MB, 3 s, 2 GB", 1_000_000, 3_000, 2_048, 10),
)


def main() -> int:
    return command.alone(run, __doc__ or "")


def run(_settings: Settings) -> Benchmark:
    """Ask `adapter cost`, and divide by the millions of requests."""
    figures: list[Figure] = []
    prices = ""
    for load in LOADS:
        told = _costs(load)
        millions = load.requests / 1_000_000
        values = Values({"money": "USD per million requests"})
        for name, way in WAYS.items():
            total = sum(function["ways"][way] for function in told["functions"])
            values.add(name, {"money": total / millions})
        values.add(FRONT, {"money": _front(told) / millions})
        figures += values.figures(load.name)
        prices = "prices of {date}, {region}".format(**told["prices"])
    return Benchmark(
        id="B11",
        title="a million requests in money",
        aim="to be known",
        limit=1.0,
        ratios=(),
        figures=tuple(figures),
        notes=(
            f"List {prices}, of three functions together; docs/cost.md says what is left out.",
            "Kept warm is as many environments as the load needs when it is spread evenly.",
        ),
    )


def _costs(load: Load) -> dict[str, Any]:
    arguments = [
        *("cost", "text_service:app", "--app-dir", str(ROOT / "examples"), "--output", "json"),
        *("--requests", str(load.requests), "--duration", str(load.duration_ms)),
        *("--memory", str(load.memory_mb)),
        *(("--streamed", str(load.streamed_mb)) if load.streamed_mb else ()),
    ]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = adapter(arguments)
    if code:
        raise RuntimeError(f"adapter {' '.join(arguments)} exited with {code}")
    found: dict[str, Any] = json.loads(printed.getvalue())
    return found


def _front(told: dict[str, Any]) -> float:
    """What the way in costs: all that is used but requests and duration of functions."""
    used = [one for function in told["functions"] for one in function["used"]]
    return float(
        sum(one["amount"] for one in used if one["name"] not in ("requests", "duration")),
    )


if __name__ == "__main__":
    sys.exit(main())
