"""What our package costs while a function starts: imports, and the way to the first poll.

Every figure is of a fresh process with compiled modules on disk. Imports are timed inside the
process, beside what is loaded anyway (FastAPI, or nothing at all); the way to the first poll is
timed from outside, from starting the process to its first request to the Runtime API.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from bench.support.environment import ROOT, Contender, ours, pin, rival, running
from bench.support.report import Figure, parser, progress, ratio, show, verdict

GOAL_MS = 10
BESIDE = "adapter beside fastapi"
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
RUNTIME = "adapter.runtime.__main__"
HTTP = ("fastapi", "asyncio")  # FastAPI loads asyncio with its first request, if not before
IMPORTS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "fastapi": ((), HTTP),
    BESIDE: (HTTP, (RUNTIME, "adapter.function", "adapter.http.bridge")),
    "awslambdaric + Mangum beside fastapi": (HTTP, ("awslambdaric.bootstrap", "mangum")),
    "adapter without HTTP": ((), (RUNTIME, "adapter.function")),
    "awslambdaric without HTTP": ((), ("awslambdaric.bootstrap",)),
    "asyncio": ((), ("asyncio",)),
}
STARTS: dict[str, Contender] = {
    "adapter, FastAPI": ours("web_adapter.handler"),
    "awslambdaric + Mangum, FastAPI": rival("web_mangum.handler"),
    "adapter, plain handler": ours("plain.handler"),
    "awslambdaric, plain handler": rival("plain.handler"),
}
RATIOS = (
    (BESIDE, "fastapi"),
    (BESIDE, "awslambdaric + Mangum beside fastapi"),
    ("adapter without HTTP", "awslambdaric without HTTP"),
    ("adapter, FastAPI", "awslambdaric + Mangum, FastAPI"),
    ("adapter, plain handler", "awslambdaric, plain handler"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser(__doc__ or "")
    options.add_argument("--turns", type=int, default=20, help="fresh processes of each kind")
    given = options.parse_args(arguments)
    pin()
    values: dict[str, list[float]] = {name: [] for name in (*IMPORTS, *STARTS)}
    modules: dict[str, list[str]] = {}
    for name in IMPORTS:  # writes the compiled modules, and fills the kernel's cache
        modules[name] = _import(given.python, name)[1]
    for turn in range(given.turns):
        progress(f"turn {turn + 1} of {given.turns}")
        for name in IMPORTS:
            values[name].append(_import(given.python, name)[0])
        for name, contender in STARTS.items():
            values[name].append(_first_poll_ms(contender, given.python))
    _show(given, values, modules)
    return 0


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


def _first_poll_ms(contender: Contender, python: str) -> float:
    with running(contender, python) as environment:
        return environment.wait_until_ready()[0] * 1000


def _show(
    given: Any,
    values: Mapping[str, list[float]],
    modules: Mapping[str, list[str]],
) -> None:
    ratios = {f"{mine} / {theirs}": ratio(values[mine], values[theirs]) for mine, theirs in RATIOS}
    figures = {name: Figure.of(found) for name, found in values.items()}
    goal = verdict(figures[BESIDE], GOAL_MS)
    rows = [
        [name, figure, len(modules.get(name, ())) or "", goal if name == BESIDE else ""]
        for name, figure in figures.items()
    ]
    own = [name for name in modules["adapter without HTTP"] if name.startswith("adapter")]
    show(
        given,
        "import_share",
        {
            "turns": given.turns,
            "ratios": ratios,
            "milliseconds": figures,
            "modules": {name: len(found) for name, found in modules.items()},
            "without_http": modules["adapter without HTTP"],
        },
        [
            (["ratio", "value"], list(ratios.items())),
            (["what", "ms", "modules", "goal, ms"], rows),
            (["of the adapter, a function without HTTP loads"], [[name] for name in own]),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
