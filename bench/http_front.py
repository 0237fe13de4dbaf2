"""B7: requests a second through `adapter run`, and how long they take.

The same FastAPI application (handlers/web.py), one light route, 1, 8 and 64 clients that keep their
connections; each has one request on its way. Servers are started as their users start them, with
nothing said but the port, so all of them log their requests. They run at once and are loaded in
turns by a generator in a process of its own (support/load.py). No process is kept to a CPU.
"""

import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.support import command
from bench.support.fixed_server import ITEM, fixed_server
from bench.support.load import Load, LoadError, generate
from bench.support.result import Benchmark, Line, Ratio, WrongAnswer
from bench.support.served import (
    MissingRival,
    adapter_run,
    project,
    ray_serve,
    sam_local,
    uvicorn,
)
from bench.support.settings import Settings
from bench.support.turns import Values, in_turns

OURS, SAM, RAY, UVICORN = "adapter run", "sam local start-api", "Ray Serve", "uvicorn"
CEILING = "load generator's ceiling"
AIMS = {SAM: 10.0, RAY: 1.0, UVICORN: 0.35}
CLIENTS = (1, 8, 64)
REQUESTS, LATENCY, SLOWEST = "requests", "latency", "latency, slowest hundredth"
UNITS = {REQUESTS: "1/s", LATENCY: "ms", SLOWEST: "ms"}
TERMS = (
    "uvicorn and Ray Serve run the application in one process, `adapter run` in one for each "
    "environment, up to ten, and makes an event of each request as API Gateway does; sam local has "
    "one container. The uvicorn measured is that of .venv, pure Python, which `adapter run` serves "
    "with, too; Ray's has httptools and uvloop. sam local closes its connections, so each of its "
    "requests is a new one."
)
OWN = (
    f"{CEILING}: its own rate against a server that only answers. It shares the CPUs with whom it "
    "loads."
)
TARGET = "/items/7?q=books"  # answered with ITEM
WARM_UP_S = 0.3

Loads = Mapping[str, list[Load]]
Start = Callable[[], contextlib.AbstractContextManager[Any]]


def main() -> int:
    return command.alone(run, __doc__ or "")


def run(settings: Settings) -> Benchmark:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(project("front"))
        urls, missing = started(_servers(settings, folder), stack)
        check(urls)
        urls[CEILING] = f"http://{stack.enter_context(fixed_server())}"
        loads = {clients: _measure(clients, urls, settings, missing) for clients in CLIENTS}
    values = {clients: _values(found) for clients, found in loads.items()}
    if settings.quick:
        missing += [f"{name}: takes too long to start for --quick" for name in (SAM, RAY)]
    own_us = max(load.own_us for found in loads.values() for load in found[CEILING])
    return Benchmark(
        id="B7",
        title="HTTP through `adapter run`",
        aim="requests a second: 10 x sam local start-api, 1.0 x Ray Serve, 0.35 x uvicorn",
        limit=2.5,
        ratios=tuple(one for clients in CLIENTS for one in _ratios(clients, values[clients])),
        figures=tuple(one for n in CLIENTS for one in values[n].figures(f"{n} clients")),
        missing=tuple(missing),
        notes=(
            TERMS,
            f"{OWN} At most {own_us:.0f} us of processor time were its own for a request.",
        ),
        lines=(_line(values),),
    )


def _servers(settings: Settings, folder: Path) -> dict[str, Start]:
    found: dict[str, Start] = {
        OURS: lambda: adapter_run(settings.python, folder, "front:app"),
        UVICORN: lambda: uvicorn(settings.python, folder),
    }
    if not settings.quick:
        found[RAY] = lambda: ray_serve(folder, "front")
        found[SAM] = lambda: sam_local(settings.python, folder, "front:app")
    return found


def started(
    servers: Mapping[str, Start],
    stack: contextlib.ExitStack,
) -> tuple[dict[str, str], list[str]]:
    """Start what can be started; returns the URLs by name, and who is missing, with the reason.

    Raises `MissingRival` where it is ours.
    """
    urls, missing = {}, []
    for name, start in servers.items():
        command.progress(f"B7: starting {name}")
        try:
            urls[name] = stack.enter_context(start()).http_url
        except MissingRival as error:
            if name == OURS:
                raise
            missing.append(f"{name}: {error}")
    return urls, missing


def check(urls: Mapping[str, str]) -> None:
    """Refuse to measure a server that answers something else. Raises `WrongAnswer`."""
    for name, url in urls.items():
        try:
            generate(f"{url}{TARGET}", 1, 0)
        except LoadError as error:
            raise WrongAnswer(name, error, ITEM) from error


def _measure(
    clients: int,
    urls: Mapping[str, str],
    settings: Settings,
    missing: list[str],
) -> Loads:
    found: dict[str, list[Load]] = {name: [] for name in urls}
    seconds = settings.pick(2.0, 0.4)
    turns = settings.number_of_turns(5, 2)
    warm_ups = ((name, WARM_UP_S) for name in urls)
    measured = ((name, seconds) for name in in_turns(list(urls), turns, f"B7, {clients} clients"))
    for kept, pairs in ((False, warm_ups), (True, measured)):
        for name, duration in pairs:
            if name not in found:
                continue
            try:
                load = generate(f"{urls[name]}{TARGET}", clients, duration)
            except LoadError as error:
                if name == OURS:
                    raise
                missing.append(f"{name} with {clients} clients: {error}")
                del found[name]
                continue
            if kept:
                found[name].append(load)
    return found


def _values(loads: Loads) -> Values:
    values = Values(UNITS)
    for name, several in loads.items():
        for load in several:
            measured = (load.per_second, load.median_ms, load.p99_ms)
            values.add(name, dict(zip(UNITS, measured, strict=True)))
    return values


def _ratios(clients: int, values: Values) -> Iterable[Ratio]:
    for rival, aim in AIMS.items():
        if rival not in values.contenders():
            continue
        name = f"{clients} client{'s' if clients > 1 else ''}"
        pair = (OURS, rival)
        much = f"{name}: requests a second"
        yield values.ratio(much, REQUESTS, pair, aim=aim, better="higher")
        yield values.ratio(f"{name}: latency", LATENCY, pair)


def _line(values: Mapping[int, Values]) -> Line:
    names = [name for name in (OURS, *AIMS) if name in values[CLIENTS[0]].contenders()]
    return Line(
        "requests a second by clients",
        "clients",
        "requests a second",
        tuple(
            (
                name,
                tuple(
                    (clients, found.median(REQUESTS, name))
                    for clients, found in values.items()
                    if name in found.contenders()
                ),
            )
            for name in names
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
