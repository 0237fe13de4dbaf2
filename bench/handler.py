"""B2: `handler(event, context)` as a plain call, without any runtime client.

What a test, or AWS's own client, gets when it calls the handler: the event is a dictionary already,
the answer too. Each contender is in a process of its own and is called in batches, in turns.
Mangum is called with and without its lifespan cycle, which it runs for each event; the adapter
starts the application once, as a server does.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from bench.support import command, events
from bench.support.environment import CPUS, ROOT, pinned_apart
from bench.support.result import Benchmark, Ratio, WrongAnswer
from bench.support.settings import Settings
from bench.support.turns import Values, in_turns

AIM, AIM_WITHOUT_LIFESPAN = 0.6, 1.0
CALL, CPU = "a call", "cpu"
UNITS = {CALL: "us", CPU: "us"}
OURS, MANGUM, WITHOUT_LIFESPAN = "adapter", "Mangum", "Mangum, lifespan off"
ITEM = {"item_id": 7, "q": "books"}
CASES = {
    "FastAPI, async route": ("web", events.http_api("/items/7", "q=books"), ITEM),
    "FastAPI, sync route": ("web", events.http_api("/blocking/7", "q=books"), ITEM),
    "raw ASGI": ("raw", events.http_api("/items/7", "q=books"), {"hello": "you"}),
}
CONTENDERS = {
    OURS: "bench.handlers.{}_adapter:handler",
    MANGUM: "bench.handlers.{}_mangum:handler",
    WITHOUT_LIFESPAN: "bench.handlers.{}_mangum:handler_without_lifespan",
}


def main() -> int:
    return command.alone(run, __doc__ or "")


def run(settings: Settings) -> Benchmark:
    """Call each handler in batches."""
    with pinned_apart():
        found = {case: _measure(case, settings) for case in CASES}
    return Benchmark(
        id="B2",
        title="handler(event, context) as a plain call",
        aim=f"{AIM} of Mangum's time; {AIM_WITHOUT_LIFESPAN} of Mangum's with its lifespan off",
        limit=3.5,  # raw ASGI beside Mangum without lifespan is at 2.3; see FINDINGS.md
        ratios=tuple(one for case, values in found.items() for one in _ratios(case, values)),
        figures=tuple(one for case, values in found.items() for one in values.figures(case)),
    )


class Calling:
    """A process that calls a handler."""

    def __init__(self, process: "subprocess.Popen[str]", event: bytes) -> None:
        self._process = process
        self._write(event.decode())

    def call(self, count: int) -> tuple[float, float, Any]:
        """Seconds and processor seconds of so many calls, and the last answer."""
        self._write(str(count))
        assert self._process.stdout is not None
        if not (line := self._process.stdout.readline()):
            raise RuntimeError("the handler's process has ended")
        seconds, cpu, answer = json.loads(line)
        return seconds, cpu, answer

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()


@contextlib.contextmanager
def calling(handler: str, event: bytes, python: str) -> Iterator[Calling]:
    """Start a process that calls `handler`, written as module:attribute."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [python, "-m", "bench.handlers.calling", handler],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "TZ": "UTC"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with process:
            if len(CPUS) > 1:
                os.sched_setaffinity(process.pid, {CPUS[-1]})
            try:
                yield Calling(process, event)
            finally:
                process.kill()


def _measure(case: str, settings: Settings) -> Values:
    app, event, wanted = CASES[case]
    values = Values(UNITS)
    batch = settings.pick(500, 100)
    with contextlib.ExitStack() as stack:
        processes = [
            (name, stack.enter_context(calling(handler.format(app), event, settings.python)))
            for name, handler in CONTENDERS.items()
        ]
        for name, process in processes:
            check(name, process.call(settings.pick(1000, 100))[2], wanted)
        turns = settings.number_of_turns(20, 5)
        for name, process in in_turns(processes, turns, f"B2, {case}"):
            seconds, cpu, _ = process.call(batch)
            values.add(name, {CALL: seconds / batch * 1e6, CPU: cpu / batch * 1e6})
    return values


def check(name: str, answer: Any, wanted: Any) -> None:
    """Refuse a contender that does not do the work. Raises `WrongAnswer`."""
    if answer.get("statusCode") != 200 or json.loads(answer["body"]) != wanted:
        raise WrongAnswer(name, answer, wanted)


def _ratios(case: str, values: Values) -> list[Ratio]:
    aims = {MANGUM: AIM, WITHOUT_LIFESPAN: AIM_WITHOUT_LIFESPAN}
    return [
        values.ratio(f"{case}{of}", measure, (OURS, name), aim=aim if measure == CALL else None)
        for name, aim in aims.items()
        for measure, of in ((CALL, ""), (CPU, ": cpu"))
    ]


if __name__ == "__main__":
    sys.exit(main())
