"""Finding the handler that `_HANDLER` names."""

import importlib
import sys
from collections.abc import Callable
from typing import Any

from adapter.errors import TargetError


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
    module = importlib.import_module(module_name.replace("/", "."))
    handler = getattr(module, attribute, None)
    if not callable(handler):
        raise TargetError(f"{module_name} ({module.__file__}) has no handler named {attribute!r}.")
    found: Callable[[Any, Any], Any] = handler
    return found
