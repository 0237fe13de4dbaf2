"""Functions that run on when nobody waits for them any longer, and are billed for it."""

from collections.abc import Iterator

from adapter.check.stack import Resource, Stack, mapping, number, reference
from adapter.check.values import Fault

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
HTTP_API_S = 30
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
REST_API_S = 29
_DEFAULT_S = 3  # of a function that says nothing
_VISIBLE_S = 30  # of a queue that says nothing


def beyond_gateway(stack: Stack) -> Iterator[Fault]:
    """API Gateway answers with an error of its own when it has waited long enough."""
    for function in stack.functions:
        timeout = _timeout(function)
        limits = [found for event in _events(function) if (found := _limit(event))]
        for front, waits in sorted(set(limits), key=lambda one: one[1]):
            if timeout > waits:
                yield Fault(
                    function.where,
                    f"timeout_s={timeout}, but {front} waits {waits} s for an answer; what takes "
                    "longer is an error for the client and runs on, billed.",
                    f"Set timeout_s={waits} or less, or take a streaming URL or a REST API that "
                    "streams, which wait 15 minutes.",
                    function.logical_id,
                )
                break


def beyond_queue(stack: Stack) -> Iterator[Fault]:
    """A message that appears again while it is handled is handled twice, so Lambda refuses.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """
    queues = {one.logical_id: one.properties for one in stack.of("AWS::SQS::Queue")}
    for function in stack.functions:
        timeout = _timeout(function)
        for kind, found in _events(function):
            name = reference(mapping(found).get("Queue")) if kind == "SQS" else None
            if name not in queues:
                continue
            visible = number(queues[name].get("VisibilityTimeout", _VISIBLE_S))
            if 0 < visible < timeout:
                yield Fault(
                    function.where,
                    f"timeout_s={timeout}, but messages of {name} appear again after {visible} s; "
                    "Lambda refuses the subscription.",
                    f"Set VisibilityTimeout of {name} to {6 * timeout}, six times the timeout, as "
                    "AWS advises.",
                    function.logical_id,
                )


def callee_beyond_caller(stack: Stack) -> Iterator[Fault]:
    """A caller that has ended does not read the answer; what it has called runs on."""
    functions = {function.name: function for function in stack.plan.functions}
    for caller in stack.plan.functions:
        for name in caller.calls:
            callee = functions.get(name)
            if callee is not None and callee.timeout_s > caller.timeout_s:
                yield Fault(
                    stack.name(caller),
                    f"ends after {caller.timeout_s} s, and {stack.name(callee)}, which it calls, "
                    f"after {callee.timeout_s} s; the rest is billed for nobody.",
                    f"Give {stack.name(caller)} the longer timeout_s, or {stack.name(callee)} the "
                    "shorter one.",
                    caller.logical_id,
                )


def _timeout(function: Resource) -> int:
    return number(function.properties.get("Timeout")) or _DEFAULT_S


def _events(function: Resource) -> Iterator[tuple[str, object]]:
    for event in mapping(function.properties.get("Events")).values():
        yield str(mapping(event).get("Type", "")), mapping(event).get("Properties")


def _limit(event: tuple[str, object]) -> tuple[str, int] | None:
    """Return what waits for a function and how many seconds; None where nothing does."""
    kind, found = event
    properties = mapping(found)
    if kind == "HttpApi":
        return "an HTTP API", HTTP_API_S
    if kind != "Api" or properties.get("ResponseTransferMode") == "RESPONSE_STREAM":
        return None
    chosen = number(properties.get("TimeoutInMillis"))  # the quota can be raised for Regional APIs
    return "a REST API that buffers", (chosen // 1000) or REST_API_S
