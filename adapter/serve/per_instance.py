"""What a decorated method keeps for each instance of its class, as long as that lives."""

import asyncio
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class PerInstance(Generic[T]):
    """One value for each instance and event loop, made by `make` when it is first asked for.

    `decorator` is whose values they are, in an error.
    """

    def __init__(self, make: Callable[[], T], decorator: str) -> None:
        self._make = make
        self._decorator = decorator
        # By loop, then by the id of the instance: an instance need not be hashable.
        self._found: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, T]]
        self._found = weakref.WeakKeyDictionary()

    def of(self, instance: Any) -> T:
        """Return the value of an instance on the running loop; None is what has no instance.

        Raises TypeError for an instance whose end cannot be noticed.
        """
        values = self._found.setdefault(asyncio.get_running_loop(), {})
        if id(instance) not in values:
            if instance is not None:
                self._forget_with(instance, values)
            values[id(instance)] = self._make()
        return values[id(instance)]

    def here(self) -> list[T]:
        """Return the values of the running loop."""
        return list(self._found.get(asyncio.get_running_loop(), {}).values())

    def _forget_with(self, instance: Any, values: dict[int, T]) -> None:
        try:
            weakref.finalize(instance, values.pop, id(instance), None).atexit = False
        except TypeError as error:
            raise TypeError(
                f"{self._decorator} keeps something for each {type(instance).__name__} as long as "
                "that lives; add '__weakref__' to the class's __slots__.",
            ) from error
