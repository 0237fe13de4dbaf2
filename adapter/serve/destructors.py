"""Calling `__del__` when something is done with, as Ray Serve does, not when Python finds it.

Python never awaits one that is `async def`, and calls the others at a time of its own choice.
"""

import logging
from collections.abc import Callable
from typing import Any

logger = logging.getLogger("adapter.serve")


def take(thing: Any) -> Callable[[Any], Any] | None:
    """Return the `__del__` of an object, plain or async, to be called once; None for none.

    The object gets a class whose `__del__` does nothing, because Python will call that as well.
    """
    cls = type(thing)
    found: Callable[[Any], Any] | None = getattr(cls, "__del__", None)
    if found is None:
        return None
    harmless = {"__slots__": (), "__del__": lambda _thing: None}
    try:
        thing.__class__ = type(cls.__name__, (cls,), harmless)
    except Exception:  # also what the user's __init_subclass__ raises
        logger.debug("%s stays; its __del__ may be called twice", cls, exc_info=True)
    return found
