"""`DAGDriver`: an ingress that gives what an HTTP request brings to a deployment, or to a graph.

    app = DAGDriver.bind(Model.bind(), http_adapter=json_request)

The older form of Ray Serve, which dropped it in 2.9; today it is a class with `@serve.ingress`.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from adapter.dag import GraphHandle
from adapter.errors import InvalidOption, ServeError
from adapter.serve import older
from adapter.serve.deployments import Application, Deployment
from adapter.serve.handles import DeploymentHandle
from adapter.serve.ingresses import ingress
from adapter.serve.nodes import MethodNode
from adapter.serve.options import DeploymentOptions

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.responses import Response

__all__ = ["DAGDriver", "load_http_adapter"]

_GRAPHS = (Application, MethodNode, DeploymentHandle, GraphHandle)


@ingress()
class Driver:
    """What a `DAGDriver` is in its function. `DAGDriver.bind` says what its parameters are."""

    MATCH_ALL_ROUTE_PREFIX = "/{path:path}"

    def __init__(self, dags: Any, http_adapter: Any = None) -> None:
        self.dags: Mapping[str, Any] = dags
        if not isinstance(dags, Mapping):
            self.dags = {self.MATCH_ALL_ROUTE_PREFIX: dags}
        self._http_adapter = load_http_adapter(http_adapter)
        self._outputs: dict[str, Any] | None = None

    def __serve_build_asgi_app__(self) -> "FastAPI":
        """Make the application whose every route takes GET and POST."""
        from fastapi import FastAPI  # noqa: PLC0415 - HTTP only

        app = FastAPI()
        for route in self.dags:
            endpoint = self._endpoint(route)
            app.post(route, response_model=None)(endpoint)
            app.get(route, response_model=None)(endpoint)
        return app

    def _endpoint(self, route: str) -> Callable[..., Any]:
        from fastapi import Depends  # noqa: PLC0415 - HTTP only

        argument = Depends(self._http_adapter)

        async def handle_request(inp: Any = argument) -> Any:
            return _response(await self.predict_with_route(route, inp))

        return handle_request

    async def predict(self, *args: Any, _ray_cache_refs: bool = False, **kwargs: Any) -> Any:
        """Call the only graph, without HTTP, and return its result.

        `_ray_cache_refs=True` keeps the results of its steps for `get_intermediate_object_refs`.
        """
        if self.MATCH_ALL_ROUTE_PREFIX not in self.dags:
            raise ServeError(
                "this DAGDriver has several routes; call predict_with_route(route, ...) with one "
                f"of {list(self.dags)}.",
            )
        graph = self.dags[self.MATCH_ALL_ROUTE_PREFIX]
        if not isinstance(graph, GraphHandle):
            return await graph.remote(*args, **kwargs)
        outputs = await graph.outputs(*args, **kwargs)
        if _ray_cache_refs:
            self._outputs = _named(graph, outputs)
        elif self._outputs is None:
            self._outputs = {}
        return outputs[-1]

    async def predict_with_route(self, route_path: str, *args: Any, **kwargs: Any) -> Any:
        """Call the graph of a route, without HTTP, and return its result.

        Raises `ServeError` where there is no such route.
        """
        if route_path not in self.dags:
            raise ServeError(f"{route_path} does not exist in dags routes")
        return await self.dags[route_path].remote(*args, **kwargs)

    async def get_intermediate_object_refs(self) -> dict[str, Any]:
        """Return the results of the steps of the last `predict(..., _ray_cache_refs=True)`.

        Its keys are the names of the deployments and methods, "Model.forward", the further ones of
        a name "Model.forward_1" and so on. They are kept in the environment that served the call:
        on Lambda another one may get the next.
        """
        if self._outputs is None:
            raise AssertionError(
                "Predict has not been called. Cannot retrieve intermediate object refs.",
            )
        return self._outputs


def _named(graph: GraphHandle, outputs: Sequence[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for step, output in zip(graph.steps, outputs, strict=True):
        name, number = step.name, 0
        while name in named:
            number += 1
            name = f"{step.name}_{number}"
        named[name] = output
    return named


def _response(result: Any) -> "Response":
    """Write a result as FastAPI does, and NumPy's values as lists and numbers."""
    from fastapi.encoders import jsonable_encoder  # noqa: PLC0415 - HTTP only
    from fastapi.responses import JSONResponse  # noqa: PLC0415 - HTTP only

    return JSONResponse(jsonable_encoder(result, custom_encoder=_encoders()))


