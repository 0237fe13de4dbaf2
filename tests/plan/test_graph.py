import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from adapter import serve
from adapter.errors import PlanError, SeveralIngresses
from adapter.plan.graph import Graph, walk
from adapter.serve.deployments import Application
from adapter.serve.handles import DeploymentHandle


class M:
    """A deployment that takes anything."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise AssertionError((args, kwargs))  # a walk constructs nothing


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


class Plain:
    """An object of the user's own, with whatever attributes."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Slotted:
    __slots__ = ("model",)

    def __init__(self, model: Any) -> None:
        self.model = model


class Base(BaseModel):
    model: Any


@pytest.mark.parametrize(
    "make",
    [
        lambda child: Plain(model=child),
        lambda child: Plain(other=1, inner=[Plain(model=child)]).inner[0],  # type: ignore[attr-defined]
        Slotted,
        lambda child: Base(model=child),
        lambda child: SimpleNamespace(model=child),
    ],
)
def test_application_in_an_attribute_becomes_a_handle_in_a_copy(make: Any) -> None:
    child = serve.deployment(name="Child")(M).bind()
    value = make(child)
    found = walk(model.bind(value), "default").ingress

    assert found.args[0].model == handle("Child")
    assert type(found.args[0]) is type(value)
    assert value.model is child
    assert found.calls == ("Child",)


def test_application_is_found_in_sets_and_beside_the_items_of_a_dict() -> None:
    class Registry(dict[str, Any]):
        """A dict with an attribute."""

    registry = Registry(a=1)
    registry.model = model.bind()  # type: ignore[attr-defined]
    found = walk(serve.deployment(name="Parent")(M).bind(registry, {model.bind()}), "default")

    assert (found.ingress.args[0].model, found.ingress.args[0]["a"]) == (handle("M"), 1)
    assert found.ingress.args[1] == {handle("M_1")}


def test_objects_that_refer_to_each_other_stay_so() -> None:
    parent, child = Plain(model=model.bind()), Plain()
    parent.child, child.parent = child, parent  # type: ignore[attr-defined]
    found = walk(serve.deployment(name="Parent")(M).bind(parent, [parent]), "default").ingress

    copied = found.args[0]
    assert copied.child.parent is copied
    assert found.args[1][0] is copied
    assert copied.model == handle("M")


def test_value_without_an_application_is_passed_as_it_is() -> None:
    lock, items, itself = threading.Lock(), [1, [2]], Plain()
    itself.itself = itself  # type: ignore[attr-defined]
    values = (lock, items, itself, M, test_handles_belong_to_their_application, sys)
    found = walk(model.bind(*values, model.bind()), "default").ingress

    assert all(given is kept for given, kept in zip(values, found.args, strict=False))


def test_deeply_nested_value_is_passed_on() -> None:
    deep: Any = None
    for _ in range(5000):
        deep = Plain(inner=deep)

    assert walk(model.bind(deep), "default").ingress.args == (deep,)


def test_object_that_cannot_be_copied_is_named() -> None:
    class Unique(Plain):
        def __copy__(self) -> Any:
            raise TypeError("there is only one")

    with pytest.raises(PlanError, match=r"M: a constructor argument of .*Unique holds a bound dep"):
        walk(model.bind(Unique(model=model.bind())), "default")


def test_handle_in_an_attribute_is_a_call() -> None:
    found = walk(model.bind(Plain(handle=handle("Child"))), "default")

    assert found.ingress.calls == ("Child",)


def test_function_takes_no_constructor_arguments() -> None:
    with pytest.raises(ValueError, match="deployment asgi: init_args not supported for function"):
        walk(Application(serve.deployment(asgi), (1, 2, 3)), "default")


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
    first: Any = serve.deployment(name="First")(M).bind()
    first.args = ([serve.deployment(name="Second")(M).bind(first)],)

    with pytest.raises(PlanError, match="First is among its own constructor arguments") as caught:
        walk(first, "default")
    assert "(First → Second → First)" in str(caught.value)
    assert "serve.get_deployment_handle(...)" in str(caught.value)


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


def ingress(name: str, *args: Any) -> Application:
    class Callable_:  # noqa: N801 - a class of this test
        __call__ = staticmethod(asgi)

    decorated = serve.ingress(Callable_())(type(name, (), {}))
    return serve.deployment(decorated).bind(*args)


def test_second_ingress_is_refused() -> None:
    with pytest.raises(SeveralIngresses, match="Found multiple FastAPI deployments") as caught:
        walk(ingress("Outer", ingress("Inner")), "shop")

    assert 'in application "shop": Inner, Outer.' in str(caught.value)


def test_one_ingress_may_stand_anywhere() -> None:
    assert names(walk(model.bind(ingress("Inner")), "default")) == ["Inner", "M"]
