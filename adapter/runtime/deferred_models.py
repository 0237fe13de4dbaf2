"""FastAPI's models of OpenAPI, built when somebody asks for them and not when FastAPI is imported.

FastAPI describes OpenAPI documents with some thirty Pydantic models. To build their validators is
a seventh of importing it, and only `/openapi.json` needs them. Pydantic builds a model at its first
use where its configuration says so:
https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build
"""

from contextlib import AbstractContextManager
from types import ModuleType

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
        execute(module)
    finally:
        BaseModel.model_config = usual
    for model in vars(module).values():  # or what derives from them would be deferred, too
        if isinstance(model, type) and issubclass(model, BaseModel):
            model.model_config.pop("defer_build", None)
