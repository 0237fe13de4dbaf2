"""`DAGDriver` as a function: planned, its entry points run, asked by events."""

import json
import logging
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.requests import Request

from adapter import serve
from adapter.dag import InputNode
from adapter.drivers import DAGDriver, load_http_adapter
from adapter.errors import InvalidOption, PlanError, RemoteError, ServeError
from adapter.http_adapters import json_request, starlette_request
from adapter.local import in_process
from adapter.plan.target import plan_target
from adapter.plan.values import ApplicationPlan
from adapter.serve import older
from tests import events
from tests.http.answers import Answer
from tests.older_programs import SAMPLES, Asked, Sample
from tests.plan.programs import Program, program_in
from tests.planned import Planned, planned


@serve.deployment
class Model:
    def __call__(self, value: Any) -> Any:
        return value


def plan_of(sample: Sample, program: Program) -> ApplicationPlan:
    program.write(program=sample.source, **sample.modules)
    return plan_target("program:app", app_dir=program.folder)


def post(asked: Asked) -> dict[str, Any]:
    body = None if asked.query else json.dumps(asked.body)
    headers = {"content-type": "application/json"}
    event = events.http_api(method="POST", path=asked.path, query=asked.query, headers=headers)
    return event if body is None else {**event, "body": body}


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with program_in(tmp_path) as made:
        yield made


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_of_the_guide_answers_through_its_planned_entry_points(
    program: Program,
    name: str,
) -> None:
    sample = SAMPLES[name]

    with planned(plan_of(sample, program)) as application:
        answers = [application.ask(post(asked)) for asked in sample.asked]

    expected = [(asked.status, asked.answer) for asked in sample.asked]
    assert [(answer.status, answer.json) for answer in answers] == expected


def test_a_driver_is_an_ordinary_ingress_with_handles(program: Program) -> None:
    plan = plan_of(SAMPLES["graph"], program)

    driver = plan.functions[0]
    assert (driver.name, driver.is_ingress, plan.ingress) == ("DAGDriver", True, "DAGDriver")
    assert driver.calls == ("Model", "Model_1", "combine")
    assert "from adapter.drivers import DAGDriver\n" in driver.entry_point
    assert "http_adapter=json_request" in driver.entry_point


def test_an_adapter_by_name_is_imported_when_it_is_bound_so_that_its_module_is_built_in(
    program: Program,
) -> None:
    plan = plan_of(SAMPLES["routes"], program)

    assert "from adapters import number\n" in plan.functions[0].entry_point
    assert "http_adapter=number" in plan.functions[0].entry_point


ECHO = Sample(
    """
    import numpy as np
    from adapter import serve
    from adapter.dag import InputNode
    from adapter.drivers import DAGDriver
    from adapter.http_adapters import json_request

    @serve.deployment
    class Echo:
        def __call__(self, value): return value
        def array(self, value): return {"array": np.arange(2), "scalar": [np.float32(0.5)]}
        def nothing(self, value): return None
        def fail(self, value): raise KeyError("on purpose")

    @serve.deployment
    def join(a, b, c): return [a, b, c]

    echo = Echo.bind()
    with InputNode() as request:
        results = DAGDriver.bind(
            {
                "/echo": echo,
                "/array": echo.array.bind(request),
                "/nothing": echo.nothing.bind(request),
                "/fail": echo.fail.bind(request),
            },
            json_request,
        )
    with InputNode() as request:
        twice = [echo.__call__.bind(request), echo.__call__.bind(request)]
        app = DAGDriver.bind(join.bind(*twice, 3), http_adapter=json_request)
    """,
    (),
)


def echo(program: Program, target: str = "results") -> ApplicationPlan:
    program.write(program=ECHO.source)
    return plan_target(f"program:{target}", app_dir=program.folder)


@pytest.fixture
def routes(program: Program) -> Iterator[Callable[..., Answer]]:
    """Ask the driver with several routes."""
    with planned(echo(program)) as application:

        def ask(path: str, body: str | None = "1", method: str = "POST") -> Answer:
            return application.ask(events.http_api(method=method, path=path, body=body))

        yield ask


@pytest.fixture
def single(program: Program) -> Iterator[Planned]:
    """The driver with one graph."""
    with planned(echo(program, "app")) as application:
        yield application


@pytest.mark.parametrize(
    ("path", "body", "result"),
    [
        ("/echo", '"text"', b'"text"'),
        ("/echo", "null", b"null"),
        ("/echo", '{"a":[1,2.5]}', b'{"a":[1,2.5]}'),
        ("/nothing", "1", b"null"),
        ("/array", "1", b'{"array":[0,1],"scalar":[0.5]}'),
    ],
)
def test_results_are_json_as_fastapi_writes_it(
    routes: Callable[..., Answer],
    path: str,
    body: str,
    result: bytes,
) -> None:
    answer = routes(path, body)

    assert (answer.status, answer.body) == (200, result)
    assert answer.headers["content-type"] == ["application/json"]


