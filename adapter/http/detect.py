"""Which events are HTTP, and whose, told apart without loading what serves them.

https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
"""

from enum import Enum
from typing import Any


class Source(Enum):
    """What sent an HTTP event; the first three may take a stream, and are named for settings."""

    URL = "url"
    REST = "rest"
    HTTP_API = "http-api"
    HTTP_API_1_0 = "http-api-1.0"
    ALB = "alb"
    LATTICE_1 = "lattice-1"
    LATTICE_2 = "lattice-2"
    EDGE = "edge"


def is_http(event: Any) -> bool:
    """Whether an event is an HTTP request."""
    return source_of(event) is not None


def is_web_socket(event: Any) -> bool:
    """Whether an event is of a WebSocket API: only those have a connection with a kind of event."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    return isinstance(context, dict) and {"connectionId", "eventType"} <= context.keys()


def source_of(event: Any) -> Source | None:
    """Name what sent an HTTP event; None for any other JSON value."""
    if not isinstance(event, dict):
        return None
    context = event.get("requestContext")
    if isinstance(context, dict):
        return _by_context(event, context)
    if "raw_path" in event and "method" in event:
        return Source.LATTICE_1
    return Source.EDGE if _is_edge(event) else None


def _by_context(event: dict[str, Any], context: dict[str, Any]) -> Source | None:
    if event.get("type") == "REQUEST" and ("methodArn" in event or "routeArn" in event):
        return None  # what an authorizer is asked looks like the request itself
    if "elb" in context:
        return Source.ALB
    version = event.get("version")
    if version == "2.0":
        return _by_context_2_0(context)
    if "httpMethod" not in event:
        return None
    if version is None:
        return Source.REST
    return Source.HTTP_API_1_0 if version == "1.0" else None


def _by_context_2_0(context: dict[str, Any]) -> Source | None:
    if "serviceNetworkArn" in context or "targetGroupArn" in context:
        return Source.LATTICE_2
    if "http" not in context:
        return None
    return Source.URL if ".lambda-url." in str(context.get("domainName")) else Source.HTTP_API


def _is_edge(event: dict[str, Any]) -> bool:
    records = event.get("Records")
    if not (isinstance(records, list) and records and isinstance(records[0], dict)):
        return False
    found = records[0].get("cf")
    # An origin's response has its request beside it.
    return "cf" in records[0] and not (isinstance(found, dict) and "response" in found)
