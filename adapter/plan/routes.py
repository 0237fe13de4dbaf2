"""The HTTP routes of an ingress, as people read them."""

import inspect
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from adapter.plan.streams import deployment_streams, route_streams
from adapter.plan.values import RoutePlan
from adapter.serve.ingresses import Ingress

_IMPLIED = frozenset({"HEAD", "OPTIONS"})


def ingress_routes(
    ingress: Ingress | None,
    func_or_class: Any,
    prefix: str,
    function: str,
) -> tuple[RoutePlan, ...]:
    """List the routes of a deployment's ingress.

    A factory is not called for it: it would run the user's set-up code where nobody expects it.
    """
    if ingress is None:
        streams = deployment_streams(func_or_class)
        return (_everything(prefix, function, streams=streams),)
    if ingress.is_factory or ingress.app is None:
        return (_everything(prefix, function),)
    owners = {f"{base.__module__}.{base.__qualname__}" for base in func_or_class.__mro__}
    return application_routes(ingress.app, prefix, function, owners)


def application_routes(
    app: Any,
    prefix: str,
    function: str,
    owners: Iterable[str] = (),
) -> tuple[RoutePlan, ...]:
    """List the documented routes of an ASGI application; those of other classes are left out."""
    found = [
        RoutePlan(
            methods=methods,
            path=_join(prefix, route.path),
            function=function,
            example=_example(route),
            query=_query(route),
            streams=route_streams(route),
        )
        for route in all_routes(app)
        if _is_listed(route, frozenset(owners)) and (methods := _methods(route))
    ]
    return tuple(found) or (_everything(prefix, function),)


def all_routes(app: Any) -> Iterator[Any]:
    """Yield the routes of an application, those of included routers too."""
    routes = getattr(app, "routes", ())
    if not any(hasattr(route, "original_router") for route in routes):
        yield from routes
        return
    from fastapi.routing import iter_route_contexts  # noqa: PLC0415 - the app is FastAPI's

    yield from iter_route_contexts(routes)


def _is_listed(route: Any, owners: frozenset[str]) -> bool:
    if not getattr(route, "include_in_schema", False) or not getattr(route, "path", None):
        return False
    owner = _owner(getattr(route, "endpoint", None))
    return owner is None or owner in owners


def _owner(endpoint: Any) -> str | None:
    """Return the class that a route's method was written in, None for a plain function."""
    if not inspect.isfunction(endpoint):
        return None
    name = endpoint.__qualname__.rpartition(".")[0]
    return None if not name or name.endswith("<locals>") else f"{endpoint.__module__}.{name}"


def _methods(route: Any) -> tuple[str, ...]:
    methods = set(getattr(route, "methods", None) or ())
    return tuple(sorted(methods - _IMPLIED or methods))


def _example(route: Any) -> str:
    """Write a JSON body from the examples that the user gave the fields of the body's model."""
    model = getattr(
        getattr(getattr(route, "body_field", None), "field_info", None), "annotation", None
    )
    fields = getattr(model, "model_fields", None) or {}
    values = {
        field.alias or name: field.examples[0]
        for name, field in fields.items()
        if field.examples and (field.is_required() or field.default is not None)
    }
    missing = [field for field in fields.values() if field.is_required() and not field.examples]
    if missing or not values:
        return ""
    try:
        return json.dumps(values, ensure_ascii=False)
    except (TypeError, ValueError):
        return ""


def _query(route: Any) -> str | None:
    """Write a query string with the parameters that a FastAPI route requires.

    None where one is of a kind that has no obvious sample, or where a header is required.
    """
    dependant = getattr(route, "dependant", None)
    headers = [*getattr(dependant, "header_params", ()), *getattr(dependant, "cookie_params", ())]
    if any(field.field_info.is_required() for field in headers):
        return None
    pairs = {}
    for field in getattr(dependant, "query_params", ()):
        if field.field_info.is_required() and field.name != "self":
            pairs[field.alias] = _sample(field.field_info)
    return None if None in pairs.values() else urlencode(pairs)


def _sample(info: Any) -> Any:
    samples = {str: "text", int: 1, float: 1.0, bool: "true"}
    return info.examples[0] if info.examples else samples.get(info.annotation)


def _everything(prefix: str, function: str, *, streams: bool = False) -> RoutePlan:
    return RoutePlan(
        methods=("ANY",),
        path=_join(prefix, "/{path}"),
        function=function,
        streams=streams,
    )


def _join(prefix: str, path: str) -> str:
    return path if prefix == "/" else f"{prefix}{path}"
