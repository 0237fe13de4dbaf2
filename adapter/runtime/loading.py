"""Finding the handler that `_HANDLER` names."""

import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from adapter.errors import TargetError
from adapter.runtime.deferred_models import deferred_models
from adapter.runtime.init_type import delays_an_invocation
from adapter.runtime.pydantic_v1 import unused_pydantic_v1

_NEW_OBJECTS = 50_000  # until garbage is looked for while modules are imported; usual are 700


def load_handler(name: str, task_root: str) -> Callable[[Any, Any], Any]:
    """Import `module.attribute` (or `folder/module.attribute`) from the function's folder.

    Raises `TargetError` where the name has no attribute, names none or nothing callable, and
    whatever importing the module raises.
    """
    module_name, separator, attribute = name.rpartition(".")
    if not separator:
        raise TargetError(f"_HANDLER={name!r} must have the form module.attribute.")
    if task_root and task_root not in sys.path:
        sys.path.insert(0, task_root)
    models = deferred_models() if delays_an_invocation(os.environ) else contextlib.nullcontext()
    with _few_collections(), models, unused_pydantic_v1():
        module = importlib.import_module(module_name.replace("/", "."))
    handler = getattr(module, attribute, None)
    if not callable(handler):
        raise TargetError(f"{module_name} ({module.__file__}) has no handler named {attribute!r}.")
    found: Callable[[Any, Any], Any] = handler
    return found


@contextlib.contextmanager
def _few_collections() -> Iterator[None]:
    """Look for garbage less often: what imports make stays, and looking takes 5 % of a cold start.

    What a module sets itself counts.
    """
    usual = gc.get_threshold()
    rare = (_NEW_OBJECTS, *usual[1:])
    gc.set_threshold(*rare)
    try:
        yield
    finally:
        if gc.get_threshold() == rare:
            gc.set_threshold(*usual)
