"""FastAPI's look for models of `pydantic.v1`, without executing it.

FastAPI refuses such models. To tell whether an annotation, or a value that it encodes, is one, it
imports `pydantic.v1`: some thirty modules that nobody else needs, for the first route already.
Where nobody else has imported them, nothing can be one of their models.
"""

import contextlib
import functools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import ModuleType

from adapter.runtime.deferred_modules import deferred_modules
from adapter.runtime.import_hook import Execute, executed_by

_CHECKS = ("is_pydantic_v1_model_class", "is_pydantic_v1_model_instance")


def unused_pydantic_v1() -> AbstractContextManager[None]:
    """Let FastAPI look only where `pydantic.v1` is in use, if FastAPI is imported meanwhile.

    A version of FastAPI that looks in another way is left as it is.
    """
    return executed_by(_execute, ["fastapi._compat.shared"])


def _execute(module: ModuleType, execute: Execute) -> None:
    execute(module)
    for name in _CHECKS:
        if callable(check := getattr(module, name, None)):
            setattr(module, name, _where_used(check))


def _where_used(check: Callable[[object], bool]) -> Callable[[object], bool]:
    @functools.wraps(check)
    def checked(value: object) -> bool:
        if "pydantic.v1" not in sys.modules:
            _bind()
        return "pydantic.v1.main" in sys.modules and check(value)

    return checked


def _bind() -> None:
    """Make `pydantic.v1` what it is after FastAPI's look: there, for who has imported pydantic."""
    with contextlib.suppress(ImportError), deferred_modules("pydantic.v1"):
        import pydantic.v1  # noqa: F401, PLC0415 - where FastAPI has imported pydantic
