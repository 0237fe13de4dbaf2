"""A streamed response: how soon its parts arrive, how fast many MB go, and what they need.

Our loop streams to a function URL (ADAPTER_STREAMS=url). AWS's client with Mangum has no streams:
the same application answers whole, at the end.

  delay       from the application making a part (it writes the time into it) to its arrival at the
              Runtime API; three parts, 100 ms apart
  bulk        MB/s of one response in pieces of 64 KB: 4 MB, which both may answer on Lambda, and
              100 MB, which Lambda takes as a stream only (whole answers: 6 MB)
  memory      growth of the resident memory's peak while it answers
"""

import argparse
import base64
import contextlib
import json
import sys
from collections.abc import Sequence
from typing import Any

from bench.support import events
from bench.support.environment import Environment, ours, pin, rival, running
from bench.support.report import Figure, parser, progress, ratio, show
from bench.support.runtime_api import Served

OURS, RIVAL = "adapter", "awslambdaric + Mangum"
CONTENDERS = (
    ours("web_adapter.handler", OURS, variables={"ADAPTER_STREAMS": "url"}),
    rival("web_mangum.handler", RIVAL),
)
PARTS = 3
PIECES_PER_MB = 16

Values = dict[str, dict[str, list[float]]]


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    pin()
    values: Values = {contender.name: {} for contender in CONTENDERS}
    with contextlib.ExitStack() as stack:
        environments = {
            contender.name: stack.enter_context(running(contender, given.python))
            for contender in CONTENDERS
        }
        for environment in environments.values():
            environment.wait_until_ready()
            environment.serve([events.function_url("/stream", "pause_s=0")] * 20)
        for turn in range(given.turns):
            progress(f"turn {turn + 1} of {given.turns}")
            for name, environment in environments.items():
                for measure, value in _turn(environment, given.mb).items():
                    values[name].setdefault(measure, []).append(value)
    _show(given, values)
    return 0


def _parser() -> argparse.ArgumentParser:
    found = parser(__doc__ or "")
    found.add_argument("--turns", type=int, default=10)
    found.add_argument("--mb", type=int, action="append", help="bulk; 4 and 100 unless said")
    return found


def _turn(environment: Environment, sizes: Sequence[int] | None) -> dict[str, float]:
    found = _delays(environment)
    for mb in sizes or (4, 100):
        before = environment.reset_peak()
        served = _one(environment, "/bulk", f"pieces={mb * PIECES_PER_MB}", keep_bodies=False)
        if served.size < mb << 20:
            raise RuntimeError(f"{served.size} bytes arrived of {mb} MB")
        found[f"{mb} MB, MB/s"] = mb / (served.answered - served.handed_out)
        found[f"{mb} MB, memory MB"] = environment.peak_mb() - before
    return found


def _delays(environment: Environment) -> dict[str, float]:
    parts = _parts(_one(environment, "/stream", f"count={PARTS}"))
    if len(parts) != PARTS:
        raise RuntimeError(f"{len(parts)} parts arrived, not {PARTS}")
    return {
        f"part {number}, delay ms": (arrived - made) * 1000
        for number, (arrived, made) in enumerate(parts, start=1)
    }


def _one(environment: Environment, path: str, query: str, *, keep_bodies: bool = True) -> Served:
    event = events.function_url(path, query)
    (served,) = environment.serve([event], keep_bodies=keep_bodies)
    if not served.succeeded:
        raise RuntimeError(f"the invocation failed: {served.body[:500]!r} {served.trailers!r}")
    return served


def _parts(served: Served) -> list[tuple[float, float]]:
    """When each part arrived, and when the application made it."""
    if not served.streamed:
        result = json.loads(served.body)
        body = result["body"]
        text = base64.b64decode(body).decode() if result["isBase64Encoded"] else body
        return [(served.answered, float(line)) for line in text.splitlines()]
    found = []
    for arrived, piece in served.pieces:
        body = piece.rpartition(b"\0" * 8)[2]  # the prelude's end, where it is in this piece
        found += [(arrived, float(line)) for line in body.splitlines() if _is_time(line)]
    return found


def _is_time(line: bytes) -> bool:
    with contextlib.suppress(ValueError):
        return float(line) > 0
    return False


def _show(given: argparse.Namespace, values: Values) -> None:
    mine, theirs = values[OURS], values[RIVAL]
    figures = {
        name: {measure: Figure.of(found) for measure, found in measures.items()}
        for name, measures in values.items()
    }
    ratios = {measure: ratio(mine[measure], theirs[measure]) for measure in mine}
    rows: list[list[Any]] = [
        [measure, ratios[measure], *(figures[name][measure] for name in figures)]
        for measure in mine
    ]
    show(
        given,
        "streaming",
        {"turns": given.turns, "ratios": ratios, "values": figures},
        [(["measure", f"{OURS} / {RIVAL}", *figures], rows)],
    )


if __name__ == "__main__":
    sys.exit(main())
