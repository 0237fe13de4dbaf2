"""Settings that a user writes as an instance or as a dict of its fields."""

from collections.abc import Collection, Mapping
from typing import Any, Self

from adapter.errors import InvalidOption, UnknownOption, did_you_mean


class Record:
    """Base class of settings, which are frozen dataclasses: a field that they do not have is named.

    Raises `UnknownOption` for it, with the field that may have been meant.
    """

    __slots__ = ()

    def __new__(cls, **values: Any) -> Self:
        refuse_unknown(cls.__name__, values, _fields(cls))
        return object.__new__(cls)

    @classmethod
    def of(cls, option: str, value: object) -> Self:
        """Take what the user wrote for `option`: an instance, or a dict of its fields.

        Raises `InvalidOption` for anything else, for unknown fields and for values out of range.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise InvalidOption(f"{option}={value!r} must be a dict or a value of {cls.__name__}.")
        refuse_unknown(option, value, _fields(cls))
        return cls(**value)


def _fields(cls: Any) -> Collection[str]:
    return frozenset(cls.__dataclass_fields__)


def refuse_unknown(where: str, written: Collection[Any], known: Collection[str]) -> None:
    """Raise `UnknownOption` for the first name that is written but not known."""
    unknown = sorted(str(name) for name in written if name not in known)
    if not unknown:
        return
    hint = did_you_mean(unknown[0], known) or f" Known are {', '.join(sorted(known))}."
    raise UnknownOption(f"{where} has no option {unknown[0]!r}.{hint}")
