"""A hook of the import system: some modules are executed in another way than Python's."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, cast

Execute = Callable[[ModuleType], None]
Execution = Callable[[ModuleType, Execute], object]


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
        self._names.discard(name)  # the next line asks all finders, this one among them
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = cast("Any", _Loader(spec.loader, self._execution))
        return spec

    def leave(self) -> None:
        with contextlib.suppress(ValueError):  # where somebody else has cleared the list
            sys.meta_path.remove(self)


class _Loader:
    """Stands in for a loader until its module is executed.

    The loader itself may be that of other modules as well, as an archive's is, or somebody's proxy.
    """

    def __init__(self, loader: Any, execution: Execution) -> None:
        self._loader = loader
        self._execution = execution

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        found: ModuleType | None = self._loader.create_module(spec)
        return found

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._execution(module, self._loader.exec_module)
