"""Functions that need packages which not every program installs."""

import functools
import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def require_packages(packages: Sequence[str]) -> Callable[[Function], Function]:
    """Make a function, plain or async, say which packages are missing when it is called.

    `packages` are names as they are imported: "PIL", not "pillow". Then a call raises ImportError.
    Raises ValueError for something that is no function.
    """

    def decorate(function: Function) -> Function:
        if not inspect.isroutine(function):
            raise ValueError(f"require_packages needs a function, not {function!r}.")
        make = _checked_async if inspect.iscoroutinefunction(function) else _checked
        checked: Any = functools.wraps(function)(make(function, packages))
        same_kind: Function = checked
        return same_kind

    return decorate


def _checked(function: Callable[..., Any], packages: Sequence[str]) -> Callable[..., Any]:
    def checked(*args: Any, **kwargs: Any) -> Any:
        _check(function, packages)
        return function(*args, **kwargs)

    return checked


def _checked_async(function: Callable[..., Any], packages: Sequence[str]) -> Callable[..., Any]:
    async def checked(*args: Any, **kwargs: Any) -> Any:
        _check(function, packages)
        return await function(*args, **kwargs)

    return checked


def _check(function: Callable[..., Any], packages: Sequence[str]) -> None:
    missing = [name for name in packages if not _is_there(name)]
    if missing:
        raise ImportError(
            f"{function.__name__} requires packages {list(packages)} to run but {missing} are "
            "missing. Please `pip install` them, and add them to the project's requirements.",
        )


def _is_there(package: str) -> bool:
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{package}.".startswith(f"{error.name}."):
            raise  # the package is there; it misses another one
        return False
    return True
