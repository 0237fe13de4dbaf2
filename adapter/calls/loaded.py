"""The classes of this process by name: looked up, never imported.

What arrives over the wire names classes, of errors and of models. Such a name must not make
anything happen: a module that is not loaded is not found, and nothing that could run code is asked
on the way, neither a module's `__getattr__` nor a descriptor. A class that was defined inside a
function has no place to be found at.
"""

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

_class_namespace = vars(type)["__dict__"].__get__


def loaded_class(module: object, qualname: object) -> type[Any] | None:
    """Return the class that a loaded module holds under a name, None where it holds none."""
    if not isinstance(module, str) or not isinstance(qualname, str):
        return None
    found: Any = sys.modules.get(module)
    if not issubclass(type(found), ModuleType):
        return None
    # Of object: a lazy module's own way to its namespace loads it.
    namespace: Mapping[str, Any] = object.__getattribute__(found, "__dict__")
    for name in qualname.split("."):
        found = namespace.get(name)
        if not issubclass(type(found), type):  # `isinstance` would ask the value itself
            return None
        namespace = _class_namespace(found)
    kind: type[Any] = found
    return kind


def name_of(kind: type[Any]) -> tuple[str, str] | None:
    """Return module and qualified name of a class that can be found by them, else None."""
    module, qualname = kind.__module__, kind.__qualname__
    return (module, qualname) if loaded_class(module, qualname) is kind else None
