from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

from adapter import serve
from adapter.errors import PlanError
from adapter.plan.graph import Graph, walk
from adapter.serve.deployments import Application
from adapter.serve.handles import DeploymentHandle


class M:
    """A deployment that takes anything."""


class Models(NamedTuple):
    first: Any
    second: Any


@dataclass(frozen=True, slots=True)
class Settings:
    model: Any
    limit: int = 3


model = serve.deployment(M)


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes]


def handle(name: str, application: str = "default") -> DeploymentHandle:
    return DeploymentHandle(name, application)


def test_single_deployment_is_the_ingress() -> None:
    graph = walk(model.bind(1, mode="fast"), "default")

    assert names(graph) == ["M"]
    assert graph.ingress.deployment is model
    assert (graph.ingress.args, graph.ingress.kwargs) == ((1,), {"mode": "fast"})
    assert graph.ingress.calls == ()


def test_repeated_names_are_numbered_as_in_ray_serve() -> None:
    graph = walk(
        model.bind(model.bind(), {"k": [model.bind()]}, model.options(name="Z").bind()),
        "default",
    )

    assert names(graph) == ["M", "M_1", "Z", "M_2"]
    assert graph.ingress.name == graph.ingress.deployment.name == "M_2"
    assert graph.ingress.args == (handle("M"), {"k": [handle("M_1")]}, handle("Z"))
    assert graph.ingress.calls == ("M", "M_1", "Z")


def test_name_that_the_user_gave_is_not_given_again() -> None:
    taken = model.options(name="M_1").bind()

    assert names(walk(model.bind(taken, model.bind()), "default")) == ["M_1", "M", "M_2"]


def test_application_bound_twice_is_one_deployment() -> None:
    shared = model.options(name="Shared").bind()
    graph = walk(model.bind(shared, model.options(name="Other").bind([shared])), "default")

    assert names(graph) == ["Shared", "Other", "M"]
    assert graph.ingress.args == (handle("Shared"), handle("Other"))


@pytest.mark.parametrize(
    ("value", "replaced"),
    [
        ([model.bind()], [handle("M")]),
        ({"a": model.bind()}, {"a": handle("M")}),
        ((1, model.bind()), (1, handle("M"))),
        (Models(model.bind(), 2), Models(handle("M"), 2)),
        (Settings(model.bind()), Settings(handle("M"))),
        ({"a": [(Settings([model.bind()]),)]}, {"a": [(Settings([handle("M")]),)]}),
        (OrderedDict(a=model.bind()), OrderedDict(a=handle("M"))),
        (M, M),
        (Settings, Settings),
    ],
)
def test_application_inside_a_value_becomes_a_handle(value: Any, replaced: Any) -> None:
    found = walk(serve.deployment(name="Parent")(M).bind(value), "default").ingress.args[0]

    assert found == replaced
    assert type(found) is type(replaced)


def test_values_of_the_user_are_left_as_they_are() -> None:
    child = model.bind()
    settings, options = Settings([child]), {"child": child}
    walk(model.bind(settings, options), "default")

    assert settings.model == [child]
    assert options == {"child": child}


def test_handles_belong_to_their_application() -> None:
    graph = walk(model.bind(serve.deployment(name="Child")(M).bind()), "shop")

    assert graph.ingress.args == (handle("Child", "shop"),)


def test_handle_given_by_name_is_a_call_of_its_own_application_only() -> None:
    graph = walk(model.bind([handle("Child"), handle("Other", "shop")]), "default")

    assert graph.ingress.calls == ("Child",)


def test_cycle_is_refused_with_its_path() -> None:
    first = serve.deployment(name="First")(M).bind()
    first.args = ([serve.deployment(name="Second")(M).bind(first)],)

    with pytest.raises(PlanError, match="First is among its own constructor arguments") as caught:
        walk(first, "default")
    assert "(First → Second → First)" in str(caught.value)
    assert "serve.get_deployment_handle(...)" in str(caught.value)


def test_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append({"again": endless})

    with pytest.raises(PlanError, match="M is among its own constructor arguments"):
        walk(model.bind(endless), "default")


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


def ingress(name: str, *args: Any) -> Application:
    class Callable_:  # noqa: N801 - a class of this test
        __call__ = staticmethod(asgi)

    decorated = serve.ingress(Callable_())(type(name, (), {}))
    return serve.deployment(decorated).bind(*args)


def test_second_ingress_is_refused() -> None:
    with pytest.raises(PlanError, match="Found multiple FastAPI deployments") as caught:
        walk(ingress("Outer", ingress("Inner")), "shop")

    assert 'in application "shop": Inner, Outer.' in str(caught.value)


def test_one_ingress_may_stand_anywhere() -> None:
    assert names(walk(model.bind(ingress("Inner")), "default")) == ["Inner", "M"]
