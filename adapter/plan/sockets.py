"""How WebSockets reach an application: an API of API Gateway for each route, as a plan."""

import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote

from adapter.errors import PlanError
from adapter.plan.values import ApplicationPlan, SocketApiPlan, SocketRoute
from adapter.serve.lambda_options import LambdaOptions

_VARIABLE = "ADAPTER_SOCKETS"


def with_sockets(plan: ApplicationPlan, options: LambdaOptions) -> ApplicationPlan:
    """Give an application the WebSocket APIs of its routes. `options` are those of the ingress.

    Raises `PlanError` where the options ask for one and there is no route.
    """
    if plan.route_prefix is None or options.socket == "none":
        return plan
    prefix = plan.route_prefix.rstrip("/")
    paths = [f"{prefix}{path}" for path in options.socket_paths] or plan.socket_routes
    if not paths:
        _require_none(plan, options)
        return plan
    api = SocketApiPlan(
        routes=_routes(paths),
        public=options.socket == "public",
        chosen=options.socket is not None,
    )
    ingress = plan.function(plan.ingress)
    variables = {**ingress.environment, **_variables(api)}
    ingress = replace(ingress, environment=dict(sorted(variables.items())))
    others = (one for one in plan.functions if one.name != plan.ingress)
    return replace(
        plan,
        functions=(ingress, *others),
        socket_routes=tuple(dict.fromkeys(paths)),
        socket_api=api,
    )


def opened_sockets(plan: ApplicationPlan) -> ApplicationPlan:
    """Open the APIs to anybody, unless the program says who may connect."""
    if plan.socket_api is None or plan.socket_api.chosen:
        return plan
    return replace(plan, socket_api=replace(plan.socket_api, public=True))


def _require_none(plan: ApplicationPlan, options: LambdaOptions) -> None:
    if options.socket is not None:
        name = plan.function(plan.ingress).deployment
        raise PlanError(
            f"{name}: socket={options.socket!r}, but no WebSocket route is known. Those that a "
            'factory makes, or a mounted application has, are named: socket_paths=("/ws",).',
        )


def _routes(paths: Iterable[str]) -> tuple[SocketRoute, ...]:
    routes: dict[str, SocketRoute] = {}
    for path in dict.fromkeys(paths):
        stage = wanted = _stage(path)
        number = 2
        while stage.lower() in {found.lower() for found in routes}:
            stage, number = f"{wanted}{number}", number + 1
        routes[stage] = SocketRoute(path=path, stage=stage)
    return tuple(routes.values())


def _stage(path: str) -> str:
    """Name the stage of a route: `/chat/{room}` is `chatRoom`.

    SAM makes a part of CloudFormation ids of it, which have letters and digits only.
    """
    words: list[str] = re.findall(r"[A-Za-z0-9]+", path) or ["root"]
    first, *others = words
    return (first + "".join(word[:1].upper() + word[1:] for word in others))[:64]


def _variables(api: SocketApiPlan) -> dict[str, str]:
    """Tell the function what the stages are for; a path with parameters is the client's to name."""
    plain = [route for route in api.routes if "{" not in route.path]
    pairs = [f"{route.stage}={quote(route.path)}" for route in plain]
    return {_VARIABLE: ",".join(pairs)} if pairs else {}
