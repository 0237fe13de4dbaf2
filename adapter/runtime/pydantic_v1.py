"""FastAPI's look for models of `pydantic.v1`, without importing it.

FastAPI refuses such models. To tell whether an annotation, or a value that it encodes, is one, it
imports `pydantic.v1`: some thirty modules that nobody else needs, for the first route already.
Where nobody has imported it, nothing can be one of its models.
"""

import functools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import ModuleType

from adapter.runtime.import_hook import Execute, executed_by

_CHECKS = ("is_pydantic_v1_model_class", "is_pydantic_v1_model_instance")


def unloaded_pydantic_v1() -> AbstractContextManager[None]:
    """Let FastAPI look only where `pydantic.v1` is loaded, if FastAPI is imported meanwhile.

    A version of FastAPI that looks in another way is left as it is.
    """
    return executed_by(_execute, ["fastapi._compat.shared"])


def _execute(module: ModuleType, execute: Execute) -> None:
    execute(module)
    for name in _CHECKS:
        if callable(check := getattr(module, name, None)):
            setattr(module, name, _where_loaded(check))


def _where_loaded(check: Callable[[object], bool]) -> Callable[[object], bool]:
    @functools.wraps(check)
    def checked(value: object) -> bool:
        return "pydantic.v1" in sys.modules and check(value)

    return checked
