"""Deployment graphs in the arguments of a constructor: found, named, written as code."""

from dataclasses import dataclass
from typing import Any

import pytest

from adapter import serve
from adapter.dag import GraphHandle, Input, InputAttribute, InputItem, InputNode, Output
from adapter.errors import PlanError
from adapter.plan.graph import Graph, walk
from adapter.serve.deployments import Application
from adapter.serve.handles import DeploymentHandle
from tests.plan.programs import Program, run

Steps = list[tuple[DeploymentHandle, tuple[Any, ...], dict[str, Any]]]


@serve.deployment
class Driver:
    def __init__(self, *graphs: Any, **more: Any) -> None: ...


@serve.deployment
class Model:
    def __init__(self, *weights: Any) -> None: ...

    def predict(self, number: int) -> int:
        return number


@serve.deployment
def combine(*numbers: int) -> int:
    return sum(numbers)


@dataclass
class Box:
    content: Any


def handle(name: str, method: str = "__call__") -> DeploymentHandle:
    return DeploymentHandle(name, method_name=method)


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes]


def steps(graph: Any) -> Steps:
    assert isinstance(graph, GraphHandle)
    return [(step.handle, step.args, step.kwargs) for step in graph.steps]


def ingress_steps(application: Application[Any]) -> Steps:
    return steps(walk(application, "default").ingress.args[0])


def test_a_graph_becomes_its_calls_in_an_order_that_works() -> None:
    first, second = Model.bind(1), Model.bind(2)
    with InputNode() as request:
        both = combine.bind(first.predict.bind(request[0]), second.predict.bind(request.x), 5)
    graph = walk(Driver.bind(both), "default")

    assert names(graph) == ["Model", "Model_1", "combine", "Driver"]
    assert graph.ingress.calls == ("Model", "Model_1", "combine")
    assert steps(graph.ingress.args[0]) == [
        (handle("Model", "predict"), (InputItem(0),), {}),
        (handle("Model_1", "predict"), (InputAttribute("x"),), {}),
        (handle("combine"), (Output(0), Output(1), 5), {}),
    ]
    assert graph.nodes[2].args == ()  # a function has no constructor


def test_a_call_that_several_take_is_made_once() -> None:
    with InputNode() as request:
        shared = Model.bind().predict.bind(request["a"])
        graph = combine.bind(shared, [shared, (request,)], {"k": shared})

    assert ingress_steps(Driver.bind(graph)) == [
        (handle("Model", "predict"), (InputItem("a"),), {}),
        (handle("combine"), (Output(0), [Output(0), (Input(),)], {"k": Output(0)}), {}),
    ]


def test_equal_calls_are_made_twice() -> None:
    model = Model.bind()
    with InputNode() as request:
        graph = combine.bind(model.predict.bind(request), model.predict.bind(request))

    assert len(ingress_steps(Driver.bind(graph))) == 3


def test_several_graphs_share_deployments() -> None:
    model = Model.bind()
    with InputNode() as request:
        function = combine.bind(request)
        graph = walk(
            Driver.bind({"/a": model.predict.bind(function), "/b": function, "/c": model}),
            "default",
        )

    assert names(graph) == ["combine", "Model", "Driver"]
    routes = graph.ingress.args[0]
    assert len(steps(routes["/a"])) == 2
    assert steps(routes["/b"]) == [(handle("combine"), (Input(),), {})]
    assert routes["/c"] == handle("Model")


def test_a_function_without_arguments_is_a_handle_but_a_call_inside_of_a_graph() -> None:
    with InputNode() as request:
        graph = combine.bind(combine.options(name="constant").bind(), request)

    assert walk(Driver.bind(combine.bind()), "default").ingress.args == (handle("combine"),)
    assert ingress_steps(Driver.bind(graph)) == [
        (handle("constant"), (), {}),
        (handle("combine"), (Output(0), Input()), {}),
    ]


def test_a_method_without_arguments_is_a_call() -> None:
    assert ingress_steps(Driver.bind(Model.bind().predict.bind())) == [
        (handle("Model", "predict"), (), {}),
    ]


def test_a_bound_class_among_the_arguments_of_a_call_is_a_handle() -> None:
    with InputNode() as request:
        graph = combine.bind(request, Model.bind(), Box(Model.options(name="Boxed").bind()))

    assert ingress_steps(Driver.bind(graph)) == [
        (handle("combine"), (Input(), handle("Model"), Box(handle("Boxed"))), {}),
    ]


