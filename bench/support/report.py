"""Figures, and how they are shown: median [minimum-maximum], ratios first."""

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.support.environment import CPUS, Contender, ours, versions


@dataclass(frozen=True)
class Figure:
    """What several runs gave."""

    median: float
    minimum: float
    maximum: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Figure":
        found = list(values)
        return cls(statistics.median(found), min(found), max(found))

    def __str__(self) -> str:
        return f"{_short(self.median)} [{_short(self.minimum)}-{_short(self.maximum)}]"

    def as_json(self) -> dict[str, float]:
        return {
            "median": round(self.median, 4),
            "min": round(self.minimum, 4),
            "max": round(self.maximum, 4),
        }


def ratio(ours_: Sequence[float], others: Sequence[float]) -> Figure:
    """Compare run by run: the runs of one turn saw the same machine, however busy it was."""
    return Figure.of(mine / theirs for mine, theirs in zip(ours_, others, strict=True))


def parser(description: str) -> argparse.ArgumentParser:
    """The options that all benchmarks share."""
    found = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument(
        "--python",
        default=sys.executable,
        type=_interpreter,
        help="interpreter of all contenders; needs the packages of requirements/dev.txt",
    )
    found.add_argument("--output", choices=("text", "json"), default="text")
    return found


def _interpreter(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise argparse.ArgumentTypeError(f"there is no command {name!r}")
    return str(Path(found).absolute())  # not resolved: a link says which environment is meant


def checkouts(folders: Iterable[str], handler: str) -> list[Contender]:
    """Our loop from other checkouts of this project, for `--against`."""
    return [ours(handler, f"adapter at {path}", source=Path(path).resolve()) for path in folders]


def progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def show(
    arguments: argparse.Namespace,
    title: str,
    figures: Mapping[str, Any],
    tables: Iterable[tuple[Sequence[str], Sequence[Sequence[Any]]]],
) -> None:
    """Print tables for people, or `figures` with the machine and the versions as JSON."""
    about = {"machine": machine(), "versions": versions(arguments.python)}
    if arguments.output == "json":
        print(json.dumps({"benchmark": title, **about, **figures}, indent=2, default=_to_json))
        return
    print(title)
    for name, entries in about.items():
        print(f"{name}: {', '.join(f'{key} {value}' for key, value in entries.items())}")
    for header, rows in tables:
        print()
        _print_table(header, rows)


def verdict(figure: Figure, goal: float, *, at_most: bool = True) -> str:
    met = figure.median <= goal if at_most else figure.median >= goal
    return f"{'<=' if at_most else '>='} {goal}: {'met' if met else 'MISSED'}"


def machine() -> dict[str, str]:
    """The machine, by what its kernel says."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith(("model name", "Model", "CPU implementer"))
    ]
    return {
        "cpu": names[0] if names else platform.machine(),
        "count": str(len(CPUS)),
        "kernel": platform.release(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def _print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _short(value: float) -> str:
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 20 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def _to_json(value: Any) -> Any:
    return value.as_json() if isinstance(value, Figure) else str(value)


__all__ = ["Figure", "checkouts", "parser", "progress", "ratio", "show", "verdict"]
