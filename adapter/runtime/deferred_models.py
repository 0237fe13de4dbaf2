"""FastAPI's models of OpenAPI, built when somebody asks for them and not when FastAPI is imported.

FastAPI describes OpenAPI documents with some thirty Pydantic models. To build their validators is
a seventh of importing it, and only `/openapi.json` needs them. Pydantic builds a model at its first
use where its configuration says so:
https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build
"""

from contextlib import AbstractContextManager
from types import ModuleType

from adapter.runtime.import_hook import Execute, executed_by

_SINCE = (2, 14)


def deferred_models() -> AbstractContextManager[None]:
    """Defer those models, if FastAPI is imported in the meantime, and Pydantic is 2.14 or later.

    Before that, a model that was not built could not be written as part of another's `Any`, and
    threads that built one at once could find it half done.

    A document is the same, whenever its models are built. Models of the user are built where they
    are defined, also those that derive from FastAPI's: FastAPI reads their signatures, which models
    do not have before.
    """
    return executed_by(_defer, ["fastapi.openapi.models"])


def _defer(module: ModuleType, execute: Execute) -> None:
    from pydantic import VERSION, BaseModel  # noqa: PLC0415 - FastAPI has imported it

    if tuple(map(int, VERSION.split(".")[:2])) < _SINCE:
        execute(module)
        return
    usual = BaseModel.model_config
    BaseModel.model_config = {**usual, "defer_build": True}
    try:
        execute(module)
    finally:
        BaseModel.model_config = usual
    for model in vars(module).values():  # or what derives from them would be deferred, too
        if isinstance(model, type) and issubclass(model, BaseModel):
            model.model_config.pop("defer_build", None)