def test_get_is_served_like_post(routes: Callable[..., Answer]) -> None:
    assert routes("/echo", "5", method="GET").json == 5


def test_other_methods_are_not_allowed(routes: Callable[..., Answer]) -> None:
    answer = routes("/echo", method="PUT")

    assert (answer.status, answer.json) == (405, {"detail": "Method Not Allowed"})
    assert answer.headers["allow"] == ["POST"]


def test_a_path_that_is_no_route_is_not_found(routes: Callable[..., Answer]) -> None:
    answer = routes("/zz")

    assert (answer.status, answer.json) == (404, {"detail": "Not Found"})


def test_a_slash_behind_a_route_is_redirected(routes: Callable[..., Answer]) -> None:
    answer = routes("/echo/")

    assert answer.status == 307
    assert answer.headers["location"][0].endswith("/echo")


@pytest.mark.parametrize(("path", "body"), [("/fail", "1"), ("/echo", "nonsense"), ("/echo", None)])
def test_a_model_or_an_adapter_that_fails_is_an_internal_error(
    routes: Callable[..., Answer],
    path: str,
    body: str | None,
) -> None:
    answer = routes(path, body)

    assert (answer.status, answer.text) == (500, "Internal Server Error")


def test_the_openapi_document_describes_the_routes(routes: Callable[..., Answer]) -> None:
    document = routes("/openapi.json", None, "GET").json

    assert sorted(document["paths"]) == ["/array", "/echo", "/fail", "/nothing"]
    assert sorted(document["paths"]["/echo"]) == ["get", "post"]


def test_the_openapi_document_describes_the_adapters_body(program: Program) -> None:
    with planned(plan_of(SAMPLES["ndarray"], program)) as application:
        document = application.ask(events.http_api(path="/openapi.json")).json

    assert list(document["paths"]) == ["/{path}"]
    assert list(document["components"]["schemas"]["NdArray"]["properties"]) == [
        "array",
        "shape",
        "dtype",
    ]


def test_predict_calls_the_graph_without_http(single: Planned) -> None:
    assert single.call("predict", 7) == [7, 7, 3]
    assert single.call("predict_with_route", "/{path:path}", 7) == [7, 7, 3]


def test_predict_calls_a_single_deployment_too(program: Program) -> None:
    with planned(plan_of(SAMPLES["json_resolver"], program)) as application:
        assert application.call("predict", [1, 2]) == 2
        assert application.call("predict", [1, 2], _ray_cache_refs=True) == 2


def test_predict_with_route_calls_the_graph_of_a_route(program: Program) -> None:
    with planned(echo(program)) as application:
        assert application.call("predict_with_route", "/echo", [1]) == [1]
        with pytest.raises(ServeError, match="/zz does not exist in dags routes"):
            application.call("predict_with_route", "/zz", 1)
        with pytest.raises(ServeError, match=r"several routes; call predict_with_route"):
            application.call("predict", 1)


def test_what_a_deployment_raises_comes_out_of_predict(program: Program) -> None:
    with planned(echo(program)) as application, pytest.raises(RemoteError) as raised:
        application.call("predict_with_route", "/fail", 1)

    assert isinstance(raised.value, KeyError)


def test_the_results_of_the_steps_are_kept_where_that_is_asked_for(single: Planned) -> None:
    with pytest.raises(AssertionError, match="Predict has not been called"):
        single.call("get_intermediate_object_refs")

    single.call("predict", 7)
    assert single.call("get_intermediate_object_refs") == {}

    single.call("predict", 8, _ray_cache_refs=True)
    single.call("predict", 9)
    assert single.call("get_intermediate_object_refs") == {
        "Echo": 8,
        "Echo_1": 8,
        "join": [8, 8, 3],
    }


