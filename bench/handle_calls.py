"""B6: what a handle call costs, against boto3 and against Ray Serve's own handle.

The client alone: a deployment in our loop, and handlers in AWS's client, call the same endpoint, a
server in a process of its own that only answers (support/fixed_server.py). Raw sockets that send
what was made before are the floor; what a client takes above it is its overhead. The callers have
one CPU and the endpoint another, where there are two.

The whole way: the same program served by `adapter run` and by Ray Serve, where one deployment calls
another in a process of its own.
"""

import contextlib
import functools
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bench.support import command
from bench.support.environment import Contender, Environment, ours, pinned_apart, rival, running
from bench.support.fixed_server import fixed_server
from bench.support.result import Benchmark, Ratio, WrongAnswer
from bench.support.served import MissingRival, adapter_run, project, ray_serve
from bench.support.settings import Settings
from bench.support.turns import Values, in_turns

AIM = 0.6
OURS, BOTO3, FLOOR = "handle", "boto3", "bare socket"
RUN, RAY = "handle in adapter run", "handle in Ray Serve"
UNITS = {"time": "us", "overhead": "us", "cpu": "us"}


TERMS = (
    "time: of all calls together, divided by their number. overhead: the time above that of the "
    "bare socket in the same turn. cpu: processor time of the caller. All per call. Handle, boto3 "
    "and bare socket call one endpoint, in a process of its own, that only answers. boto3 has a "
    "thread and a connection for each call in flight. The handle and boto3's caller both write and "
    "read JSON; the bare socket sends the same bytes each time. The text is one letter again and "
    "again, as base64 is, without anything that JSON escapes; of lines, it has 39 letters a line."
)
WHOLE_WAY = (
    "Whole way: no such endpoint, but the program on `adapter run` and on Ray Serve. The called "
    "deployment returns its argument. Ray runs it in one process, as many calls at once as "
    "there are; `adapter run` starts up to ten processes, each with one call at once."
)

Order = tuple[int, int, int, str]
Measure = Callable[[Order], Mapping[str, float]]


class Case(NamedTuple):
    """So many calls in flight, whose text of `size` characters comes back; `calls` in a turn.

    The text is `line` again and again.
    """

    name: str
    at_once: int
    size: int
    calls: int
    calls_quick: int
    line: str = "x"
    aim: float | None = AIM

    def order(self, settings: Settings) -> Order:
        return self.at_once, self.size, settings.pick(self.calls, self.calls_quick), self.line


CASES = (
    Case("100 B, 1 in flight", 1, 100, 300, 60),
    Case("100 B, 50 in flight", 50, 100, 1000, 150),
    Case("1 MB, 1 in flight", 1, 1_000_000, 20, 5),
    Case("1 MB, 50 in flight", 50, 1_000_000, 100, 50),
    Case("1 MB of lines, 1 in flight", 1, 1_000_000, 20, 5, "x" * 39 + "\n", aim=None),
)


def main() -> int:
    return command.alone(run, __doc__ or "")


def run(settings: Settings) -> Benchmark:
    with pinned_apart():
        alone = _client_alone(settings)
    whole, missing = _whole_way(settings)
    figures = [one for name, values in alone.items() for one in values.figures(name)]
    figures += [one for name, values in whole.items() for one in values.figures(name)]
    ratios = [one for case in CASES for one in _client_ratios(case, alone[case.name])]
    ratios += [
        values.ratio(f"{name}: whole way", "time", (RUN, RAY)) for name, values in whole.items()
    ]
    return Benchmark(
        id="B6",
        title="a handle call",
        aim=f"overhead of at most {AIM} of boto3's, 1 and 50 in flight, 100 B and 1 MB",
        limit=2.5,
        ratios=tuple(ratios),
        figures=tuple(figures),
        missing=missing,
        notes=(TERMS, WHOLE_WAY),
    )


