"""What HTTP costs before it reaches a function, and on its way back."""

import math
from dataclasses import dataclass
from typing import Literal

from adapter.cost.prices import Prices

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
FREE_STREAMED_MB = 6
# https://aws.amazon.com/api-gateway/pricing/
REST_STREAMED_MB = 10
Front = Literal["HTTP API", "REST API", "URL", "none"]


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many requests come a month, and how many MB each answer streams (0: none)."""

    requests: float
    streamed_mb: float = 0.0


def front_cost(front: Front, traffic: Traffic, prices: Prices) -> float:
    """Return what the front charges; a function URL charges nothing."""
    millions = traffic.requests / 1e6
    if front == "HTTP API":
        return millions * prices.api_gateway.http_api_per_million
    if front == "REST API":
        parts = max(1, math.ceil(traffic.streamed_mb / REST_STREAMED_MB))
        return millions * parts * prices.api_gateway.rest_api_per_million
    return 0.0


def streaming_cost(traffic: Traffic, prices: Prices) -> float:
    """Return what Lambda charges for the bytes above the first 6 MB of each answer."""
    extra_mb = max(0.0, traffic.streamed_mb - FREE_STREAMED_MB)
    return traffic.requests * extra_mb / 1_024 * prices.lambda_.streamed_per_gb
