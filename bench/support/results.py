"""RESULTS.md, the plots, and results.json, which both are written from.

A run of some benchmarks replaces their results and keeps those of the others, each with the
machine and the versions that it was measured on.
"""

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.support import plots, report
from bench.support.result import Benchmark, Figure, Line, Ratio

FOLDER = Path(__file__).resolve().parents[1]
INTRODUCTION = """\
# Results

Written by `make bench`; it replaces this file. How the figures were made, and what they do not
say: [README.md](README.md). What was tried where an aim is missed: [FINDINGS.md](FINDINGS.md).

A ratio is what the adapter takes, divided by what the other one takes: below 1 is less. For
requests and MB a second, which should be many, above 1 is more. Ratios and figures are median
[lowest-highest] of the turns. The last column is where `make bench-quick` fails.
"""


@dataclasses.dataclass(frozen=True)
class Measured:
    """A benchmark with what it ran on, and when."""

    benchmark: Benchmark
    when: str
    machine: dict[str, str]
    versions: dict[str, str]


def write(found: Sequence[Benchmark], python_versions: dict[str, str], folder: Path) -> None:
    """Write results.json, RESULTS.md and plots/ into `folder`."""
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    machine = report.machine()
    new = {one.id: Measured(one, when, machine, python_versions) for one in found}
    kept = {**_read(folder / "results.json"), **new}
    measured = [kept[name] for name in sorted(kept, key=lambda name: int(name[1:]))]
    text = json.dumps([dataclasses.asdict(one) for one in measured], indent=1)
    (folder / "results.json").write_text(f"{text}\n", encoding="utf-8")
    names = _write_plots([one.benchmark for one in measured], folder / "plots")
    (folder / "RESULTS.md").write_text(as_markdown(measured, names), encoding="utf-8")


def as_markdown(measured: Sequence[Measured], plotted: dict[str, list[str]]) -> str:
    found = [one.benchmark for one in measured]
    parts = [
        INTRODUCTION,
        report.with_missing(found).as_markdown(),
        "![ratios](plots/ratios.svg)\n",
    ]
    parts.append("## Machine and versions\n")
    parts.append(_about(measured))
    for one in found:
        parts += [f"## {one.id}: {one.title}\n", f"Aim: {one.aim}\n"]
        parts += [f"{note}\n" for note in one.notes]
        parts += [f"Not measured: {text}\n" for text in one.missing]
        parts.append(report.figures(one).as_markdown())
        parts += [f"![{name}](plots/{name})\n" for name in plotted[one.id]]
    return "\n".join(parts)


def _about(measured: Sequence[Measured]) -> str:
    """A row for each way in which benchmarks ran; the load alone is no other way."""
    rows: dict[tuple[str, str], list[Measured]] = {}
    for one in measured:
        machine = {name: value for name, value in one.machine.items() if name != "load"}
        rows.setdefault((report.listed(machine), report.listed(one.versions)), []).append(one)
    return report.Table(
        ["#", "machine", "versions", "when", "load at the end"],
        [
            [
                ", ".join(one.benchmark.id for one in several),
                *about,
                max(one.when for one in several),
                ", ".join(dict.fromkeys(one.machine["load"] for one in several)),
            ]
            for about, several in rows.items()
        ],
    ).as_markdown()


def _write_plots(found: Sequence[Benchmark], folder: Path) -> dict[str, list[str]]:
    """Write the plots; returns their file names by benchmark."""
    folder.mkdir(exist_ok=True)
    drawn = {"ratios.svg": plots.ratios(found)}
    names: dict[str, list[str]] = {}
    for one in found:
        own = {f"{one.id}-{number}.svg": plots.lines(x) for number, x in enumerate(one.lines, 1)}
        own = {f"{one.id}.svg": plots.bars(one), **own} if one.figures else own
        names[one.id] = list(own)
        drawn |= own
    for name, text in drawn.items():
        (folder / name).write_text(text, encoding="utf-8")
    return names


def _read(path: Path) -> dict[str, Measured]:
    if not path.exists():
        return {}
    entries = json.loads(path.read_text(encoding="utf-8"))
    return {entry["benchmark"]["id"]: _measured(entry) for entry in entries}


def _measured(entry: dict[str, Any]) -> Measured:
    found = entry["benchmark"]
    benchmark = Benchmark(
        **{
            **found,
            "ratios": tuple(Ratio(**one) for one in found["ratios"]),
            "figures": tuple(Figure(**one) for one in found["figures"]),
            "notes": tuple(found["notes"]),
            "missing": tuple(found["missing"]),
            "lines": tuple(_line(one) for one in found["lines"]),
        },
    )
    return Measured(**{**entry, "benchmark": benchmark})


def _line(entry: dict[str, Any]) -> Line:
    contenders = [(name, tuple((x, y) for x, y in points)) for name, points in entry["contenders"]]
    return Line(**{**entry, "contenders": tuple(contenders)})
