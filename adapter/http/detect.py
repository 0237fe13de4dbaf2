"""Which events are HTTP, told apart without loading what serves them.

https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
"""

from typing import Any


def is_http(event: Any) -> bool:
    """Whether an event comes from API Gateway, a function URL, a load balancer or CloudFront."""
    if not isinstance(event, dict):
        return False
    context = event.get("requestContext")
    if isinstance(context, dict):
        return "elb" in context or "http" in context or "httpMethod" in event
    return _is_edge(event)


def _is_edge(event: dict[str, Any]) -> bool:
    records = event.get("Records")
    return (
        isinstance(records, list)
        and bool(records)
        and isinstance(records[0], dict)
        and "cf" in records[0]
    )
