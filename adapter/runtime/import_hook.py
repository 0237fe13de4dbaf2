"""A hook of the import system: some modules are executed in another way than Python's."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

Execute = Callable[[ModuleType], None]
Execution = Callable[[ModuleType, Execute], None]


@contextlib.contextmanager
def executed_by(execution: Execution, names: Sequence[str]) -> Iterator[None]:
    """Execute the modules `names`, if they are imported in the meantime, by `execution`.

    It is given the module, and the function that executes it as ever. Modules are found as they
    would be without it, and keep their loader; modules that are there already stay as they are.
    """
    finder = _Finder(execution, names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.leave()


class _Finder:
    def __init__(self, execution: Execution, names: Sequence[str]) -> None:
        self._execution = execution
        self._names = set(names)

    def find_spec(
        self,
        name: str,
        _path: Sequence[str] | None = None,
        _target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if name not in self._names:
            return None
        self._names.remove(name)  # the next line asks all finders, this one among them
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            self._wrap(spec.loader)
        return spec

    def _wrap(self, loader: Any) -> None:  # which is this one module's
        usual: Execute = loader.exec_module
        loader.exec_module = lambda module: self._execution(module, usual)

    def leave(self) -> None:
        with contextlib.suppress(ValueError):  # where somebody else has cleared the list
            sys.meta_path.remove(self)
