"""B10: what our package adds to the imports of a function.

Every figure is of a fresh process with compiled modules on disk. Imports are timed inside the
process, beside what is loaded anyway: FastAPI, or nothing at all. `--modules` lists what a function
without HTTP loads.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence

from bench.support import command
from bench.support.environment import ROOT, pinned_apart
from bench.support.result import Benchmark
from bench.support.settings import Settings
from bench.support.turns import Values, in_turns

AIM_MS = 10
IMPORT, MODULES = "import", "modules"
UNITS = {IMPORT: "ms", MODULES: "modules"}
CHILD = """
import json, sys, time
for name in {first!r}:
    __import__(name)
before = set(sys.modules)
start = time.perf_counter()
for name in {then!r}:
    __import__(name)
taken = time.perf_counter() - start
print(json.dumps([taken * 1000, sorted(set(sys.modules) - before)]))
"""
RUNTIME = "adapter.runtime.main"
HTTP = ("fastapi", "asyncio")  # FastAPI loads asyncio with its first request, if not before
BESIDE, RIVAL_BESIDE = "adapter beside fastapi", "awslambdaric + Mangum beside fastapi"
WITHOUT, RIVAL_WITHOUT = "adapter without HTTP", "awslambdaric without HTTP"
IMPORTS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "fastapi": ((), HTTP),
    BESIDE: (HTTP, (RUNTIME, "adapter.function", "adapter.http.bridge")),
    RIVAL_BESIDE: (HTTP, ("awslambdaric.bootstrap", "mangum")),
    WITHOUT: ((), (RUNTIME, "adapter.function")),
    RIVAL_WITHOUT: ((), ("awslambdaric.bootstrap",)),
    "asyncio": ((), ("asyncio",)),
}
RATIOS = ((BESIDE, "fastapi"), (BESIDE, RIVAL_BESIDE), (WITHOUT, RIVAL_WITHOUT))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.benchmark_parser(__doc__ or "")
    parser.add_argument("--modules", action="store_true", help="list, and measure nothing")
    given = parser.parse_args(arguments)
    if given.modules:
        print("\n".join(_import(given.python, WITHOUT)[1]))
        return 0
    return command.finish(run, given)


def run(settings: Settings) -> Benchmark:
    """Import each in fresh processes, in turns."""
    values = Values(UNITS)
    with pinned_apart():
        for name in IMPORTS:  # writes the compiled modules, and fills the kernel's cache
            _import(settings.python, name)
        for name in in_turns(list(IMPORTS), settings.number_of_turns(20, 4), "B10"):
            taken, loaded = _import(settings.python, name)
            values.add(name, {IMPORT: taken, MODULES: len(loaded)})
    beside = values.median(IMPORT, BESIDE)
    met = "met" if beside <= AIM_MS else "MISSED"
    return Benchmark(
        id="B10",
        title="what the package adds to the imports of a function",
        aim=f"{AIM_MS} ms beside FastAPI",
        limit=2.0,
        ratios=tuple(values.ratio(IMPORT, IMPORT, pair) for pair in RATIOS),
        figures=values.figures(),
        notes=(f"Beside FastAPI it takes {beside:.1f} ms: {AIM_MS} ms are aimed at, {met}.",),
    )


def _import(python: str, name: str) -> tuple[float, list[str]]:
    first, then = IMPORTS[name]
    output = subprocess.run(
        [python, "-c", CHILD.format(first=first, then=then)],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ.get("PATH", "")},
        capture_output=True,
        check=True,
    ).stdout
    taken, loaded = json.loads(output)
    return taken, loaded


if __name__ == "__main__":
    sys.exit(main())
