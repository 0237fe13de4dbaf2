"""What `adapter run` prints first."""

from dataclasses import replace
from typing import Any

import pytest

from adapter.local.banner import banner, try_command
from adapter.plan.values import ApplicationPlan, Concurrency, FunctionUrl, RoutePlan
from adapter.serve import EventBridgeRule, S3Bucket, Schedule, SQSQueue
from tests.local.world import application_plan, function_plan

URL = "http://127.0.0.1:8000"


def _plan(*routes: RoutePlan) -> ApplicationPlan:
    return application_plan(
        function_plan(name="Gateway", calls=("Keywords", "Sentiment")),
        function_plan(
            name="Sentiment",
            is_ingress=False,
            concurrency=Concurrency(provisioned=2, maximum=20),
            notes=("Sentiment: max_ongoing_requests=5 has no meaning here.",),
        ),
        target="text_service:app",
        routes=routes,
    )


def _route(methods: str, path: str, **more: Any) -> RoutePlan:
    return RoutePlan(methods=tuple(methods.split()), path=path, function="Gateway", **more)


def test_a_whole_banner() -> None:
    plan = _plan(_route("GET", "/"), _route("GET POST", "/items/{id}"))
    lines = banner([plan], URL, "http://127.0.0.1:3001", lambda text, _style: text)

    assert lines == [
        "  text_service:app   through Lambda's protocol, on this machine",
        "",
        "  HTTP    http://127.0.0.1:8000",
        "            GET        /             Gateway → Keywords, Sentiment",
        "            GET, POST  /items/{id}   Gateway → Keywords, Sentiment",
        '  Lambda  http://127.0.0.1:3001   boto3.client("lambda", endpoint_url=...)',
        "            Gateway     calls Keywords, Sentiment",
        "            Sentiment   2 kept warm, at most 20",
        "",
        "  Try     curl -s http://127.0.0.1:8000/",
        "",
        "  note    Sentiment: max_ongoing_requests=5 has no meaning here.",
        "",
    ]


def test_subscriptions_are_shown_with_how_to_send_an_event() -> None:
    plan = application_plan(
        function_plan(
            name="Orders",
            events=(
                Schedule("rate(1 hour)", method="refresh"),
                SQSQueue("orders", method="handle"),
                S3Bucket("${Archive}", method="archived"),
                EventBridgeRule({"source": ["bank"]}, method="paid"),
            ),
        ),
    )
    lines = banner([plan], URL, "http://127.0.0.1:3001", lambda text, _style: text)

    first = next(number for number, line in enumerate(lines) if line.startswith("  Events"))
    assert lines[first : first + 5] == [
        "  Events  adapter invoke Orders --local --event FILE   (nothing fires by itself here)",
        "            rate(1 hour)                Orders.refresh",
        "            queue orders                Orders.handle",
        "            bucket ${Archive}           Orders.archived",
        '            rule {"source": ["bank"]}   Orders.paid',
    ]


@pytest.mark.parametrize(
    ("routes", "command"),
    [
        ([_route("POST", "/a"), _route("GET", "/b")], f"curl -s {URL}/b"),
        (
            [_route("GET", "/{id}"), _route("POST", "/a")],
            f"curl -s -X POST {URL}/a -H 'content-type: application/json' -d '{{}}'",
        ),
        (
            [_route("GET", "/"), _route("PUT", "/a", example='["it\'s"]')],
            f"""curl -s -X PUT {URL}/a -H 'content-type: application/json' -d '["it'"'"'s"]'""",
        ),
        ([_route("ANY", "/{path}")], f"curl -s {URL}/"),
        ([_route("GET", "/a", streams=True)], f"curl -sN {URL}/a"),
        ([_route("GET", "/{id}")], None),
        ([], None),
    ],
)
def test_the_command_to_try_it_with(routes: list[RoutePlan], command: str | None) -> None:
    assert try_command([_plan(*routes)], URL) == command


def test_a_route_of_an_unknown_function_is_shown_all_the_same() -> None:
    route = RoutePlan(methods=("GET",), path="/", function="Elsewhere")
    lines = banner([_plan(route)], URL, URL, lambda text, _style: text)

    assert "            GET  /   Elsewhere" in lines


def test_routes_that_stream_are_marked() -> None:
    plan = _plan(_route("GET", "/"), _route("POST", "/summarize", streams=True))
    lines = banner([plan], URL, URL, lambda text, _style: text)

    assert lines[3:5] == [
        "            GET   /                       Gateway → Keywords, Sentiment",
        "            POST  /summarize  (streams)   Gateway → Keywords, Sentiment",
    ]


def test_functions_with_a_url_say_where_and_for_whom() -> None:
    plan = application_plan(
        function_plan(name="Gateway", url=FunctionUrl(streams=True)),
        function_plan(name="Open", url=FunctionUrl(streams=False, public=True)),
        function_plan(name="Inner"),
    )
    lines = banner([plan], URL, URL, lambda text, _style: text)

    assert [line for line in lines if "URL" in line] == [
        f"  URL     {URL}/_url/Gateway   streaming function URL, AWS_IAM on AWS, open here",
        f"  URL     {URL}/_url/Open      buffered function URL, public",
    ]


def test_a_shared_function_says_whose_it_is() -> None:
    plan = application_plan(function_plan(name="api", hosts=("Model",), calls=("Other",)))
    lines = banner([plan], URL, URL, lambda text, _style: text)

    assert "            api   api, Model, calls Other" in lines


def test_web_sockets_are_shown_and_may_be_tried() -> None:
    plan = replace(_plan(), socket_routes=("/chat/{room}", "/ws"))
    lines = banner([plan], URL, URL, lambda text, _style: text)

    flow = "Gateway → Keywords, Sentiment"
    assert f"            WS  /chat/{{room}}   {flow}" in lines
    assert f"            WS  /ws            {flow}" in lines
    assert try_command([plan], URL) == "python -m websockets ws://127.0.0.1:8000/ws"
