"""Modules of the standard library that are executed when something uses them, not when imported.

`importlib.util.LazyLoader` does not do here: it executes a module at its second import, because
Python looks at a module's `__spec__` then. This is done by what modules have of their own, a
function `__getattr__` that is asked for what is missing: https://peps.python.org/pep-0562/
"""

from contextlib import AbstractContextManager
from threading import RLock
from types import ModuleType
from typing import Any

from adapter.runtime.import_hook import Execute, executed_by


def deferred_modules(*names: str) -> AbstractContextManager[None]:
    """Defer modules that are imported in the meantime until one of their attributes is asked for.

    Only for modules whose execution has no effect elsewhere. Importing one that cannot be executed
    succeeds; what asks for an attribute gets the error then.
    """
    return executed_by(_defer, names)


def _defer(module: ModuleType, execute: Execute) -> None:
    lock = RLock()
    begun = False

    def __getattr__(name: str) -> Any:  # noqa: N807 - the name that PEP 562 gives it
        nonlocal begun
        # Another thread waits until the module is whole; the module's own code must not.
        with lock:
            if not begun:
                begun = True
                try:
                    execute(module)
                except BaseException:
                    begun = False
                    raise
                del module.__getattr__
        try:
            return vars(module)[name]
        except KeyError:
            text = f"module {module.__name__!r} has no attribute {name!r}"
            raise AttributeError(text, name=name, obj=module) from None

    module.__getattr__ = __getattr__  # type: ignore[method-assign]  # PEP 562
