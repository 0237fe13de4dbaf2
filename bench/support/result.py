"""What a benchmark gives: ratios, and the figures that they are made of.

All of it is frozen and knows nothing of how it was measured or is shown.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

Better = Literal["lower", "higher"]


@dataclass(frozen=True)
class Figure:
    """What one contender took, as median and spread of `n` turns."""

    contender: str
    measure: str
    unit: str
    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, contender: str, measure: str, unit: str, values: Iterable[float]) -> Self:
        found = list(values)
        middle = statistics.median(found)
        return cls(contender, measure, unit, middle, min(found), max(found), len(found))


@dataclass(frozen=True)
class Ratio:
    """What `ours` takes, divided by what `rival` takes, in the same turn.

    `better` says which is good: "lower" for time and memory, "higher" for requests a second.
    Without an `aim` it is there to be known.
    """

    name: str
    ours: str
    rival: str
    aim: float | None
    better: Better
    median: float
    low: float
    high: float

    @classmethod
    def of(
        cls,
        name: str,
        ours: tuple[str, Sequence[float]],
        rival: tuple[str, Sequence[float]],
        *,
        aim: float | None = None,
        better: Better = "lower",
    ) -> Self:
        """Compare turn by turn: the halves of one turn saw the same machine, however busy.

        `ours` and `rival` are the names of the contenders, each with its values in the order of
        the turns. Raises ValueError where one has more turns than the other.
        """
        found = [mine / theirs for mine, theirs in zip(ours[1], rival[1], strict=True)]
        middle = statistics.median(found)
        return cls(name, ours[0], rival[0], aim, better, middle, min(found), max(found))

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None where there is none."""
        return None if self.aim is None else self._within(self.aim)

    def is_grossly_worse(self, limit: float) -> bool:
        """Whether the aim is missed by more than `limit` times."""
        if self.aim is None:
            return False
        return not self._within(self.aim * limit if self.better == "lower" else self.aim / limit)

    def _within(self, bound: float) -> bool:
        return self.median <= bound if self.better == "lower" else self.median >= bound


@dataclass(frozen=True)
class Line:
    """What grows with something: a plot's line for each contender, of (x, y) points."""

    title: str
    x: str
    y: str
    contenders: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]


@dataclass(frozen=True)
class Benchmark:
    """One row of the suite: B1 to B9.

    `aim` says in words what is aimed at. `limit` is how many times its aim a ratio may miss before
    `make bench-quick` calls it a gross regression: 2.0 admits twice the time that is aimed at, or
    half of the requests. `missing` names each rival that is not here, with how to get it.
    """

    id: str
    title: str
    aim: str
    limit: float
    ratios: tuple[Ratio, ...]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def regressions(self) -> tuple[Ratio, ...]:
        """The ratios that miss their aim by more than the limit."""
        return tuple(ratio for ratio in self.ratios if ratio.is_grossly_worse(self.limit))


class WrongAnswer(RuntimeError):
    """A contender answered something else than the others do: it is refused, not measured."""

    def __init__(self, contender: str, found: Any, wanted: Any) -> None:
        super().__init__(f"{contender} answered {str(found)[:500]!r}; wanted was {str(wanted)!r}")
