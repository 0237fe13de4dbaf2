"""One warm invocation through the whole loop: our client against AWS's with Mangum.

All contenders get the same events from the same Runtime API and serve the same application with
the same interpreter. They all run at once, idle, and take turns in short batches, so that whatever
else the machine does meets all of them; ratios are taken turn by turn. The Runtime API has one CPU
and the contenders another, where there are two.

  cycle    from one event handed out to the next one, the Runtime API's own work included
  latency  from handing out an event to having read the answer (median of a batch)
  cpu      processor time of the contender, from the kernel: what a busy machine disturbs least
"""

import argparse
import contextlib
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.support import events, profiles
from bench.support.environment import ROOT, Contender, Environment, ours, pin, rival, running
from bench.support.report import Figure, checkouts, parser, progress, ratio, show, verdict
from bench.support.runtime_api import Served

GOAL = 0.45
EVENT = events.http_api("/items/7", "q=books")
MEASURES = ("cycle", "latency", "cpu")
CASES: dict[str, tuple[str, list[Contender]]] = {
    "FastAPI": (
        "web_adapter.handler",
        [
            rival("web_mangum.handler", "awslambdaric + Mangum"),
            rival("web_mangum.handler_without_lifespan", "the same, lifespan off"),
        ],
    ),
    "raw ASGI": (
        "raw_adapter.handler",
        [
            rival("raw_mangum.handler", "awslambdaric + Mangum"),
            rival("raw_mangum.handler_without_lifespan", "the same, lifespan off"),
        ],
    ),
    "plain handler": (
        "plain.handler",
        [
            rival("plain.handler", "awslambdaric"),
            Contender("bare socket", ("-m", "bench.handlers.bare"), "plain.handler"),
        ],
    ),
}


@dataclass(frozen=True)
class Turn:
    """Microseconds per invocation of one batch."""

    cycle: float
    latency: float
    cpu: float


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    pin()
    if given.profile:
        for case in given.case or CASES:
            _profile(case, given)
        return 0
    found = {case: _measure(case, given) for case in given.case or CASES}
    show(given, "runtime_loop", _as_json(found, given), [_ratios(found), _values(found)])
    return 0


def _parser() -> argparse.ArgumentParser:
    found = parser(__doc__ or "")
    found.add_argument("--case", action="append", choices=CASES, help="all unless said otherwise")
    found.add_argument("--turns", type=int, default=20, help="batches of each contender")
    found.add_argument("--batch", type=int, default=500, help="invocations in one")
    found.add_argument("--warm-up", type=int, default=1000, help="invocations that do not count")
    found.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="FOLDER",
        help="measure the loop of another checkout of this project too",
    )
    found.add_argument("--profile", action="store_true", help="say where our loop spends its time")
    return found


def _measure(case: str, given: argparse.Namespace) -> dict[str, list[Turn]]:
    handler, others = CASES[case]
    contenders = [ours(handler), *others, *checkouts(given.against, handler)]
    turns: dict[str, list[Turn]] = {contender.name: [] for contender in contenders}
    with contextlib.ExitStack() as stack:
        environments = {
            contender.name: stack.enter_context(running(contender, given.python, spins=True))
            for contender in contenders
        }
        for name, environment in environments.items():
            environment.wait_until_ready()
            _check(name, case, environment.serve([EVENT] * max(1, given.warm_up)))
        for number in range(given.turns):
            progress(f"{case}: turn {number + 1} of {given.turns}")
            order = list(environments.items())
            for name, environment in order if number % 2 else reversed(order):
                turns[name].append(_turn(environment, given.batch))
    return turns


def _turn(environment: Environment, size: int) -> Turn:
    cpu = environment.cpu_seconds()
    served = environment.serve([EVENT] * size)
    cpu = environment.cpu_seconds() - cpu
    if not all(one.succeeded for one in served):
        raise RuntimeError("not every invocation of a batch succeeded")
    whole = served[-1].answered - served[0].handed_out
    return Turn(
        cycle=whole / size * 1e6,
        latency=statistics.median(one.answered - one.handed_out for one in served) * 1e6,
        cpu=cpu / size * 1e6,
    )


def _check(name: str, case: str, served: Sequence[Served]) -> None:
    """Refuse to measure a contender that does not do the work."""
    wanted = {"item_id": 7, "q": "books"} if case == "FastAPI" else {"hello": "you"}
    for one in served:
        result = json.loads(one.body) if one.succeeded else {}
        if result.get("statusCode") != 200 or json.loads(result["body"]) != wanted:
            raise RuntimeError(f"{name} answered {one.body[:500]!r} ({one.outcome})")


def _ratios(found: Mapping[str, Mapping[str, list[Turn]]]) -> tuple[list[str], list[list[Any]]]:
    rows = [
        [case, f"adapter / {name}", *figures.values(), _goal(case, name, figures)]
        for case, turns in found.items()
        for name, figures in _compared(turns).items()
    ]
    return ["case", "ratio", *MEASURES, "goal for the cycle"], rows


def _goal(case: str, name: str, figures: Mapping[str, Figure]) -> str:
    return verdict(figures["cycle"], GOAL) if (case, name) == ("FastAPI", RIVAL) else ""


RIVAL = "awslambdaric + Mangum"


def _compared(turns: Mapping[str, list[Turn]]) -> dict[str, dict[str, Figure]]:
    mine = turns["adapter"]
    return {
        name: {
            measure: ratio(
                [getattr(turn, measure) for turn in mine],
                [getattr(turn, measure) for turn in theirs],
            )
            for measure in MEASURES
        }
        for name, theirs in turns.items()
        if name != "adapter"
    }


def _values(found: Mapping[str, Mapping[str, list[Turn]]]) -> tuple[list[str], list[list[Any]]]:
    rows = [
        [case, name, *_figures(values).values()]
        for case, turns in found.items()
        for name, values in turns.items()
    ]
    return ["case", "contender", *(f"{measure}, us" for measure in MEASURES)], rows


def _figures(turns: Sequence[Turn]) -> dict[str, Figure]:
    return {measure: Figure.of(getattr(turn, measure) for turn in turns) for measure in MEASURES}


def _as_json(
    found: Mapping[str, Mapping[str, list[Turn]]],
    given: argparse.Namespace,
) -> dict[str, Any]:
    return {
        "turns": given.turns,
        "batch": given.batch,
        "ratios": {case: _compared(turns) for case, turns in found.items()},
        "microseconds": {
            case: {name: _figures(values) for name, values in turns.items()}
            for case, turns in found.items()
        },
    }


def _profile(case: str, given: argparse.Namespace) -> None:
    """Run our loop under cProfile. It slows Python code more than C code: shares, not times."""
    handler, _ = CASES[case]
    calls = given.turns * given.batch
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(profiles.output())
        options = ("-m", "cProfile", "-o", str(output))
        source = Path(given.against[0]).resolve() if given.against else ROOT
        contender = ours(handler, options=options, source=source)
        environment = stack.enter_context(running(contender, given.python, spins=True))
        environment.wait_until_ready()
        environment.serve([EVENT] * calls)
        environment.end()
        profiles.show(case, output, calls)


if __name__ == "__main__":
    sys.exit(main())
