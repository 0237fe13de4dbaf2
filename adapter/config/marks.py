"""Where in a config file a value stands."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

# The way to a value: ("applications", 0, "name").
Place = tuple[Any, ...]


class Mark(NamedTuple):
    """A line and a column, both from 1 on, as editors count them."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a document: of each value, and of the key in front of it."""

    values: dict[Place, Mark] = field(default_factory=dict)
    keys: dict[Place, Mark] = field(default_factory=dict)

    def value(self, place: Place) -> Mark:
        """Return where a value stands, or else what it would be a part of."""
        return _nearest(self.values, place)

    def key(self, place: Place) -> Mark:
        """Return where the key of a value stands."""
        return self.keys.get(place) or self.value(place)


def _nearest(marks: dict[Place, Mark], place: Place) -> Mark:
    while place and place not in marks:
        place = place[:-1]
    return marks.get(place, Mark(1, 1))
