"""Events as AWS documents them, one file each; the values are made up.

The beginning of a file's name says what sends such an event.
"""

import json
from enum import Enum
from pathlib import Path
from typing import Any

EVENTS: dict[str, Any] = {
    file.stem: json.loads(file.read_text())
    for file in sorted((Path(__file__).parent / "events").glob("*.json"))
}


class Shape(Enum):
    """What the sender of an HTTP event reads as its answer."""

    PAYLOAD_2_0 = "payload 2.0"
    PAYLOAD_1_0 = "payload 1.0"
    ALB = "load balancer"
    LATTICE = "VPC Lattice"
    EDGE = "Lambda@Edge"


_SHAPES = {
    "http-api-2.0": Shape.PAYLOAD_2_0,
    "function-url": Shape.PAYLOAD_2_0,
    "http-api-1.0": Shape.PAYLOAD_1_0,
    "rest-": Shape.PAYLOAD_1_0,
    "alb": Shape.ALB,
    "lattice-": Shape.LATTICE,
    "edge-": Shape.EDGE,
}


def shape_of(name: str) -> Shape | None:
    """Return what the sender of a corpus event reads, None where it is no HTTP request."""
    if name == "edge-origin-response":  # it holds a request, and asks for something else
        return None
    return next((shape for start, shape in _SHAPES.items() if name.startswith(start)), None)


HTTP = [name for name in EVENTS if shape_of(name) is not None]
CALLS = [name for name in EVENTS if name.startswith("call-")]
SOCKETS = [name for name in EVENTS if name.startswith("websocket-")]
OTHER = [name for name in EVENTS if name not in {*HTTP, *CALLS, *SOCKETS, "warm-up"}]


def possible_shapes(event: Any) -> set[Shape]:
    """Return the shapes that may answer an event which need not be as AWS sends it."""
    if not isinstance(event, dict):
        return set()
    found = {Shape.LATTICE} if "raw_path" in event else set()
    records = event.get("Records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        found |= {Shape.EDGE} if "cf" in records[0] else set()
    context = event.get("requestContext")
    return found | _by_context(event, context) if isinstance(context, dict) else found


def _by_context(event: dict[str, Any], context: dict[str, Any]) -> set[Shape]:
    is_2_0 = event.get("version") == "2.0"
    of_lattice = {"serviceNetworkArn", "serviceArn", "targetGroupArn"}
    signs = {
        Shape.ALB: "elb" in context,
        Shape.PAYLOAD_2_0: is_2_0 and "http" in context,
        Shape.PAYLOAD_1_0: "httpMethod" in event,
        Shape.LATTICE: is_2_0 and not of_lattice.isdisjoint(context),
    }
    return {shape for shape, there in signs.items() if there}
