"""Which part of a value a check refuses.

The checks are those of the options in code, so that there is one set of limits. They stop at the
first value that they refuse; here the others are found, too.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from adapter.config.marks import Place
from adapter.errors import InvalidOption

Check = Callable[[Any], object]


def refusals(
    check: Check,
    written: Any,
    dropped: frozenset[str] = frozenset(),
) -> Iterator[tuple[Place, str]]:
    """Yield what `check` refuses in a value: where, and why.

    `dropped` are keys that have been refused before and are missing in `written`; a message that
    names one of them is a consequence, and not passed on.
    """
    while (message := _refusal(check, written)) is not None:
        place = _culprit(check, written, message)
        if not any(re.search(rf"\b{re.escape(name)}\b", message) for name in dropped):
            yield place, message
        if not place:
            return
        written = _without(written, place)
        dropped |= {str(place[-1])}


def _refusal(check: Check, written: Any) -> str | None:
    try:
        check(written)
    except InvalidOption as error:
        return str(error)
    return None


def _culprit(check: Check, written: Any, message: str) -> Place:
    """Return the innermost key without which there is no such message, () where there is none."""
    if not isinstance(written, dict):
        return ()
    for name, value in written.items():
        if _matters(check, _without(written, (name,)), message):
            return (name, *_culprit(_of_part(check, written, name), value, message))
    return ()


def _of_part(check: Check, written: dict[Any, Any], name: Any) -> Check:
    """Return the check of a whole as the check of one of its values."""
    return lambda value: check({**written, name: value})


def _matters(check: Check, changed: Any, message: str) -> bool:
    try:
        check(changed)
    except InvalidOption as error:
        return str(error) != message
    except TypeError:  # what was taken away is required, which says nothing
        return False
    return True


def _without(written: dict[Any, Any], place: Place) -> dict[Any, Any]:
    first, *rest = place
    left = {name: value for name, value in written.items() if name != first}
    return {**left, first: _without(written[first], tuple(rest))} if rest else left
