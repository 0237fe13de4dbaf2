from typing import Any

import pytest

from adapter.errors import PlanError
from adapter.plan.http import function_url, streaming_note
from adapter.plan.values import FunctionUrl, RoutePlan
from adapter.serve import LambdaOptions, ingress
from tests.plan.programs import Program
from tests.template.plans import gateway


class Answers:
    def __call__(self) -> str:
        return ""


class Silent:
    def predict(self) -> str:
        return ""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (None, None),
        ("buffered", FunctionUrl(streams=False, public=False)),
        ("stream", FunctionUrl(streams=True, public=False)),
        ("public-buffered", FunctionUrl(streams=False, public=True)),
        ("public-stream", FunctionUrl(streams=True, public=True)),
    ],
)
def test_a_url_is_public_only_where_the_word_is_written(  # R11
    written: Any,
    expected: FunctionUrl | None,
) -> None:
    assert function_url("Model", Answers, LambdaOptions(url=written)) == expected


@pytest.mark.parametrize("url", ["buffered", "public-stream"])
def test_a_class_that_serves_no_http_gets_no_url(url: Any) -> None:
    with pytest.raises(PlanError, match=f"Model: url='{url}', but the class has neither @serve.in"):
        function_url("Model", Silent, LambdaOptions(url=url))


@ingress(lambda: None)
class Ingress:
    pass


def answer() -> str:
    return ""


@pytest.mark.parametrize("deployed", [Answers, Ingress, answer])
def test_what_serves_http_gets_its_url(deployed: Any) -> None:
    assert function_url("Model", deployed, LambdaOptions(url="buffered")) is not None


def test_a_streaming_url_needs_our_loop() -> None:
    with pytest.raises(PlanError, match="exec_wrapper=False: AWS's own Python runtime client cann"):
        function_url("Model", Answers, LambdaOptions(url="stream", exec_wrapper=False))

    assert function_url("Model", Answers, LambdaOptions(url="buffered", exec_wrapper=False))


def route(path: str, *, streams: bool, methods: tuple[str, ...] = ("GET",)) -> RoutePlan:
    return RoutePlan(methods=methods, path=path, function="Gateway", streams=streams)


def test_routes_that_bring_a_url_are_told_once() -> None:
    routes = [
        route("/", streams=False),
        route("/a", streams=True, methods=("GET", "POST")),
        route("/b", streams=True),
    ]

    url = FunctionUrl(streams=True, automatic=True)
    assert streaming_note(gateway(url=url), routes) == (
        "Gateway: GET/POST /a, GET /b stream, and an HTTP API buffers them; "
        "the function gets a URL that streams."
    )


@pytest.mark.parametrize("url", [None, FunctionUrl(streams=True), FunctionUrl(streams=False)])
def test_what_is_only_lost_is_left_to_the_checks(url: FunctionUrl | None) -> None:
    assert streaming_note(gateway(url=url), [route("/", streams=True)]) == ""


@pytest.mark.parametrize(("options", "told"), [("", True), ("api='none'", False)])
def test_an_ingress_without_http_is_told_where_there_is_an_api(
    program: Program,
    options: str,
    *,
    told: bool,
) -> None:
    source = f"""
        @serve.deployment(lambda_options=serve.LambdaOptions({options}))
        class Model:
            def predict(self): ...

        app = Model.bind()
    """
    [function] = program.plan(source).functions

    assert any("so every HTTP request fails" in note for note in function.notes) is told


STREAMING = """
    from collections.abc import AsyncIterator
    from fastapi import FastAPI

    api = FastAPI()

    @serve.deployment(lambda_options=serve.LambdaOptions({options}))
    @serve.ingress(api)
    class Gateway:
        @api.get("/lines")
        async def lines(self) -> AsyncIterator[str]:
            yield "a"

    app = Gateway.bind()
"""


def test_routes_that_stream_get_a_url_that_does(program: Program) -> None:
    plan = program.plan(STREAMING.format(options=""))

    [function] = plan.functions
    assert function.url == FunctionUrl(streams=True, automatic=True)
    assert function.environment["ADAPTER_STREAMS"] == "url"
    assert function.notes[0].endswith(
        "an HTTP API buffers it; the function gets a URL that streams."
    )
    assert [one.streams for one in plan.routes] == [True]


@pytest.mark.parametrize("options", ["url='none'", "api='none'", "api='rest'"])
def test_no_url_comes_where_it_is_not_wanted_or_not_needed(program: Program, options: str) -> None:
    [function] = program.plan(STREAMING.format(options=options)).functions

    assert function.url is None
    assert function.notes == ()
    assert function.environment.get("ADAPTER_STREAMS") == ("rest" if "rest" in options else None)


def test_the_client_of_aws_cannot_stream_so_no_url_comes(program: Program) -> None:
    [function] = program.plan(STREAMING.format(options="exec_wrapper=False")).functions

    assert function.url is None
    assert function.notes == ()


def test_a_program_with_a_streaming_url_is_planned_with_it(program: Program) -> None:
    plan = program.plan(STREAMING.format(options="url='stream'"))

    [function] = plan.functions
    assert function.url == FunctionUrl(streams=True)
    assert function.environment["ADAPTER_STREAMS"] == "url"
    assert function.notes == ()


def test_a_buffered_url_takes_no_stream(program: Program) -> None:
    [function] = program.plan(STREAMING.format(options="url='public-buffered'")).functions

    assert function.url == FunctionUrl(streams=False, public=True)
    assert "ADAPTER_STREAMS" not in function.environment


def test_a_bare_application_gets_a_url_that_streams(program: Program) -> None:
    source = """
        from fastapi import FastAPI
        from fastapi.responses import StreamingResponse

        api = FastAPI()

        @api.get("/lines", response_class=StreamingResponse)
        def lines():
            yield "a"
    """
    [function] = program.plan(source, "program:api").functions

    assert function.url == FunctionUrl(streams=True, automatic=True)
    assert function.environment["ADAPTER_STREAMS"] == "url"
    assert function.notes[0].startswith("api: GET /lines streams, and an HTTP API buffers it; the ")
