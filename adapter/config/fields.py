"""A value of YAML, held against the annotations of a dataclass."""

import dataclasses
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final, get_args, get_origin

from adapter.config.document import Document
from adapter.config.kinds import (
    admits,
    alternatives,
    bare,
    expected,
    found,
    is_choice,
    is_list,
    is_mapping,
    is_table,
)
from adapter.config.marks import Mark, Place
from adapter.config.mistakes import Mistakes
from adapter.config.ranges import Check, refusals
from adapter.serve.records import Record

_WRONG: Final = object()  # stands for a value that has been noted as a mistake


class FieldReader:
    """Reads values as annotations ask for; what does not fit is noted as mistakes.

    A dataclass is a mapping of its fields. Its `check`, a static method, refuses what its fields
    admit and it does not. A `Record` of the programming model stays the dict that the user wrote,
    because that is what `Deployment.options` takes. `Annotated[kind, more]` asks for more: for the
    fields of a dataclass, or that a function does not raise `InvalidOption`.
    """

    def __init__(self, document: Document, mistakes: Mistakes) -> None:
        self._document = document
        self._marks = document.marks
        self._mistakes = mistakes
        self._wrong = 0  # how often; the mistakes themselves are told once, however many aliases
        self._dropped: list[Place] = []  # what checks are not told of: it is wrong already

    def read(self, kind: Any) -> Any:
        """Read the whole document as `kind`; None where it has mistakes."""
        value = self._read(kind, self._document.value, ())
        return None if value is _WRONG else value

    def _read(self, kind: Any, value: Any, place: Place) -> Any:
        kinds = alternatives(kind)
        fitting = next((one for one in kinds if admits(one, value)), None)
        if fitting is None:
            what = f"{_shown(place)}: expected {expected(kinds)}; found {found(value)}."
            if [bare(one) for one in kinds] == [str] and isinstance(value, (int, float)):
                what += " Put it in quotes."
            self._note(self._marks.value(place), what)
            self._dropped.append(place)
            return _WRONG
        taken = self._part(bare(fitting), value, place)
        for more in get_args(fitting)[1:] if get_origin(fitting) is Annotated else ():
            if taken is _WRONG:
                break
            taken = self._more(more, taken, place)
        return taken

    def _part(self, kind: Any, value: Any, place: Place) -> Any:
        if is_table(kind):
            return self._table(kind, value, place)
        if is_list(kind):
            items = [
                self._read(get_args(kind)[0], item, (*place, number))
                for number, item in enumerate(value)
            ]
            if _WRONG in items:
                self._dropped.append(place)
                return _WRONG
            return tuple(items) if get_origin(kind) is tuple else items
        if is_mapping(kind):
            return self._mapping(kind, value, place)
        return kind(value) if is_choice(kind) else value

    def _mapping(self, kind: Any, value: dict[Any, Any], place: Place) -> dict[Any, Any]:
        of_keys, of_values = get_args(kind)
        taken = {}
        for name, item in value.items():
            if not admits(of_keys, name):
                mark = self._marks.key((*place, name))
                self._note(mark, f"expected text as key; found {found(name)}.")
                continue
            read = self._read(of_values, item, (*place, name))
            if read is not _WRONG:
                taken[name] = read
        return taken

    def _more(self, more: Any, value: Any, place: Place) -> Any:
        if is_table(more):
            fields = self._fields(more, value, place)
            if _required(more) <= value.keys():
                return fields
            self._dropped.append(place)
            return _WRONG
        return _WRONG if self._refuses(more, value, place) else value

    def _table(self, kind: Any, value: dict[str, Any], place: Place) -> Any:
        before = self._wrong
        written = self._fields(kind, value, place)
        if (check := getattr(kind, "check", None)) is not None:
            self._refuses(check, written, place)
        if issubclass(kind, Record):
            if _required(kind) <= written.keys():
                return written
            self._dropped.append(place)
            return _WRONG
        return _WRONG if self._wrong > before else kind(**written)

    def _refuses(self, check: Check, value: Any, place: Place) -> bool:
        """Note what a check refuses, unless that follows from mistakes noted before."""
        inside = len(place)
        dropped = {str(one[-1]) for one in self._dropped if one[:inside] == place}
        refused = list(refusals(check, value, frozenset(dropped)))
        for inner, message in refused:
            self._note(self._marks.value((*place, *inner)), message)
        return bool(refused)

    def _fields(self, kind: Any, value: Mapping[Any, Any], place: Place) -> dict[str, Any]:
        known = {field.name: field.type for field in dataclasses.fields(kind)}
        meant = [self._unknown(name, known, place) for name in value if name not in known]
        for name in sorted(_required(kind) - value.keys() - set(meant)):
            what = f"{_shown(place)} needs the key {name!r}."
            self._note(self._marks.value(place), what)
        read = {
            name: self._read(hint, value[name], (*place, name))
            for name, hint in known.items()
            if name in value
        }
        return {name: item for name, item in read.items() if item is not _WRONG}

    def _unknown(self, name: Any, known: Iterable[str], place: Place) -> str | None:
        """Note a key that is not known, and return the one that it may have been meant to be."""
        mark, what = self._marks.key((*place, name)), f"{_shown(place)} has no key {name!r}."
        close = get_close_matches(str(name), list(known), n=1)
        if not close:
            self._note(mark, f"{what} Known are {', '.join(sorted(known))}.")
            return None
        self._note(mark, f"{what} Did you mean {close[0]!r}?")
        self._dropped.append((*place, close[0]))
        return close[0]

    def _note(self, mark: Mark, message: str) -> None:
        self._wrong += 1
        self._mistakes.add(mark, message)


def _required(kind: Any) -> set[str]:
    missing = dataclasses.MISSING
    return {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is missing and field.default_factory is missing
    }


def _shown(place: Place) -> str:
    """Write the last name of a way, and the numbers behind it: `deployments[1]`."""
    numbers = ""
    for part in reversed(place):
        if not isinstance(part, int):
            return f"{part}{numbers}"
        numbers = f"[{part}]{numbers}"
    return f"the file{numbers}"
