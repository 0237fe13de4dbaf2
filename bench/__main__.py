"""The whole suite, or some of it: `python -m bench [B1 ...]`.

Progress goes to standard error, results to standard output. Exits with 1 where a benchmark could
not be run, and with --quick where a ratio misses its aim by more than its limit.
"""

import argparse
import importlib
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from bench.support import command, report, results
from bench.support.environment import versions
from bench.support.result import Benchmark

# Each has `run(settings) -> Benchmark`, and is imported when it is run.
MODULES = {
    "B1": "runtime_loop",
    "B2": "handler",
    "B3": "cold_start",
    "B4": "streaming",
    "B5": "concurrency",
    "B6": "handle_calls",
    "B7": "http_front",
    "B8": "build_time",
    "B9": "size",
    "B10": "import_share",
    "B11": "cost_model",
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.quick and given.write:
        parser.error("--quick measures too little to be written: leave one of them out")
    names = sorted(set(given.names) or MODULES, key=list(MODULES).index)
    with command.ended_by_signals():
        try:
            found = [one for name in names if (one := _run(name, given)) is not None]
        except KeyboardInterrupt:
            command.progress("ended before its end: nothing is written")
            return command.INTERRUPTED
    print(command.shown(found, given), end="")
    if given.write:
        results.write(found, versions(given.python), given.folder)
    failed = len(found) < len(names)
    return 1 if failed or (given.quick and _regressed(found)) else 0


def _parser() -> argparse.ArgumentParser:
    found = command.benchmark_parser(__doc__ or "")
    found.add_argument("names", nargs="*", type=_name, metavar="B1", help="B1 to B11; else all")
    found.add_argument("--write", action="store_true", help="write RESULTS.md and the plots")
    found.add_argument("--folder", type=Path, default=results.FOLDER, help="where --write writes")
    return found


def _name(text: str) -> str:
    if text not in MODULES:
        raise argparse.ArgumentTypeError(f"expected {', '.join(MODULES)}, found {text!r}")
    return text


def _run(name: str, given: argparse.Namespace) -> Benchmark | None:
    """Run one; what fails is said, and does not end the others."""
    command.progress(f"{name}: {MODULES[name]}")
    start = time.monotonic()
    try:
        module = importlib.import_module(f"bench.{MODULES[name]}")
        found: Benchmark = module.run(command.settings(given))
    except Exception:  # noqa: BLE001 - whatever it is, the others have taken minutes
        traceback.print_exc()
        command.progress(f"{name}: FAILED")
        return None
    command.progress(f"{name}: took {time.monotonic() - start:.0f} s")
    return found


def _regressed(found: Sequence[Benchmark]) -> bool:
    for one in found:
        for ratio in one.regressions:
            limit = report.limit(ratio, one.limit)
            text = f"{one.id} {ratio.name}, {ratio.ours} / {ratio.rival}: {report.spread(ratio)}"
            command.progress(f"gross regression: {text}, which is {limit}")
    return any(one.regressions for one in found)


if __name__ == "__main__":
    sys.exit(main())
