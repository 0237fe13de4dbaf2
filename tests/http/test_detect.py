from typing import Any

import pytest

from adapter.http.detect import is_http
from tests import events

EDGE: dict[str, Any] = {"Records": [{"cf": {"request": {}}}]}


@pytest.mark.parametrize(
    "event",
    [
        events.http_api(),
        events.function_url(),
        events.rest_v1(),
        {**events.rest_v1(), "version": "1.0"},
        events.alb(),
        EDGE,
    ],
)
def test_event_of_a_gateway_is_http(event: Any) -> None:
    assert is_http(event)


@pytest.mark.parametrize(
    "event",
    [
        {},
        None,
        [],
        "text",
        {"method": "predict"},
        {"requestContext": None},
        {"requestContext": "elb"},
        {"requestContext": {}},
        {"requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "1"}},
        {"Records": []},
        {"Records": None},
        {"Records": ["cf"]},
        {"Records": {"cf": 1}},
        {"Records": [{"eventSource": "aws:sqs"}]},
        {"source": "aws.events", "detail-type": "Scheduled Event"},
    ],
)
def test_anything_else_is_not(event: Any) -> None:
    assert not is_http(event)
