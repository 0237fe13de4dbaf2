"""FastAPI's models of OpenAPI, built when somebody asks for them and not when FastAPI is imported.

FastAPI describes OpenAPI documents with some thirty Pydantic models. To build their validators is
a seventh of importing it, and only `/openapi.json` needs them. Pydantic builds a model at its first
use where its configuration says so:
https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build
"""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

from adapter.runtime.import_hook import Execute, executed_by


def deferred_models() -> AbstractContextManager[None]:
    """Defer those models, if FastAPI is imported in the meantime.

    A document is the same, whenever its models are built. Models of the user are built where they
    are defined, also those that derive from FastAPI's: FastAPI reads their signatures, which models
    do not have before.
    """
    return executed_by(_defer, ["fastapi.openapi.models"])


def _defer(module: ModuleType, execute: Execute) -> None:
    from pydantic import BaseModel  # noqa: PLC0415 - FastAPI has imported it

    usual = BaseModel.model_config
    BaseModel.model_config = {**usual, "defer_build": True}
    try:
        with _no_rebuild(BaseModel, module.__name__) as incomplete:
            execute(module)
    finally:
        BaseModel.model_config = usual
    for model in vars(module).values():  # or what derives from them would be deferred, too
        if isinstance(model, type) and issubclass(model, BaseModel):
            model.model_config.pop("defer_build", None)
    for model in incomplete:
        _complete_for_subclasses(model)


@contextlib.contextmanager
def _no_rebuild(base: Any, module: str) -> Iterator[list[Any]]:
    """Leave out `model_rebuild` of a module's models; yields those that asked for it.

    They have fields of a type that was not there yet when they were defined.
    """
    rebuild: Any = vars(base)["model_rebuild"]
    asked: list[Any] = []

    def rebuild_later(model: Any, /, **given: Any) -> Any:
        if model.__module__ == module:
            return asked.append(model)
        # A model of another thread's. Types are looked up in the frame of whoever asks.
        depth = given.pop("_parent_namespace_depth", 2) + 1
        return rebuild.__get__(None, model)(_parent_namespace_depth=depth, **given)

    base.model_rebuild = classmethod(rebuild_later)
    try:
        yield asked
    finally:
        base.model_rebuild = rebuild


def _complete_for_subclasses(model: Any) -> None:
    """Complete a model when the first other one derives from it.

    That one has its fields, but would look for their types in its own module.
    """

    def complete(derived: Any, /, **given: Any) -> None:
        model.model_rebuild()
        with contextlib.suppress(AttributeError):  # another thread was first
            del model.__init_subclass__
        super(model, derived).__init_subclass__(**given)

    model.__init_subclass__ = classmethod(complete)
