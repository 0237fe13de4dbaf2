"""FastAPI's models of OpenAPI, built when somebody asks for them and not when FastAPI is imported.

FastAPI describes OpenAPI documents with some thirty Pydantic models. To build their validators is
a sixth of importing it, and only `/openapi.json` needs them. Pydantic builds a model at its first
use where its configuration says so:
https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build
"""

from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

from adapter.runtime.import_hook import Execute, executed_by

_FRAMEWORK = "fastapi"


def deferred_models() -> AbstractContextManager[None]:
    """Defer the models of FastAPI, if it is imported in the meantime. The user's are not touched.

    A document is the same, whenever its models are built.
    """
    return executed_by(_defer, [_FRAMEWORK])


def _defer(module: ModuleType, execute: Execute) -> None:
    from pydantic import BaseModel  # noqa: PLC0415 - FastAPI imports it now, if nobody has

    config, rebuild = BaseModel.model_config, BaseModel.__dict__["model_rebuild"]

    def later(
        cls: type[BaseModel],
        /,
        _parent_namespace_depth: int = 2,
        **given: Any,
    ) -> bool | None:
        # FastAPI asks for what the first use does anyway; that use itself says more.
        if not given and cls.__module__.partition(".")[0] == _FRAMEWORK:
            return None
        depth = _parent_namespace_depth + 1  # where names are looked up, counted from this frame
        rebuilt: bool | None = rebuild.__func__(cls, _parent_namespace_depth=depth, **given)
        return rebuilt

    BaseModel.model_config = {**config, "defer_build": True}
    BaseModel.model_rebuild = classmethod(later)  # type: ignore[assignment, method-assign]  # for the import alone
    try:
        execute(module)
    finally:
        BaseModel.model_config = config
        BaseModel.model_rebuild = rebuild  # type: ignore[method-assign]  # the descriptor itself
