"""B8: building: `adapter build` and `sam build`, for 1, 10 and 50 deployments.

Dependencies are in a shared layer and are installed once, so ten deployments should take little
longer than one. The rival is what SAM's own examples show: a folder with its own requirements for
each function, the same requirements, built by the same `sam build`. Everything is built from
nothing each time; packages come from pip's cache of downloads.

One and ten deployments of ours take turns. The rival takes seconds for each of its functions and
is built once with each number, as ours is with fifty; with --quick not at all.
"""

import sys
import tempfile
import time
from pathlib import Path

from bench.support import builds, command
from bench.support.environment import versions
from bench.support.result import Benchmark, Line, Ratio
from bench.support.settings import Settings
from bench.support.turns import Values, in_turns

AIM = 1.2
OURS, RIVAL = "adapter", "requirements per function"
ADAPTER_BUILD, SAM_BUILD, BOTH = "adapter build", "sam build", "both"
COUNTS, MANY = (1, 10), 50
HANDLER = "def handler(event, context):\n    return event\n"
FUNCTION = """\
  Model{number}:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python{version}
      CodeUri: functions/model{number}/
"""
TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
"""

Seconds = dict[str, float]


def main() -> int:
    return command.alone(run, __doc__ or "")


def run(settings: Settings) -> Benchmark:
    """Build each project from nothing, in turns."""
    missing: tuple[str, ...] = ()
    found: dict[int, Values] = {}
    if builds.find_sam(settings.python) is None:
        missing = ("AWS SAM CLI is not installed; `make setup-sam` installs it",)
    else:
        found = _measure(settings)
    return Benchmark(
        id="B8",
        title="building 1, 10 and 50 deployments",
        aim="ten deployments take at most 20 % longer than one",
        limit=1.5,
        ratios=_ratios(found),
        figures=tuple(one for count, values in found.items() for one in values.figures(_of(count))),
        notes=("From nothing each time, with pip's cache of downloads filled.",),
        missing=missing,
        lines=_lines(found),
    )


def _measure(settings: Settings) -> dict[int, Values]:
    found = {count: Values({ADAPTER_BUILD: "s", SAM_BUILD: "s", BOTH: "s"}) for count in COUNTS}
    build_ours(COUNTS[0], settings.python)  # fills pip's cache of downloads, for all alike
    for count in in_turns(COUNTS, settings.number_of_turns(3, 1), "B8"):
        found[count].add(OURS, build_ours(count, settings.python))
    if not settings.quick:
        found[MANY] = Values({ADAPTER_BUILD: "s", SAM_BUILD: "s", BOTH: "s"})
        found[MANY].add(OURS, build_ours(MANY, settings.python))
        for count, values in found.items():
            command.progress(f"B8: {RIVAL}, {count}")
            values.add(RIVAL, build_rival(count, settings.python))
    return found


def build_ours(count: int, python: str) -> Seconds:
    """Build a program of so many deployments."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "models.py").write_text(_program(count), encoding="utf-8")
        start = time.perf_counter()
        builds.built_by_adapter("models:app", Path(folder), python)
        middle = time.perf_counter()
        builds.built_by_sam(Path(folder), python)
        end = time.perf_counter()
        return {ADAPTER_BUILD: middle - start, SAM_BUILD: end - middle, BOTH: end - start}


def build_rival(count: int, python: str) -> Seconds:
    """Build so many folders with what a function of ours has in its layer."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        version = versions(python)["python"].rpartition(".")[0]
        template = TEMPLATE
        for number in range(count):
            function = folder / f"functions/model{number}"
            function.mkdir(parents=True)
            (function / "app.py").write_text(HANDLER, encoding="utf-8")
            (function / "requirements.txt").write_text("fastapi\nmangum\n", encoding="utf-8")
            template += FUNCTION.format(number=number, version=version)
        (folder / "template.yaml").write_text(template, encoding="utf-8")
        start = time.perf_counter()
        builds.built_by_sam(folder, python)
        seconds = time.perf_counter() - start
        return {SAM_BUILD: seconds, BOTH: seconds}


def _program(count: int) -> str:
    lines = ["from adapter import serve", ""]
    for number in range(count):
        lines += [
            "@serve.deployment",
            f"class Model{number}:",
            "    def __init__(self, *others):",
            "        self.others = others",
            "    def __call__(self, text):",
            "        return text",
            "",
        ]
    others = ", ".join(f"Model{number}.bind()" for number in range(1, count))
    return "\n".join([*lines, f"app = Model0.bind({others})", ""])


def _ratios(found: dict[int, Values]) -> tuple[Ratio, ...]:
    if not found:
        return ()
    one, *more = found
    growth = [
        _growth(name, one, count, found, aim=AIM if (name, count) == (OURS, 10) else None)
        for count in more
        for name in found[count].contenders()
    ]
    beside = [
        Ratio.of(
            _of(count),
            (OURS, values.of(BOTH, OURS)[-1:]),
            (RIVAL, values.of(BOTH, RIVAL)[-1:]),
        )
        for count, values in found.items()
        if RIVAL in values.contenders()
    ]
    return (*growth, *beside)


def _growth(
    name: str,
    one: int,
    count: int,
    found: dict[int, Values],
    *,
    aim: float | None,
) -> Ratio:
    """How much longer many take than one; turn by turn, as far as both have turns."""
    few, many = found[one].of(BOTH, name), found[count].of(BOTH, name)
    turns = min(len(few), len(many))
    mine = (f"{name}, {count}", many[-turns:])
    return Ratio.of(f"growth, {name}", mine, (f"{name}, {one}", few[-turns:]), aim=aim)


def _lines(found: dict[int, Values]) -> tuple[Line, ...]:
    names = list(dict.fromkeys(one for values in found.values() for one in values.contenders()))
    contenders = tuple(
        (
            name,
            tuple(
                (float(count), values.median(BOTH, name))
                for count, values in found.items()
                if name in values.contenders()
            ),
        )
        for name in names
    )
    return (Line("building", "deployments", "seconds", contenders),) if contenders else ()


def _of(count: int) -> str:
    return "1 deployment" if count == 1 else f"{count} deployments"


if __name__ == "__main__":
    sys.exit(main())