def test_what_a_graph_calls_may_hold_a_graph_itself() -> None:
    with InputNode() as inner:
        holder = Driver.options(name="Holder").bind(combine.bind(inner))
    with InputNode() as request:
        graph = walk(Driver.bind(Model.bind(holder).predict.bind(request)), "default")

    assert names(graph) == ["combine", "Holder", "Model", "Driver"]
    assert graph.ingress.calls == ("Model",)


def two_inputs() -> Any:
    with InputNode() as first, InputNode() as second:
        return combine.bind(first, second[0])


def in_an_object() -> Any:
    with InputNode() as request:
        return combine.bind(Box(combine.bind(request)))


def whole_input() -> Any:
    with InputNode() as request:
        return request


def part_of_input() -> Any:
    with InputNode() as request:
        return [request[0]]


def for_a_constructor() -> Any:
    with InputNode() as request:
        return Model.bind(request).predict.bind(1)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (two_inputs(), "Driver: Each DAG should only have one unique InputNode"),
        (combine.bind(InputNode()), "Driver: InputNode must be used in a context manager"),
        (combine.bind(InputNode()[0]), "Driver: InputNode must be used in a context manager"),
        (whole_input(), "Driver: .*it cannot be a constructor argument"),
        (part_of_input(), "Driver: .*it cannot be a constructor argument"),
        (for_a_constructor(), "Model: .*it cannot be a constructor argument"),
        (Model.bind().predict, r"Driver: .*'predict'.* is not called; write \.bind"),
        (combine.bind(Model.bind().predict), r"is not called; write \.bind"),
        (in_an_object(), "Driver: .*combine.* is in an object.*lists, tuples and dicts only"),
    ],
)
def test_what_is_no_graph_is_refused(graph: Any, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        walk(Driver.bind(graph), "default")


PROGRAM = """
from adapter.dag import InputNode

@serve.deployment
class Driver:
    def __init__(self, graph):
        self.graph = graph

@serve.deployment
class Model:
    def predict(self, number): return number

@serve.deployment
def combine(a, b, bias): return a + b + bias

with InputNode() as request:
    first = Model.bind().predict.bind(request)
    graph = combine.bind(first, [request["n"], request.x, "text"], bias=1.5)
app = Driver.bind(graph)
one = Driver.bind(Model.bind().predict.bind(1))
bad = Driver.bind(Model.bind().predict.bind(object()))
"""


def test_a_graph_is_written_as_its_calls(program: Program) -> None:
    function = program.plan(PROGRAM).functions[0]

    assert function.calls == ("Model", "combine")
    assert function.entry_point.partition("handler = ")[2] == (
        "entry_point(\n"
        "    Driver,\n"
        "    GraphHandle(\n"
        '        Step(DeploymentHandle("Model", method_name="predict"), Input()),\n'
        '        Step(DeploymentHandle("combine"), Output(0), '
        '[InputItem("n"), InputAttribute("x"), "text"], bias=1.5),\n'
        "    ),\n"
        ")\n"
    )
    assert (
        "from adapter.dag import GraphHandle, Input, InputAttribute, InputItem, Output, Step\n"
        in function.entry_point
    )


def test_a_graph_of_one_call_takes_one_line(program: Program) -> None:
    function = program.plan(PROGRAM, target="program:one").functions[0]

    step = 'Step(DeploymentHandle("Model", method_name="predict"), 1)'
    assert f"    GraphHandle({step}),\n" in function.entry_point


def test_the_entry_point_makes_the_graph_again(program: Program, closing: Any) -> None:
    function = program.plan(PROGRAM).functions[0]
    planned_graph = walk(run_program(program), "default").ingress.args[0]

    made = closing(run(function.entry_point)["handler"])._servable._instance.target.graph

    assert steps(made) == steps(planned_graph)


def run_program(program: Program) -> Any:
    from adapter.plan.target import load_target

    return load_target("program:app", app_dir=program.folder)


def test_an_argument_of_a_call_that_cannot_be_written_is_named(program: Program) -> None:
    with pytest.raises(PlanError, match=r"Driver: constructor argument 1, Model.predict is a live"):
        program.plan(PROGRAM, target="program:bad")
