"""How figures are shown: tables with the ratios first, each median [lowest-highest]."""

import dataclasses
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.support.environment import CPUS, versions
from bench.support.result import Benchmark, Figure, Ratio


class Table(NamedTuple):
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def as_text(self) -> str:
        cells = [[str(cell) for cell in row] for row in (self.header, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]
        return "\n".join(lines) + "\n"

    def as_markdown(self) -> str:
        rows = [self.header, ["---"] * len(self.header), *self.rows]
        return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def ratios(found: Sequence[Benchmark]) -> Table:
    """Every ratio with its aim."""
    rows = [_ratio_row(one, ratio) for one in found for ratio in one.ratios]
    return Table(["#", "what", "against", "ratio", "aim", "quick fails at"], rows)


def with_missing(found: Sequence[Benchmark]) -> Table:
    """The same, and every rival that is not here."""
    header, _ = ratios(found)
    rows: list[Sequence[str]] = []
    for one in found:
        rows += ratios([one]).rows
        rows += [[one.id, one.title, f"not measured: {text}", "", "", ""] for text in one.missing]
    return Table(header, rows)


def figures(found: Benchmark) -> Table:
    """A row for each measure, with a column for each contender."""
    contenders = list(dict.fromkeys(figure.contender for figure in found.figures))
    measures = dict.fromkeys((figure.measure, figure.unit) for figure in found.figures)
    cells = {(one.measure, one.unit, one.contender): spread(one) for one in found.figures}
    rows = [
        [f"{measure}, {unit}", *(cells.get((measure, unit, name), "") for name in contenders)]
        for measure, unit in measures
    ]
    return Table(["measure", *contenders], rows)


def as_text(found: Sequence[Benchmark]) -> str:
    """For a terminal and for logs."""
    missing = [f"{one.id} not measured: {text}\n" for one in found for text in one.missing]
    parts = [ratios(found).as_text(), "".join(missing)] if missing else [ratios(found).as_text()]
    for one in found:
        parts.append(f"{one.id}: {one.title}\n{figures(one).as_text()}")
        parts += [f"{note}\n" for note in one.notes]
    return "\n".join(parts)


def as_json(found: Sequence[Benchmark], python: str) -> str:
    entries = [dataclasses.asdict(one) for one in found]
    about = {"machine": machine(), "versions": versions(python)}
    return json.dumps({**about, "benchmarks": entries}, indent=2) + "\n"


def spread(of: Figure | Ratio) -> str:
    """Median [lowest-highest], or the one value that there is."""
    if of.low == of.high:
        return short(of.median)
    return f"{short(of.median)} [{short(of.low)}-{short(of.high)}]"


def aim(ratio: Ratio) -> str:
    """What is aimed at and whether it is met, if there is an aim."""
    if ratio.aim is None:
        return ""
    sign = "≤" if ratio.better == "lower" else "≥"
    return f"{sign} {ratio.aim:g}: {'met' if ratio.met else 'MISSED'}"


def limit(ratio: Ratio, times: float) -> str:
    """From where on `make bench-quick` fails."""
    if ratio.aim is None:
        return ""
    return f"> {ratio.aim * times:g}" if ratio.better == "lower" else f"< {ratio.aim / times:.3g}"


def short(value: float) -> str:
    digits = (
        0
        if abs(value) >= 1000 or not value
        else 1
        if abs(value) >= 20
        else 2
        if abs(value) >= 1
        else 3
    )
    return f"{value:,.{digits}f}"


def machine() -> dict[str, str]:
    """The machine, by what its kernel says."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith(("model name", "Model", "CPU implementer"))
    ]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": names[0] if names else platform.machine(),
        "count": str(len(CPUS)),
        "memory": f"{pages >> 30} GB",
        "kernel": platform.release(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def listed(entries: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in entries.items())


def _ratio_row(one: Benchmark, ratio: Ratio) -> list[str]:
    against = f"{ratio.ours} / {ratio.rival}"
    return [one.id, ratio.name, against, spread(ratio), aim(ratio), limit(ratio, one.limit)]
