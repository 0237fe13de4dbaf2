"""Checks of the values that users write. Each raises `InvalidOption`: what was found, what fits."""

import math

from adapter.errors import InvalidOption


def require_int(name: str, value: object, *, least: int, most: int | None = None) -> None:
    """Require a whole number, at least `least` and at most `most`."""
    fits = isinstance(value, int) and not isinstance(value, bool) and value >= least
    if not fits or (isinstance(value, int) and most is not None and value > most):
        limits = f", at least {least}" if most is None else f" from {least} to {most}"
        raise InvalidOption(f"{name}={value!r} must be a whole number{limits}.")


def require_number(name: str, value: object, *, unit: str = "", zero: bool = False) -> None:
    """Require a number above 0, or with `zero` no less than 0; `unit` is what it counts."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    limit = 0.0 if zero else math.ulp(0.0)
    if isinstance(value, (int, float)) and number and limit <= value < math.inf:
        return
    what = f"a number of {unit}" if unit else "a number"
    raise InvalidOption(f"{name}={value!r} must be {what}{', at least 0' if zero else ' above 0'}.")


def require_seconds(name: str, value: object, *, zero: bool = False) -> None:
    """Require a number of seconds above 0, or with `zero` no less than 0."""
    require_number(name, value, unit="seconds", zero=zero)


def require_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Require one of the values that there are."""
    if value not in choices:
        allowed = ", ".join(map(repr, choices))
        raise InvalidOption(f"{name}={value!r} must be one of {allowed}.")


def require_bool(name: str, value: object) -> None:
    """Require True or False."""
    if not isinstance(value, bool):
        raise InvalidOption(f"{name}={value!r} must be True or False.")


def require_text(name: str, value: object) -> None:
    """Require a string."""
    if not isinstance(value, str):
        raise InvalidOption(f"{name}={value!r} must be a string.")
