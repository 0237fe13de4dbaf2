import copy
import logging

import pytest

from adapter import serve
from adapter.serve import older
from adapter.serve.nodes import InputAttributeNode, InputNode


@serve.deployment
class Model:
    def __call__(self, number: int) -> int:
        return number

    def predict(self, number: int) -> int:
        return number

    def _private(self) -> None: ...


@serve.deployment
def double(number: int) -> int:
    return 2 * number


def test_a_method_of_a_bound_class_is_bound_to_arguments() -> None:
    application = Model.bind()
    node = application.predict.bind(1, number=2)

    assert (node.application, node.method) == (application, "predict")
    assert (node.args, node.kwargs) == ((1,), {"number": 2})
    assert repr(node) == "MethodNode(deployment='Model', method='predict')"


def test_an_instance_can_be_called_in_a_graph() -> None:
    assert Model.bind().__call__.bind(1).method == "__call__"


def test_a_method_that_the_class_has_not_is_named() -> None:
    with pytest.raises(AttributeError, match="type object 'Model' has no attribute 'nothing'"):
        _ = Model.bind().nothing


@pytest.mark.parametrize("name", ["_private", "__deepcopy__", "__wrapped__"])
def test_private_names_are_no_methods(name: str) -> None:
    assert not hasattr(Model.bind(), name)


def test_a_function_has_no_methods() -> None:
    assert not hasattr(double.bind(), "predict")


def test_a_bound_deployment_can_be_copied() -> None:
    application = Model.bind()

    assert copy.copy(application).deployment is application.deployment


def test_a_method_cannot_be_called_while_the_graph_is_made() -> None:
    with pytest.raises(AttributeError, match=r"\.remote\(\) cannot be used on .*predict"):
        Model.bind().predict.remote(1)


def test_an_input_is_taken_whole_or_in_parts() -> None:
    with InputNode() as request:
        parts = [request[0], request["name"], request.name]

    assert parts == [
        InputAttributeNode(request, 0),
        InputAttributeNode(request, "name"),
        InputAttributeNode(request, "name", is_attribute=True),
    ]


def test_a_part_of_an_input_has_no_parts() -> None:
    with InputNode() as request, pytest.raises(AttributeError, match="'deeper'"):
        _ = request.name.deeper  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", [1.5, None, (1, 2)])
def test_an_input_is_indexed_by_number_or_text(key: object) -> None:
    with InputNode() as request, pytest.raises(TypeError, match="a number or a text"):
        request[key]  # type: ignore[index]


def test_an_input_takes_no_arguments() -> None:
    with pytest.raises(ValueError, match="InputNode should not take any args or kwargs"):
        InputNode(1)
    with pytest.raises(ValueError, match="InputNode should not take any args or kwargs"):
        InputNode(name="x")

    InputNode(input_type=int)


def test_an_input_says_once_that_it_is_an_older_form(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(older, "_said", set())

    with caplog.at_level(logging.WARNING, "adapter.serve"):
        InputNode()
        InputNode()

    [message] = [record.getMessage() for record in caplog.records]
    assert message.startswith("InputNode is the older form; today it is ")