def untyped(value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - what it is about
    return value


class NoFunction:
    def __call__(self, value: int) -> int:
        return value


class User(BaseModel):
    name: str


@pytest.mark.parametrize("adapter", [5, NoFunction, NoFunction(), [], "os.path", "builtins.len"])
def test_an_adapter_must_be_a_function_or_a_pydantic_model(adapter: Any) -> None:
    message = "input schema must be a callable function or pydantic model class"

    with pytest.raises(ValueError, match=message):
        DAGDriver.bind(Model.bind(), http_adapter=adapter)
    with pytest.raises(InvalidOption, match=message):
        load_http_adapter(adapter)


def test_an_adapters_parameters_must_be_annotated() -> None:
    with pytest.raises(ValueError, match="signature should be type annotated"):
        DAGDriver.bind(Model.bind(), http_adapter=untyped)


@pytest.mark.parametrize("name", ["json_request", "", ".", "adapter.http_adapters:"])
def test_a_name_that_is_not_dotted_is_refused(name: str) -> None:
    with pytest.raises(InvalidOption, match=r"must have the form module\.function"):
        DAGDriver.bind(Model.bind(), http_adapter=name)


def test_a_name_that_cannot_be_imported_raises_what_the_import_raises() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        DAGDriver.bind(Model.bind(), http_adapter="no_such_module.adapter")
    with pytest.raises(AttributeError, match="no_such_adapter"):
        DAGDriver.bind(Model.bind(), http_adapter="adapter.http_adapters.no_such_adapter")


@pytest.mark.parametrize(
    "name", ["adapter.http_adapters.json_request", "adapter.http_adapters:json_request"]
)
def test_a_name_stands_for_what_it_names(name: str) -> None:
    application = DAGDriver.bind(Model.bind(), name)

    assert application.kwargs == {"http_adapter": json_request}
    assert load_http_adapter(name) is json_request


def test_without_an_adapter_it_is_the_request_itself() -> None:
    assert load_http_adapter(None) is starlette_request
    assert DAGDriver.bind(Model.bind()).kwargs == {}


def test_a_part_of_the_request_itself_can_be_taken(program: Program) -> None:
    source = """
    from adapter import serve
    from adapter.dag import InputNode
    from adapter.drivers import DAGDriver

    @serve.deployment
    def lower(text: str) -> str: return text.lower()

    with InputNode() as request:
        app = DAGDriver.bind(lower.bind(request.method))
    """
    with planned(plan_of(Sample(source, ()), program)) as application:
        assert application.ask(events.http_api(path="/x")).json == "get"


def test_a_model_is_kept_as_it_is_until_the_function_starts() -> None:
    assert DAGDriver.bind(Model.bind(), User).kwargs == {"http_adapter": User}
    assert load_http_adapter(User)(User(name="Ada")) == User(name="Ada")


@pytest.mark.parametrize("graph", [5, None, Model, json_request, [Model.bind()]])
def test_a_driver_calls_deployments_and_graphs_only(graph: Any) -> None:
    with pytest.raises(InvalidOption, match="DAGDriver calls a bound deployment or a graph"):
        DAGDriver.bind(graph)
    with pytest.raises(InvalidOption, match="DAGDriver calls a bound deployment or a graph"):
        DAGDriver.bind({"/a": Model.bind(), "/b": graph})


@pytest.mark.parametrize("route", ["a", "", 5])
def test_a_route_begins_with_a_slash(route: Any) -> None:
    with pytest.raises(InvalidOption, match=r"the route .* must start with '/'"):
        DAGDriver.bind({route: Model.bind()})


def test_an_input_is_no_graph() -> None:
    from adapter.plan.graph import walk

    with InputNode() as request:
        application = DAGDriver.bind(Model.bind(), http_adapter=json_request)
        application.args = (request,)
    with pytest.raises(PlanError, match="it cannot be a constructor argument"):
        walk(application, "default")


def test_a_driver_with_options_is_a_driver() -> None:
    driver = DAGDriver.options(name="Front", num_replicas=2)

    application = driver.bind(Model.bind(), http_adapter="adapter.http_adapters.json_request")

    assert (application.deployment.name, application.deployment.num_replicas) == ("Front", 2)
    assert application.kwargs == {"http_adapter": json_request}


@pytest.fixture
def serving() -> Iterator[None]:
    serve.start(http_options={"port": 0})
    yield
    serve.shutdown()


@pytest.mark.usefixtures("serving")
def test_under_serve_run_an_adapter_may_be_any_function_and_handles_reach_the_driver() -> None:
    async def reversed_body(request: Request) -> str:
        return (await request.body()).decode()[::-1]

    with pytest.raises(PlanError, match="Each DAG"):
        serve.run(DAGDriver.bind(Model.bind().__call__.bind(two_inputs())))

    with InputNode() as text:
        graph = Model.bind().__call__.bind([text, text[0]])
    handle = serve.run(DAGDriver.bind(graph, http_adapter=reversed_body))
    with urllib.request.urlopen(in_process.url(), b"abc", timeout=30) as response:
        assert json.load(response) == ["cba", "c"]
    assert handle.predict.remote("xy").result(timeout_s=30) == ["xy", "x"]


def two_inputs() -> list[Any]:
    with InputNode() as first, InputNode() as second:
        return [first, second]


def test_a_driver_says_once_that_it_is_an_older_form(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(older, "_said", set())

    with caplog.at_level(logging.WARNING, "adapter.serve"):
        DAGDriver.bind(Model.bind(), http_adapter=json_request)
        DAGDriver.bind(Model.bind(), http_adapter=json_request)

    [message] = [record.getMessage() for record in caplog.records]
    assert message.startswith(
        "DAGDriver is the older form; today it is a class with @serve.ingress"
    )


def test_without_an_adapter_the_deployment_gets_the_request(program: Program) -> None:
    source = """
    from adapter import serve
    from adapter.drivers import DAGDriver
    from starlette.requests import Request

    @serve.deployment
    class Show:
        async def __call__(self, request: Request):
            return [request.method, request.url.path, await request.json()]

    app = DAGDriver.bind(Show.bind())
    """
    with planned(plan_of(Sample(source, ()), program)) as application:
        assert application.ask(post(Asked([1], None, path="/x"))).json == ["POST", "/x", [1]]
