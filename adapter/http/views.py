"""Class-based views: FastAPI routes that were written on the methods of a deployment class.

`@app.get("/")` inside a class body registers a function whose first parameter is `self`. Once the
instance exists, each such route is made anew with the method bound to it. Routes on methods of
other classes over the same application are left out; all other routes are shared.
"""

import copy
import inspect
import types
from collections.abc import Iterable, Iterator
from typing import Any

from adapter.errors import ServeError

_VIEW = "_adapter_view"


def bind_views(app: Any, instance: Any, *, shared: bool) -> Any:
    """Return `app` with the routes on methods of `instance` bound to it.

    An environment of Lambda holds one instance, so the application itself is changed: whatever
    else refers to it (custom OpenAPI functions, instrumentation) sees the bound routes. With
    `shared=True`, where several deployments of a process serve one application, a copy is.
    """
    router = getattr(app, "router", app)
    endpoints = list(_endpoints(getattr(router, "routes", None) or ()))
    for endpoint in endpoints:
        _refuse_without_self(endpoint, instance)
    if not any(map(_is_view, endpoints)):
        return app
    if shared:
        app = _detached(app)
        router = getattr(app, "router", app)
    router.routes[:] = _bound_routes(router.routes, instance, shared=shared)
    if hasattr(app, "openapi_schema"):
        app.openapi_schema = None
    return app


def _endpoints(routes: Iterable[Any]) -> Iterator[Any]:
    for route in routes:
        if (router := _included(route)) is not None:
            yield from _endpoints(router.routes)
        elif (mounted := _mounted(route)) is not None:
            yield from _endpoints(mounted.routes)
        else:
            yield _endpoint(route)


def _included(route: Any) -> Any:
    """Return the router behind an `include_router` node of FastAPI 0.137 and later."""
    return getattr(route, "original_router", None)


def _mounted(route: Any) -> Any:
    """Return the application behind `app.mount("/path", application)`, where it has routes."""
    app = getattr(route, "app", None)
    return app if hasattr(route, "routes") and hasattr(app, "routes") else None


def _endpoint(route: Any) -> Any:
    """Return the route's function, the unbound method where we have bound it before."""
    return getattr(route, _VIEW, None) or getattr(route, "endpoint", None)


def _is_view(endpoint: Any) -> bool:
    if not inspect.isfunction(endpoint):
        return False
    owner = endpoint.__qualname__.rpartition(".")[0]
    if not owner or owner.endswith("<locals>"):
        return False
    return next(iter(inspect.signature(endpoint).parameters), None) == "self"


def _bound_routes(routes: Iterable[Any], instance: Any, *, shared: bool) -> list[Any]:
    bound = (_bound_route(route, instance, shared=shared) for route in routes)
    return [route for route in bound if route is not None]


def _bound_route(route: Any, instance: Any, *, shared: bool) -> Any:
    if (router := _included(route)) is not None:
        if not any(map(_is_view, _endpoints(router.routes))):
            return route
        inner = _copied(router)
        inner.routes = _bound_routes(router.routes, instance, shared=shared)
        return type(route)(original_router=inner, include_context=route.include_context)
    if (mounted := _mounted(route)) is not None:
        bound = bind_views(mounted, instance, shared=shared)
        return route if bound is mounted else _remade(route, app=bound)
    endpoint = _endpoint(route)
    if not _is_view(endpoint):
        return route
    if not _belongs(endpoint, instance):
        return None
    remade = _remade(route, endpoint=types.MethodType(endpoint, instance))
    setattr(remade, _VIEW, endpoint)
    return remade


def _belongs(endpoint: Any, instance: Any) -> bool:
    owner = endpoint.__qualname__.rpartition(".")[0]
    return any(
        base.__module__ == endpoint.__module__ and base.__qualname__ == owner
        for base in type(instance).__mro__
    )


def _refuse_without_self(endpoint: Any, instance: Any) -> None:
    if (
        inspect.isfunction(endpoint)
        and _belongs(endpoint, instance)
        and not inspect.signature(endpoint).parameters
    ):
        raise ServeError(
            "Methods in FastAPI class-based view must have ``self`` as their first argument; "
            f"{endpoint.__qualname__} has none.",
        )


def _remade(route: Any, **changed: Any) -> Any:
    """Make a route of the same kind and settings: its constructor's parameters are attributes."""
    names = _parameters(type(route)) - {"self", *changed}
    settings = {name: getattr(route, name) for name in sorted(names) if hasattr(route, name)}
    return type(route)(**settings, **changed)


def _parameters(kind: Any) -> set[str]:
    """Name what a constructor takes, with what it passes on to its base as keywords."""
    names: set[str] = set()
    for base in kind.__mro__:
        parameters = inspect.signature(base.__init__).parameters.values()
        variable = {p.name for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
        names |= {parameter.name for parameter in parameters} - variable
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return names


def _detached(app: Any) -> Any:
    """Copy an application so far that its routes can differ from the original's."""
    detached = _copied(app)
    router = detached
    if hasattr(app, "router"):
        router = detached.router = _copied(app.router)
        detached.middleware_stack = None
    router.routes = list(router.routes)
    if router is not detached:
        _renew_documentation(detached)
    return detached


def _copied(original: Any) -> Any:
    """Copy an application or router; bound methods it keeps of itself become the copy's.

    A router keeps its own `app` so, and instrumentation replaces methods of an application so.
    """
    copied = copy.copy(original)
    for name, value in vars(original).items():
        if _is_method_of(original, value):
            setattr(copied, name, _method_of(copied, value))
    return copied


def _is_method_of(owner: Any, value: Any) -> bool:
    return inspect.ismethod(value) and value.__self__ is owner


def _method_of(copied: Any, method: types.MethodType) -> types.MethodType:
    """Return a method for the copy of its object.

    What replaces a method, as OpenTelemetry does, keeps the one before in its closure.
    """
    function: Any = method.__func__
    cells = getattr(function, "__closure__", None) or ()
    changed = tuple(_cell_of(copied, method.__self__, cell) for cell in cells)
    if any(new is not old for new, old in zip(changed, cells, strict=True)):
        remade = types.FunctionType(
            function.__code__,
            function.__globals__,
            function.__name__,
            function.__defaults__,
            changed,
        )
        remade.__kwdefaults__ = function.__kwdefaults__
        function = remade
    return types.MethodType(function, copied)


def _cell_of(copied: Any, original: Any, cell: types.CellType) -> types.CellType:
    try:
        content = cell.cell_contents
    except ValueError:  # empty
        return cell
    if not _is_method_of(original, content):
        return cell
    return types.CellType(_method_of(copied, content))


def _renew_documentation(app: Any) -> None:
    """Make FastAPI's own routes (/docs, /openapi.json) anew: they close over the original."""
    routes = app.router.routes
    own = [
        index
        for index, route in enumerate(routes)
        if getattr(_endpoint(route), "__qualname__", "").startswith("FastAPI.setup.<locals>.")
    ]
    if not own:
        return
    for index in reversed(own):
        del routes[index]
    count = len(routes)
    app.setup()
    routes[own[0] : own[0]] = [routes.pop() for _ in range(len(routes) - count)][::-1]
