"""`@serve.ingress`: which ASGI application a deployment class serves."""

import inspect
from typing import Any, NamedTuple, Protocol, overload

from adapter.errors import InvalidOption
from adapter.serve.type_variables import Class

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


class IngressDecorator(Protocol):
    """What `serve.ingress(app)` returns: a decorator of classes that can also make a class."""

    @overload
    def __call__(self, cls: None = None) -> type[ASGIIngressDeployment]: ...
    @overload
    def __call__(self, cls: Class) -> Class: ...


def ingress(app: Any = None) -> IngressDecorator:
    """Serve an ASGI application from a deployment class.

    `app` is an object (FastAPI, Starlette, any ASGI application), whose routes on methods of the
    class get `self`, or a function without arguments that makes one, called once per environment
    after the constructor. It may be `async def`. Any other object is an application, also one that
    could be called without arguments, such as a `functools.partial`.
    Without a class, `serve.ingress(app)()` makes the default one, `ASGIIngressDeployment`.

    Raises `InvalidOption`, a ValueError, where the decorated thing is no class, has a `__call__`,
    where `app` is None and the class has no `__serve_build_asgi_app__`, and where `app` is neither
    an application nor a function without required parameters.
    """
    _require_application(app)
    marked = Ingress(app, is_factory=is_factory(app))

    def decorate(cls: Any = None) -> Any:
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
    return inspect.isfunction(app) and not _required(app)


def _required(function: Any) -> list[inspect.Parameter]:
    return [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def _require_application(app: Any) -> None:
    """Ray Serve calls any function without arguments, and fails when the deployment starts."""
    if app is None or is_factory(app):
        return
    if inspect.isfunction(app) and not _takes_asgi(app):
        needs = ", ".join(parameter.name for parameter in _required(app))
        raise InvalidOption(
            f"@serve.ingress calls {app.__qualname__} without arguments, to make an application, "
            f"but it needs: {needs}. Give them defaults, or wrap it: "
            f"serve.ingress(lambda: {app.__name__}(...)).",
        )
    if not callable(app):
        raise InvalidOption(
            f"@serve.ingress needs an ASGI application, or a function that makes one, not {app!r}.",
        )


def _takes_asgi(function: Any) -> bool:
    """Whether a function is an application: it takes scope, receive and send."""
    try:
        inspect.signature(function).bind("scope", "receive", "send")
    except TypeError:
        return False
    return True


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
