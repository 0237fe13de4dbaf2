"""Routes that their front cannot carry."""

from collections.abc import Iterator

from adapter.check.stack import Resource, Stack, mapping, reference
from adapter.check.values import Fault
from adapter.plan.values import ApplicationPlan, FunctionPlan

_SHOWN = 3


def buffered_streams(stack: Stack) -> Iterator[Fault]:
    """An HTTP API collects a stream, up to 6 MB, and sends it as one answer."""
    for plan in stack.plan.applications:
        ingress = plan.function(plan.ingress)
        routes = [f"{'/'.join(one.methods)} {one.path}" for one in plan.routes if one.streams]
        if routes and _only_buffers(stack, ingress):
            first = "Give it" if ingress.exec_wrapper else "Remove exec_wrapper=False, and give it"
            yield Fault(
                stack.name(ingress),
                f"{_listed(routes)} can stream, and no front of it does: clients get everything at "
                "the end, at most 6 MB.",
                f'{first} LambdaOptions(url="stream"), or api="rest".',
                ingress.logical_id,
            )


def web_sockets(stack: Stack) -> Iterator[Fault]:
    """Only a WebSocket API opens connections."""
    if any(stack.of("AWS::Serverless::WebSocketApi")) or _socket_api(stack):
        return
    for plan in stack.plan.applications:
        if plan.socket_routes:
            yield Fault(
                _named(stack, plan),
                f"{_listed(list(plan.socket_routes))} wants WebSocket connections, and the stack "
                "has no WebSocket API.",
                'Give it one: socket="private" or "public". Silence this where nobody connects.',
                plan.function(plan.ingress).logical_id,
            )


def socket_parameters(stack: Stack) -> Iterator[Fault]:
    """Only the environment that opened a connection knows what the parameters of its path are."""
    for plan in stack.plan.applications:
        function = plan.function(plan.ingress)
        paths = [path for path in plan.socket_routes if "{" in path]
        if paths and plan.socket_api is not None and function.concurrency.maximum != 1:
            yield Fault(
                _named(stack, plan),
                f"{_listed(paths)} has parameters, and a message that reaches another environment "
                "than the one which opened the connection ends it.",
                "Take the parameter from the first message, or keep to one environment: "
                "num_replicas=1, or max_replicas=1.",
                function.logical_id,
            )


def cors_twice(stack: Stack) -> Iterator[Fault]:
    """Browsers refuse an answer that allows an origin twice."""
    apis = {api.logical_id: api for api in stack.of("AWS::Serverless::HttpApi")}
    for function in stack.functions:
        plan = function.plan
        if plan is None or not plan.is_ingress:
            continue
        events = mapping(function.properties.get("Events")).values()
        names = (reference(mapping(mapping(one).get("Properties")).get("ApiId")) for one in events)
        fronts = [apis[name].properties.get("CorsConfiguration") for name in names if name in apis]
        fronts.append(mapping(function.properties.get("FunctionUrlConfig")).get("Cors"))
        if stack.plan.application(plan.application).own_cors and any(fronts):
            yield Fault(
                function.where,
                "the application and its gateway both write CORS headers; browsers refuse that.",
                "Leave it to one of them: remove CORSMiddleware, or cors.",
                function.logical_id,
            )


def _socket_api(stack: Stack) -> bool:
    apis = stack.of("AWS::ApiGatewayV2::Api")
    return any(api.properties.get("ProtocolType") == "WEBSOCKET" for api in apis)


def _named(stack: Stack, plan: ApplicationPlan) -> str:
    return stack.name(plan.function(plan.ingress))


def _only_buffers(stack: Stack, function: FunctionPlan) -> bool:
    """Whether HTTP reaches a function, and neither its URL nor an API of it streams."""
    modes = [
        mode
        for resource in stack.functions
        if resource.logical_id == function.logical_id
        for mode in _modes(resource)
    ]
    return bool(modes) and "RESPONSE_STREAM" not in modes


def _modes(function: Resource) -> Iterator[str]:
    """Yield how each front of a function answers."""
    if url := mapping(function.properties.get("FunctionUrlConfig")):
        yield str(url.get("InvokeMode", "BUFFERED"))
    for event in mapping(function.properties.get("Events")).values():
        if mapping(event).get("Type") in {"Api", "HttpApi"}:
            written = mapping(mapping(event).get("Properties"))
            yield str(written.get("ResponseTransferMode", "BUFFERED"))


def _listed(routes: list[str]) -> str:
    more = f" and {len(routes) - _SHOWN} more" if len(routes) > _SHOWN else ""
    return ", ".join(routes[:_SHOWN]) + more
