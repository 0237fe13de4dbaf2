"""FastAPI's models of OpenAPI, built when somebody asks for them and not when FastAPI is imported.

FastAPI describes OpenAPI documents with some thirty Pydantic models. To build their validators is
a third of importing it, and only `/openapi.json` needs them. Pydantic builds a model at its first
use where its configuration says so:
https://docs.pydantic.dev/latest/api/config/#pydantic.config.ConfigDict.defer_build
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_FRAMEWORK = "fastapi"


@contextlib.contextmanager
def deferred_models() -> Iterator[None]:
    """Defer the models of FastAPI, if it is imported in the meantime. The user's are not touched.

    A document is the same, whenever its models are built.
    """
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.leave()


class _Finder:
    """Finds FastAPI as it would be found without it, and defers models while it is imported."""

    def find_spec(
        self,
        name: str,
        _path: Sequence[str] | None = None,
        _target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if name != _FRAMEWORK:
            return None
        self.leave()
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            _wrap(spec.loader)
        return spec

    def leave(self) -> None:
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self)


def _wrap(loader: Any) -> None:
    """Let a loader, which is this one module's, defer models. It stays what it is for the rest."""
    usual: Callable[[ModuleType], None] = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        with _deferring():
            usual(module)

    loader.exec_module = exec_module


@contextlib.contextmanager
def _deferring() -> Iterator[None]:
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
        yield
    finally:
        BaseModel.model_config = config
        BaseModel.model_rebuild = rebuild  # type: ignore[method-assign]  # the descriptor itself
