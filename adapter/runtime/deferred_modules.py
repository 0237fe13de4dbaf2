"""Modules of the standard library that are executed when something uses them, not when imported.

`importlib.util.LazyLoader` does not do here: it executes a module at its second import, because
Python looks at a module's `__spec__` then. This is done by what modules have of their own, a
function `__getattr__` that is asked for what is missing: https://peps.python.org/pep-0562/
"""

from contextlib import AbstractContextManager
from os import register_at_fork
from threading import RLock
from types import ModuleType
from typing import Any

from adapter.runtime.import_hook import Execute, executed_by


def deferred_modules(*names: str) -> AbstractContextManager[None]:
    """Defer modules that are imported in the meantime until one of their attributes is asked for.

    Only for modules whose execution has no effect elsewhere. Importing one that cannot be executed
    succeeds; what asks for an attribute gets the error then.
    """
    return executed_by(_Deferred, names)


class _Deferred:
    """A module that was imported and not executed."""

    def __init__(self, module: ModuleType, execute: Execute) -> None:
        self._module = module
        self._execute = execute
        module.__getattr__ = self._get  # type: ignore[method-assign]  # PEP 562
        module.__dir__ = self._dir  # type: ignore[method-assign]  # PEP 562
        self._empty = frozenset(vars(module))
        self._forget_threads()
        register_at_fork(after_in_child=self._forget_threads)

    def _forget_threads(self) -> None:
        """Begin anew: a child of a fork does not have the thread that was executing the module."""
        self._lock = RLock()
        self._begun = False

    def _get(self, name: str) -> Any:
        # Another thread waits until the module is whole; the module's own code must not.
        with self._lock:
            if not self._begun:
                self._complete()
        try:
            return vars(self._module)[name]
        except KeyError:
            text = f"module {self._module.__name__!r} has no attribute {name!r}"
            raise AttributeError(text, name=name, obj=self._module) from None

    def _dir(self) -> list[str]:
        getattr(self._module, "__all__", None)
        return sorted(vars(self._module))

    def _complete(self) -> None:
        known = vars(self._module)
        patches = {name: value for name, value in known.items() if name not in self._empty}
        self._begun = True
        try:
            self._execute(self._module)
        except BaseException:
            self._begun = False
            raise
        known.update(patches)  # what others have set on it before
        del known["__getattr__"], known["__dir__"]
