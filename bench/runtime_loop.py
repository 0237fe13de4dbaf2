"""B1: one warm invocation through the whole loop: our client against AWS's with Mangum.

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
from collections.abc import Sequence
from pathlib import Path

from bench.support import command, events, profiles
from bench.support.environment import (
    NO_WEB_ADAPTER,
    ROOT,
    Contender,
    Environment,
    ours,
    pinned_apart,
    rival,
    running,
    web_adapter,
)
from bench.support.result import Benchmark, Ratio, WrongAnswer
from bench.support.runtime_api import Served
from bench.support.settings import Settings
from bench.support.turns import Values, in_turns

AIM = 0.45
EVENT = events.http_api("/items/7", "q=books")
UNITS = {"cycle": "us", "latency": "us", "cpu": "us"}
RIVAL, WITHOUT_LIFESPAN = "awslambdaric + Mangum", "the same, lifespan off"
CASES: dict[str, tuple[str, list[Contender]]] = {
    "FastAPI": (
        "web_adapter.handler",
        [
            rival("web_mangum.handler", RIVAL),
            rival("web_mangum.handler_without_lifespan", WITHOUT_LIFESPAN),
        ],
    ),
    "raw ASGI": (
        "raw_adapter.handler",
        [
            rival("raw_mangum.handler", RIVAL),
            rival("raw_mangum.handler_without_lifespan", WITHOUT_LIFESPAN),
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
ANSWERS = {"FastAPI": {"item_id": 7, "q": "books"}}
ANSWER = {"hello": "you"}
NOTE = (
    "cycle: from one event handed out to the next. latency: from an event handed out to its answer "
    "read. cpu: processor time of the contender. All per invocation. The bare socket throws the "
    "event away: it is the floor that everybody pays."
)


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    if given.profile:
        with pinned_apart():
            for case in given.case or CASES:
                _profile(case, given)
        return 0
    return command.finish(lambda settings: run(settings, given.case, given.against), given)


def run(
    settings: Settings,
    cases: Sequence[str] | None = None,
    checkouts: Sequence[str] = (),
) -> Benchmark:
    """`checkouts` are folders with other versions of this project, whose loop runs beside."""
    with pinned_apart():
        found = {case: _measure(case, settings, checkouts) for case in cases or CASES}
    return Benchmark(
        id="B1",
        title="a warm invocation, event in to answer out, through the whole loop",
        aim=f"{AIM} of the time of awslambdaric + Mangum for a FastAPI application",
        limit=3.0,  # on Python 3.11 it is at 1.8; see FINDINGS.md
        ratios=tuple(one for case, values in found.items() for one in _ratios(case, values)),
        figures=tuple(one for case, values in found.items() for one in values.figures(case)),
        notes=(NOTE,),
        missing=() if settings.web_adapter else (NO_WEB_ADAPTER,),
    )


def _parser() -> argparse.ArgumentParser:
    found = command.benchmark_parser(__doc__ or "")
    found.add_argument("--case", action="append", choices=CASES, help="all unless said otherwise")
    found.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="FOLDER",
        help="measure the loop of another checkout of this project too",
    )
    found.add_argument("--profile", action="store_true", help="say where our loop spends its time")
    return found


def _contenders(case: str, settings: Settings, checkouts: Sequence[str]) -> list[Contender]:
    handler, others = CASES[case]
    if settings.web_adapter and case == "FastAPI":
        others = [*others, web_adapter(settings.web_adapter)]
    versions = [
        ours(handler, f"adapter at {path}", source=Path(path).resolve()) for path in checkouts
    ]
    return [ours(handler), *others, *versions]


def _measure(case: str, settings: Settings, checkouts: Sequence[str]) -> Values:
    values = Values(UNITS)
    batch = settings.pick(500, 100)
    with contextlib.ExitStack() as stack:
        environments = [
            (one.name, stack.enter_context(running(one, settings.python, spins=True)))
            for one in _contenders(case, settings, checkouts)
        ]
        for name, environment in environments:
            environment.wait_until_ready()
            check(name, case, environment.serve([EVENT] * settings.pick(1000, 100)))
        turns = settings.number_of_turns(20, 5)
        for name, environment in in_turns(environments, turns, f"B1, {case}"):
            values.add(name, _turn(environment, batch))
    return values


def _turn(environment: Environment, size: int) -> dict[str, float]:
    cpu = environment.cpu_seconds()
    served = environment.serve([EVENT] * size)
    cpu = environment.cpu_seconds() - cpu
    if not all(one.succeeded for one in served):
        raise RuntimeError("not every invocation of a batch succeeded")
    whole = served[-1].answered - served[0].handed_out
    return {
        "cycle": whole / size * 1e6,
        "latency": statistics.median(one.answered - one.handed_out for one in served) * 1e6,
        "cpu": cpu / size * 1e6,
    }


def check(name: str, case: str, served: Sequence[Served]) -> None:
    """Refuse to measure a contender that does not do the work. Raises `WrongAnswer`."""
    wanted = ANSWERS.get(case, ANSWER)
    for one in served:
        result = json.loads(one.body) if one.succeeded else {}
        if result.get("statusCode") != 200 or json.loads(result["body"]) != wanted:
            raise WrongAnswer(name, one.body, wanted)


def _ratios(case: str, values: Values) -> list[Ratio]:
    return [
        values.ratio(
            f"{case}: {measure}",
            measure,
            ("adapter", name),
            aim=AIM if (case, name, measure) == ("FastAPI", RIVAL, "cycle") else None,
        )
        for name in values.contenders()
        if name != "adapter"
        for measure in ("cycle", "cpu")
    ]


def _profile(case: str, given: argparse.Namespace) -> None:
    """Run our loop under cProfile. It slows Python code more than C code: shares, not times."""
    handler, _ = CASES[case]
    calls = (given.turns or 20) * (100 if given.quick else 500)
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
