"""`@serve.ingress`: which ASGI application a deployment class serves."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from adapter.errors import InvalidOption

T = TypeVar("T", bound=type)

_ATTRIBUTE = "__serve_ingress__"


class Ingress(NamedTuple):
    """What `@serve.ingress` was given: an ASGI object, a factory of one, or nothing.

    Nothing means that the class builds the application itself in `__serve_build_asgi_app__`.
    """

    app: Any = None
    is_factory: bool = False


class ASGIIngressDeployment:
    """The class that `serve.ingress(app)()` makes: it serves the application and nothing else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs


def ingress(app: Any = None) -> Callable[..., Any]:
    """Serve an ASGI application from a deployment class.

    `app` is an object (FastAPI, Starlette, any ASGI application), whose routes on methods of the
    class get `self`, or a function without arguments that makes one, called once per environment.
    Without a class, `serve.ingress(app)()` makes the default one, `ASGIIngressDeployment`.

    Raises `InvalidOption`, a ValueError, where the decorated thing is no class, has a `__call__`,
    or where `app` is None and the class has no `__serve_build_asgi_app__`.
    """
    marked = Ingress(app, is_factory=is_factory(app))

    def decorate(cls: T | None = None) -> T | type:
        if cls is None:
            return type(
                "ASGIIngressDeployment",
                (ASGIIngressDeployment,),
                {_ATTRIBUTE: marked, "__module__": ASGIIngressDeployment.__module__},
            )
        _require_ingress_class(cls, app)
        setattr(cls, _ATTRIBUTE, marked)
        return cls

    return decorate


def is_factory(app: Any) -> bool:
    """Whether `app` is a function that makes an application, not an application itself."""
    if not inspect.isfunction(app):
        return False
    required = [
        parameter
        for parameter in inspect.signature(app).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    return not required


def ingress_of(func_or_class: Any) -> Ingress | None:
    """Return what `@serve.ingress` attached to a class, None where it was not used."""
    found = getattr(func_or_class, _ATTRIBUTE, None)
    return found if isinstance(found, Ingress) else None


def _require_ingress_class(cls: Any, app: Any) -> None:
    if not inspect.isclass(cls):
        raise InvalidOption("@serve.ingress must be used with a class.")
    if any("__call__" in base.__dict__ for base in cls.__mro__):
        raise InvalidOption("Classes passed to @serve.ingress may not have __call__ method.")
    if app is None and not hasattr(cls, "__serve_build_asgi_app__"):
        raise InvalidOption(
            f"@serve.ingress() without an application needs {cls.__name__} to define "
            "__serve_build_asgi_app__.",
        )
