"""B5: many requests at once in one environment, as Lambda Managed Instances asks for.

AWS_LAMBDA_MAX_CONCURRENCY = K. Our loop serves K invocations in one process; AWS's client forks K
processes, and each of them imports the function. The route waits 100 ms, as one that asks a
database does; a model of 20 or 200 MB is made while importing. No process is kept to a CPU here.

  requests  a second, of K at a time, ten times over
  memory    proportional set size of all processes, after that load
  start     from starting the process to its K-th poll: from then on all K can be served
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from bench.support import command, events
from bench.support.environment import Contender, ours, rival, running
from bench.support.result import Benchmark, Line, Ratio
from bench.support.settings import Settings
from bench.support.turns import Values, in_turns

OURS, MANGUM = "adapter", "awslambdaric + Mangum"
REQUESTS, MEMORY, START = "requests", "memory", "start"
UNITS = {REQUESTS: "requests/s", MEMORY: "MB", START: "s"}
MEMORY_AIM, AT = 0.0333, 64  # 1/30, with 64 at a time
REQUESTS_AIM = 1.0
EVENT = events.http_api("/wait")
NOTE = (
    "The route waits 100 ms. memory: proportional set size of all processes. start: until all can "
    "be served."
)
PROCESS_MB = 60  # what one of the rival's processes takes beside its model


@dataclass(frozen=True)
class Case:
    at_once: int
    model_mb: int

    def __str__(self) -> str:
        return f"{self.at_once} at once, model of {self.model_mb} MB"

    @property
    def needed_mb(self) -> int:
        """What the rival takes, about."""
        return self.at_once * (self.model_mb + PROCESS_MB)


CASES = (Case(1, 20), Case(16, 20), Case(64, 20), Case(16, 200), Case(64, 200))
QUICK = (Case(16, 20),)


def main() -> int:
    return command.alone(run, __doc__ or "")


def run(settings: Settings, cases: tuple[Case, ...] = ()) -> Benchmark:
    """Measure all cases, but those that the machine has no memory for."""
    chosen = cases or settings.pick(CASES, QUICK)
    free = _free_mb()
    found = {case: _measure(case, settings) for case in chosen if case.needed_mb < free}
    return Benchmark(
        id="B5",
        title="many requests at once in one environment",
        aim=f"1/30 of the memory with {AT} at once; no fewer requests a second",
        limit=1.5,
        ratios=tuple(one for case, values in found.items() for one in _ratios(case, values)),
        figures=tuple(one for case, values in found.items() for one in values.figures(str(case))),
        notes=(NOTE,),
        missing=tuple(
            f"{case}: {MANGUM} needs about {case.needed_mb} MB, and {free} MB are free"
            for case in chosen
            if case not in found
        ),
        lines=tuple(_line(mb, found) for mb in sorted({case.model_mb for case in found})),
    )


def _measure(case: Case, settings: Settings) -> Values:
    variables = {
        "AWS_LAMBDA_MAX_CONCURRENCY": str(case.at_once),
        "BENCH_MODEL_MB": str(case.model_mb),
    }
    contenders = (
        ours("model_adapter.handler", OURS, variables=variables),
        rival("model_mangum.handler", MANGUM, variables=variables),
    )
    values = Values(UNITS)
    for contender in in_turns(contenders, settings.number_of_turns(3, 1), f"B5, {case}"):
        values.add(contender.name, _turn(contender, case.at_once, settings))
    return values


def _turn(contender: Contender, at_once: int, settings: Settings) -> dict[str, float]:
    with running(contender, settings.python, pinned=False) as environment:
        polls = environment.wait_until_ready(at_once)
        environment.serve([EVENT] * at_once)
        served = environment.serve([EVENT] * at_once * settings.pick(10, 5))
        if not all(one.succeeded for one in served):
            raise RuntimeError(f"{contender.name}: not every invocation succeeded")
        taken = max(one.answered for one in served) - min(one.handed_out for one in served)
        return {
            REQUESTS: len(served) / taken,
            MEMORY: environment.memory_mb(),
            START: polls[-1],
        }


def _ratios(case: Case, values: Values) -> list[Ratio]:
    pair = (OURS, MANGUM)
    aim = MEMORY_AIM if case.at_once == AT else None
    return [
        values.ratio(f"{case}: {MEMORY}", MEMORY, pair, aim=aim),
        values.ratio(f"{case}: {REQUESTS}/s", REQUESTS, pair, aim=REQUESTS_AIM, better="higher"),
        values.ratio(f"{case}: {START}", START, pair),
    ]


def _line(model_mb: int, found: dict[Case, Values]) -> Line:
    contenders = []
    for name in (OURS, MANGUM):
        points = [
            (float(case.at_once), values.median(MEMORY, name))
            for case, values in found.items()
            if case.model_mb == model_mb
        ]
        contenders.append((name, tuple(points)))
    return Line(f"model of {model_mb} MB", "requests at once", "MB of memory", tuple(contenders))


def _free_mb() -> int:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    (found,) = [line for line in lines if line.startswith("MemAvailable")]
    return int(found.split()[1]) >> 10


if __name__ == "__main__":
    sys.exit(main())
