"""What stands in front of an ingress."""

import pytest

from adapter.errors import PlanError
from adapter.plan.fronts import api_plan, made_public
from adapter.plan.stack import stack_plan
from adapter.plan.values import ApiPlan, ApplicationPlan, FunctionUrl
from adapter.serve import Cors, LambdaOptions
from tests.plan.programs import Program

CORS = Cors(allow_origins=("https://shop.example",))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (LambdaOptions(), ApiPlan()),
        (LambdaOptions(api="http"), ApiPlan(chosen=True)),
        (LambdaOptions(api="public-http"), ApiPlan(public=True, chosen=True)),
        (LambdaOptions(api="rest"), ApiPlan(kind="rest", chosen=True)),
        (LambdaOptions(api="public-rest"), ApiPlan(kind="rest", public=True, chosen=True)),
        (LambdaOptions(api="none"), None),
        (LambdaOptions(cors=CORS), ApiPlan(cors=CORS)),
    ],
)
def test_an_api_is_public_only_where_the_word_is_written(
    options: LambdaOptions,
    expected: ApiPlan | None,
) -> None:
    assert api_plan("Gateway", options) == expected


def test_a_rest_api_needs_our_loop() -> None:
    with pytest.raises(PlanError, match="api='rest' with exec_wrapper=False: AWS's own Python run"):
        api_plan("Gateway", LambdaOptions(api="rest", exec_wrapper=False))


def test_a_rest_api_cannot_add_headers_to_answers() -> None:
    with pytest.raises(PlanError, match="cors with api='public-rest': a REST API adds no headers"):
        api_plan("Gateway", LambdaOptions(api="public-rest", cors=CORS))


PROGRAM = """
    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse
    from fastapi.middleware.cors import CORSMiddleware

    def make():
        api = FastAPI()
        api.add_middleware(CORSMiddleware, allow_origins=["*"])
        return api

    api = FastAPI()

    @serve.deployment(lambda_options=serve.LambdaOptions({options}))
    @serve.ingress(api)
    class Gateway:
        @api.get("/lines", response_class=StreamingResponse)
        def lines(self): ...

    app = Gateway.bind()
"""


@pytest.mark.parametrize(
    ("options", "opened"),
    [
        ("", ["api", "url"]),
        ("url='stream'", ["api"]),
        ("api='http'", []),
        ("api='none', url='stream'", []),
    ],
)
def test_the_build_opens_what_the_program_leaves_to_it(
    program: Program,
    options: str,
    opened: list[str],
) -> None:
    [plan] = made_public(stack_plan([program.plan(PROGRAM.format(options=options))])).applications

    fronts = {"api": plan.front, "url": plan.functions[0].url}
    assert [name for name, front in fronts.items() if front is not None and front.public] == opened


def test_a_url_that_comes_by_itself_is_as_public_as_the_api(program: Program) -> None:
    [function] = program.plan(PROGRAM.format(options="api='public-http'")).functions

    assert function.url == FunctionUrl(streams=True, public=True, automatic=True)


def test_gateway_and_url_answer_browsers_alike(program: Program) -> None:
    cors = "cors=serve.Cors(allow_origins=['https://shop.example'])"
    plan = program.plan(PROGRAM.format(options=cors))

    assert plan.api == ApiPlan(cors=CORS)
    assert plan.functions[0].url == FunctionUrl(streams=True, cors=CORS, automatic=True)
    assert plan.functions[0].environment["ADAPTER_CORS"] == "1"
    assert not plan.own_cors


def with_middleware(program: Program, options: str) -> ApplicationPlan:
    source = PROGRAM.format(options=options)
    source = source.replace("api = FastAPI()\n\n    @", "api = make()\n\n    @")
    return program.plan(source)


def test_an_application_that_answers_browsers_itself_is_known(program: Program) -> None:
    assert with_middleware(program, "").own_cors


def test_headers_that_would_come_twice_are_refused(program: Program) -> None:  # R21
    with pytest.raises(PlanError) as caught:
        with_middleware(program, "cors=serve.Cors(allow_origins=['*'])")

    assert str(caught.value) == (
        "Gateway: LambdaOptions(cors=...) and CORSMiddleware in the application: both would write "
        "the headers, and browsers refuse answers that have them twice. Remove one of them."
    )


def test_a_bare_application_may_answer_browsers_itself(program: Program) -> None:
    source = """
        from fastapi import FastAPI
        from starlette.middleware.cors import CORSMiddleware

        wrapped = CORSMiddleware(FastAPI(), allow_origins=["*"])
        plain = FastAPI()
    """

    assert program.plan(source, "program:wrapped").own_cors
    assert not program.plan(source, "program:plain").own_cors


def test_settings_of_http_on_a_deployment_that_it_does_not_reach_are_told(
    program: Program,
) -> None:
    plan = program.plan(
        """
        @serve.deployment(lambda_options=serve.LambdaOptions(api="rest"))
        class Model:
            def __call__(self): ...

        @serve.deployment
        class Gateway:
            def __init__(self, model): ...
            def __call__(self, request): ...

        app = Gateway.bind(Model.bind())
        """,
    )

    assert plan.api == ApiPlan()
    assert plan.function("Model").notes == (
        "Model: api=rest has no effect; it is about HTTP requests, which reach Gateway.",
    )