def _encoders() -> dict[Any, Callable[[Any], Any]]:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return {}  # no result can hold its values
    return {numpy.ndarray: numpy.ndarray.tolist, numpy.generic: numpy.generic.item}


class DriverDeployment(Deployment[Any]):
    """An ingress that gives what an HTTP request brings to a deployment, or to a graph of them.

    `DAGDriver` is the one there is; `DAGDriver.options(...)` makes others of it.
    """

    def options(self, *args: Any, **options: Any) -> "DriverDeployment":
        """See `Deployment.options`."""
        changed = super().options(*args, **options)
        return DriverDeployment(changed.func_or_class, changed.settings)

    def bind(self, dags: Any, http_adapter: Any = None) -> Application[Any]:
        """Bind what the driver calls, and what makes its argument of a request.

        `dags` is a bound deployment, a graph, or a dict with one for each route, "/a" or
        "/a/{b}". A single one is reached at every path. GET and POST are served.

        `http_adapter` is a function whose parameters FastAPI fills in, by their annotations, a
        Pydantic model that the body must be of, or the dotted name of one of both, which is
        imported now. Without it the argument is the `starlette.requests.Request` itself.

        Raises `InvalidOption`, a ValueError, for anything else, and what the import raises.
        """
        older.say("DAGDriver", "a class with @serve.ingress(FastAPI()) that calls handles")
        _check(dags)
        adapter = _imported(http_adapter)
        load_http_adapter(adapter)
        arguments = {} if adapter is None else {"http_adapter": adapter}
        return Application(self, (dags,), arguments)


def _check(dags: Any) -> None:
    routes = dags if isinstance(dags, Mapping) else {"/": dags}
    for route, graph in routes.items():
        if not isinstance(route, str) or not route.startswith("/"):
            raise InvalidOption(f"DAGDriver: the route {route!r} must start with '/', like '/a'.")
        if not isinstance(graph, _GRAPHS):
            raise InvalidOption(
                f"DAGDriver calls a bound deployment or a graph, for example Model.bind() or "
                f"Model.bind().predict.bind(request), not {graph!r:.200}.",
            )


def load_http_adapter(http_adapter: Any) -> Callable[..., Any]:
    """Return the function that an `http_adapter` names, is, or, of a Pydantic model, stands for.

    Raises `InvalidOption`, a ValueError, where it is none or has a parameter without annotation.
    """
    from adapter import http_adapters  # noqa: PLC0415 - for who has a driver

    found = http_adapters.starlette_request if http_adapter is None else _imported(http_adapter)
    if inspect.isclass(found) and hasattr(found, "model_validate"):
        found = _of_model(found)
    if not inspect.isfunction(found):
        raise InvalidOption("input schema must be a callable function or pydantic model class.")
    parameters = inspect.signature(found).parameters.values()
    if any(parameter.annotation is parameter.empty for parameter in parameters):
        raise InvalidOption("input schema function's signature should be type annotated.")
    return found


def _of_model(model: Any) -> Callable[..., Any]:
    from fastapi import Body  # noqa: PLC0415 - HTTP only

    body = Body()

    def http_adapter(inp: Any = body) -> Any:
        return inp

    http_adapter.__annotations__["inp"] = model
    return http_adapter


def _imported(http_adapter: Any) -> Any:
    """Import what a dotted name names: "module.function" or "module:function"."""
    if not isinstance(http_adapter, str):
        return http_adapter
    separator = ":" if ":" in http_adapter else "."
    module, _, name = http_adapter.rpartition(separator)
    if not module or not name:
        raise InvalidOption(
            f"http_adapter={http_adapter!r} must have the form module.function, for example "
            "'adapter.http_adapters.json_request'.",
        )
    return getattr(importlib.import_module(module), name)


DAGDriver = DriverDeployment(Driver, DeploymentOptions(name="DAGDriver"))
