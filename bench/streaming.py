"""B4: a streamed response: how soon it begins, how fast many MB go, and what memory they need.

Our loop streams to a function URL (ADAPTER_STREAMS=url). AWS's client with Mangum has no streams:
the same application answers whole, at the end. uvicorn serves it without Lambda: what the
application and HTTP take from everybody.

  first byte  from handing out the event, or sending the request, to the first byte of the body
  delay       from the application making a part (it writes the time into it) to its arrival; the
              first of three parts that are 100 ms apart
  bulk        MB/s of one response in pieces of 64 KB: 100 MB, which Lambda takes as a stream only
              (whole answers: 6 MB), with --quick 20 MB
  memory      peak of the resident memory while it answers, and what was resident before
"""

import base64
import contextlib
import json
import sys
from collections.abc import Callable

from bench.support import command, events
from bench.support.environment import Environment, ours, pinned_apart, rival, running
from bench.support.result import Benchmark, WrongAnswer
from bench.support.runtime_api import Served
from bench.support.settings import Settings
from bench.support.turns import Values, in_turns
from bench.support.web_server import uvicorn

OURS, MANGUM, UVICORN = "adapter", "awslambdaric + Mangum", "uvicorn"
PARTS = 3
PIECES_PER_MB = 16
BULK_PATH = "/bulk"
FIRST_BYTE, DELAY, BULK = "first byte", "delay of the first of three parts", "throughput"
PEAK, BEFORE = "memory, at the peak", "memory, before"
UNITS = {FIRST_BYTE: "ms", DELAY: "ms", BULK: "MB/s", PEAK: "MB", BEFORE: "MB"}
CONTENDERS = (
    ours("web_adapter.handler", OURS, variables={"ADAPTER_STREAMS": "url"}),
    rival("web_mangum.handler", MANGUM),
)

# A path and its query; gives what arrived.
Get = Callable[[str, str], Served]


def main() -> int:
    return command.alone(run, __doc__ or "")


def run(settings: Settings) -> Benchmark:
    """Ask all of them for the same streams, in turns."""
    values = Values(UNITS)
    mb = settings.pick(100, 20)
    with pinned_apart(), contextlib.ExitStack() as stack:
        contenders = _started(settings, stack)
        for _, _, get in contenders:
            for _ in range(20):
                get("/stream", "pause_s=0")
        turns = settings.number_of_turns(10, 3)
        for name, environment, get in in_turns(contenders, turns, "B4"):
            values.add(name, _turn(name, environment, get, mb))
    return Benchmark(
        id="B4",
        title="a streamed response",
        aim="first byte 1.5 times uvicorn's; half of its MB/s; the same memory as before",
        limit=2.0,
        ratios=(
            values.ratio(FIRST_BYTE, FIRST_BYTE, (OURS, UVICORN), aim=1.5),
            values.ratio(FIRST_BYTE, FIRST_BYTE, (OURS, MANGUM)),
            values.ratio(DELAY, DELAY, (OURS, UVICORN)),
            values.ratio(DELAY, DELAY, (OURS, MANGUM)),
            values.ratio(f"{mb} MB, MB/s", BULK, (OURS, UVICORN), aim=0.5, better="higher"),
            values.ratio(f"{mb} MB, MB/s", BULK, (OURS, MANGUM), better="higher"),
            values.ratio_of_measures(f"{mb} MB, memory", OURS, (PEAK, BEFORE), aim=1.05),
            values.ratio(f"{mb} MB, memory at the peak", PEAK, (OURS, MANGUM)),
        ),
        figures=values.figures(),
        notes=(f"Throughput and memory: one response of {mb} MB in pieces of 64 KB.",),
    )


def _started(
    settings: Settings,
    stack: contextlib.ExitStack,
) -> list[tuple[str, Environment, Get]]:
    found: list[tuple[str, Environment, Get]] = []
    for contender in CONTENDERS:
        environment = stack.enter_context(running(contender, settings.python))
        environment.wait_until_ready()
        found.append((contender.name, environment, _from_function(environment)))
    server = stack.enter_context(uvicorn("bench.handlers.web:app", settings.python))
    found.append(
        (
            UVICORN,
            server.environment,
            lambda path, query: server.get(f"{path}?{query}"),
        ),
    )
    return found


def _from_function(environment: Environment) -> Get:
    def get(path: str, query: str) -> Served:
        event = events.function_url(path, query)
        (served,) = environment.serve([event], keep_bodies=path != BULK_PATH)
        if not served.succeeded:
            raise RuntimeError(f"the invocation failed: {served.body[:500]!r} {served.trailers!r}")
        return served

    return get


def _turn(name: str, environment: Environment, get: Get, mb: int) -> dict[str, float]:
    served = get("/stream", "count=1")
    ((arrived, _),) = check(name, served, 1)
    ((first, made), *_) = check(name, get("/stream", f"count={PARTS}"), PARTS)
    before = environment.reset_peak()
    bulk = get(BULK_PATH, f"pieces={mb * PIECES_PER_MB}")
    if bulk.size < mb << 20:
        raise WrongAnswer(name, f"{bulk.size} bytes", f"{mb} MB")
    return {
        FIRST_BYTE: (arrived - served.handed_out) * 1000,
        DELAY: (first - made) * 1000,
        BULK: mb / (bulk.answered - bulk.handed_out),
        PEAK: environment.peak_mb(),
        BEFORE: before,
    }


def check(name: str, served: Served, count: int) -> list[tuple[float, float]]:
    """When each part arrived, and when the application made it.

    Raises `WrongAnswer` where it is another number of parts.
    """
    found = _whole(served) if not served.streamed else _streamed(served)
    if len(found) != count:
        raise WrongAnswer(name, f"{len(found)} parts", f"{count} parts")
    return found


def _whole(served: Served) -> list[tuple[float, float]]:
    result = json.loads(served.body)
    body = result["body"]
    text = base64.b64decode(body).decode() if result["isBase64Encoded"] else body
    return [(served.answered, float(line)) for line in text.splitlines()]


def _streamed(served: Served) -> list[tuple[float, float]]:
    found = []
    for arrived, piece in served.pieces:
        body = piece.rpartition(b"\0" * 8)[2]  # the prelude's end, where it is in this piece
        found += [(arrived, float(line)) for line in body.splitlines() if _is_time(line)]
    return found


def _is_time(line: bytes) -> bool:
    with contextlib.suppress(ValueError):
        return float(line) > 0
    return False


if __name__ == "__main__":
    sys.exit(main())
