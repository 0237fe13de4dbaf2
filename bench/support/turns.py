"""Contenders take turns, and what each turn gave."""

import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from bench.support.command import progress
from bench.support.result import Better, Figure, Ratio

Contender = TypeVar("Contender")


def in_turns(contenders: Sequence[Contender], turns: int, what: str) -> Iterator[Contender]:
    """Yield each contender once a turn, forwards and backwards by turns.

    So whatever else the machine does meets all of them, and none is always the first.
    """
    for number in range(turns):
        progress(f"{what}: turn {number + 1} of {turns}")
        yield from contenders if number % 2 == 0 else reversed(contenders)


class Values:
    """The values of all turns, by measure and contender. `units` has the measures in order."""

    def __init__(self, units: Mapping[str, str]) -> None:
        self._units = units
        self._values: dict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, contender: str, measured: Mapping[str, float]) -> None:
        """Take what a turn of a contender gave, by measure."""
        for measure, value in measured.items():
            self._values[measure, contender].append(value)

    def contenders(self) -> list[str]:
        """In the order of their first turn."""
        return list(dict.fromkeys(contender for _, contender in self._values))

    def of(self, measure: str, contender: str) -> list[float]:
        return self._values[measure, contender]

    def median(self, measure: str, contender: str) -> float:
        return statistics.median(self._values[measure, contender])

    def figures(self, of: str = "") -> tuple[Figure, ...]:
        """All of them; `of` says what the measures are of and stands before their names."""
        return tuple(
            Figure.of(contender, f"{of}: {measure}" if of else measure, unit, values)
            for measure, unit in self._units.items()
            for (found, contender), values in self._values.items()
            if found == measure
        )

    def ratio(
        self,
        name: str,
        measure: str,
        contenders: tuple[str, str],
        *,
        aim: float | None = None,
        better: Better = "lower",
    ) -> Ratio:
        """The first contender's value divided by the second's, turn by turn."""
        ours, rival = ((one, self._values[measure, one]) for one in contenders)
        return Ratio.of(name, ours, rival, aim=aim, better=better)

    def ratio_of_measures(
        self,
        name: str,
        contender: str,
        measures: tuple[str, str],
        *,
        aim: float | None = None,
    ) -> Ratio:
        """A contender's first measure divided by its second, turn by turn."""
        first, second = ((f"{contender}, {one}", self._values[one, contender]) for one in measures)
        return Ratio.of(name, first, second, aim=aim)