def _client_alone(settings: Settings) -> dict[str, Values]:
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(fixed_server())
        started = [
            (one.name, stack.enter_context(running(one, settings.python)))
            for one in contenders(address)
        ]
        for _, environment in started:
            environment.wait_until_ready()
        measures = [(name, functools.partial(_invoke, name, env)) for name, env in started]
        return {case.name: _compared(case, measures, settings) for case in CASES}


def _compared(
    case: Case,
    measures: Sequence[tuple[str, Measure]],
    settings: Settings,
) -> Values:
    values = Values(UNITS)
    times: dict[str, list[float]] = {}
    for name, taken in _turns(case, measures, settings):
        times.setdefault(name, []).append(taken["time"])
        values.add(name, taken)
    for name in (OURS, BOTO3):
        for taken_us, floor_us in zip(times[name], times[FLOOR], strict=True):
            values.add(name, {"overhead": taken_us - floor_us})
    return values


def contenders(address: str) -> tuple[Contender, ...]:
    """Those that call the endpoint at `host:port`, with the variables that a function has."""
    variables = {
        "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_DEFAULT_REGION": "eu-west-1",  # what botocore reads
        "AWS_SESSION_TOKEN": "x" * 800,
        "AWS_ENDPOINT_URL_LAMBDA": f"http://{address}",
    }
    return (
        ours("calls_adapter.handler", OURS, variables=variables),
        rival("calls_boto3.handler", BOTO3, variables=variables),
        rival("calls_socket.handler", FLOOR, variables=variables),
    )


def _invoke(name: str, environment: Environment, order: Order) -> Any:
    event = json.dumps({"method": "measure", "args": order}).encode()
    [served] = environment.serve([event])
    return measured(name, served.body if served.succeeded else b"")


def measured(name: str, answer: bytes) -> dict[str, float]:
    """Read what a caller has measured. Raises `WrongAnswer` where it has not.

    Callers compare each answer with what they have sent, and fail where it differs.
    """
    found = json.loads(answer) if answer else {}
    if not isinstance(found, dict) or not {"seconds", "cpu_seconds"} <= found.keys():
        raise WrongAnswer(name, answer, "what was measured, all answers being right")
    return found


def _turns(
    case: Case,
    measures: Sequence[tuple[str, Measure]],
    settings: Settings,
) -> Iterator[tuple[str, dict[str, float]]]:
    """Warm up, which checks the answers, and yield the time of a call by contender."""
    order = case.order(settings)
    calls = order[2]
    for _, measure in measures:
        measure(order)
    turns = settings.number_of_turns(15, 3)
    for name, measure in in_turns(measures, turns, f"B6, {case.name}"):
        found = measure(order)
        yield name, {key: found[of] / calls * 1e6 for key, of in _MEASURED.items() if of in found}


_MEASURED = {"time": "seconds", "cpu": "cpu_seconds"}


def _client_ratios(case: Case, values: Values) -> list[Ratio]:
    return [
        values.ratio(
            f"{case.name}: {measure}",
            measure,
            (OURS, BOTO3),
            aim=case.aim if measure == "overhead" else None,
        )
        for measure in ("overhead", "time", "cpu")
    ]


def _whole_way(settings: Settings) -> tuple[dict[str, Values], tuple[str, ...]]:
    if settings.quick:
        return {}, ("Ray Serve's handle: Ray takes too long to start for --quick",)
    found = {}
    try:
        with (
            project("calls") as folder,
            adapter_run(settings.python, folder, "calls:app") as server,
            ray_serve(folder, "calls") as ray,
        ):
            measures: list[tuple[str, Measure]] = [
                (RUN, lambda order: server.order("Caller", *order)),
                (RAY, lambda order: ray.order(*order)),
            ]
            for case in CASES:
                found[case.name] = values = Values({"time": "us"})
                for name, taken in _turns(case, measures, settings):
                    values.add(name, {"time": taken["time"]})
    except MissingRival as error:
        return {}, (str(error),)
    return found, ()


if __name__ == "__main__":
    sys.exit(main())
