"""Many requests at once in one environment, as Lambda Managed Instances asks for.

AWS_LAMBDA_MAX_CONCURRENCY = K. Our loop serves K invocations in one process; AWS's client forks K
processes, and each of them imports the function. The route waits 100 ms, as one that asks a
database does; a model of 20 MB is made while importing. No process is kept to a CPU here.

  requests/s  of K at a time, ten times over
  memory      proportional set size of all processes, after that load
  first poll  from starting the process to its first request to the Runtime API
  all polls   the same, to the K-th: from then on all K can be served
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from bench.support import events
from bench.support.environment import Contender, ours, rival, running
from bench.support.report import Figure, parser, progress, ratio, show, verdict

OURS, RIVAL = "adapter", "awslambdaric + Mangum"
REQUESTS, MEMORY = "requests/s", "memory, MB"
MEASURES = (REQUESTS, MEMORY, "first poll, s", "all polls, s")
MEMORY_GOAL = 0.0333  # 1/30, with 64 at a time
REQUESTS_GOAL = 1.0
EVENT = events.http_api("/wait")

Values = dict[str, dict[str, list[float]]]


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    found = {k: _measure(k, given) for k in given.at_once or (1, 16, 64)}
    ratios = {k: {m: ratio(v[OURS][m], v[RIVAL][m]) for m in MEASURES} for k, v in found.items()}
    figures = {
        k: {name: {m: Figure.of(values[name][m]) for m in MEASURES} for name in values}
        for k, values in found.items()
    }
    show(
        given,
        "concurrency",
        {"turns": given.turns, "model_mb": given.model_mb, "ratios": ratios, "values": figures},
        [
            (
                ["at once", f"{OURS} / {RIVAL}", "goal"],
                [[k, f"{m}: {r[m]}", _goal(k, m, r[m])] for k, r in ratios.items() for m in r],
            ),
            (
                ["at once", "contender", *MEASURES],
                [[k, n, *f.values()] for k, named in figures.items() for n, f in named.items()],
            ),
        ],
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    found = parser(__doc__ or "")
    found.add_argument("--turns", type=int, default=5)
    found.add_argument("--at-once", type=int, action="append", metavar="K", help="1, 16 and 64")
    found.add_argument("--rounds", type=int, default=10, help="requests of one turn, times K")
    found.add_argument("--model-mb", type=int, default=20)
    return found


def _measure(at_once: int, given: argparse.Namespace) -> Values:
    variables = {
        "AWS_LAMBDA_MAX_CONCURRENCY": str(at_once),
        "BENCH_MODEL_MB": str(given.model_mb),
    }
    contenders = (
        ours("model_adapter.handler", OURS, variables=variables),
        rival("model_mangum.handler", RIVAL, variables=variables),
    )
    values: Values = {contender.name: {m: [] for m in MEASURES} for contender in contenders}
    for turn in range(given.turns):
        progress(f"{at_once} at once: turn {turn + 1} of {given.turns}")
        for contender in contenders if turn % 2 else reversed(contenders):
            for measure, value in _turn(contender, at_once, given).items():
                values[contender.name][measure].append(value)
    return values


def _turn(contender: Contender, at_once: int, given: argparse.Namespace) -> dict[str, float]:
    with running(contender, given.python, pinned=False) as environment:
        polls = environment.wait_until_ready(at_once)
        environment.serve([EVENT] * at_once)
        served = environment.serve([EVENT] * at_once * given.rounds)
        if not all(one.succeeded for one in served):
            raise RuntimeError(f"{contender.name}: not every invocation succeeded")
        taken = max(one.answered for one in served) - min(one.handed_out for one in served)
        values = (len(served) / taken, environment.memory_mb(), polls[0], polls[-1])
        return dict(zip(MEASURES, values, strict=True))


def _goal(at_once: int, measure: str, found: Figure) -> Any:
    if measure == REQUESTS:
        return verdict(found, REQUESTS_GOAL, at_most=False)
    return verdict(found, MEMORY_GOAL) if (at_once, measure) == (64, MEMORY) else ""


if __name__ == "__main__":
    sys.exit(main())
