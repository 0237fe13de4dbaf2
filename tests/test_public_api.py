import inspect
from types import ModuleType
from typing import Any

import pytest

import adapter
from adapter import function, serve, testing

DOORS = [adapter, serve, function, testing]


def exported() -> list[Any]:
    return [
        pytest.param(getattr(door, name), id=f"{door.__name__}.{name}")
        for door in DOORS
        for name in door.__all__
        if not name.startswith("__")
    ]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_all_is_sorted_and_names_what_is_there(door: ModuleType) -> None:
    assert list(door.__all__) == sorted(door.__all__)
    assert [name for name in door.__all__ if not hasattr(door, name)] == []


@pytest.mark.parametrize("thing", exported())
def test_exported_object_has_a_docstring(thing: Any) -> None:
    assert inspect.getdoc(thing)
    assert not str(inspect.getdoc(thing)).startswith(f"{thing.__name__}(")


@pytest.mark.parametrize(
    "thing", [param for param in exported() if inspect.isclass(param.values[0])]
)
def test_public_members_of_exported_classes_have_a_docstring(thing: type) -> None:
    fields = getattr(thing, "__dataclass_fields__", {})
    members = {
        name: value
        for name, value in vars(thing).items()
        if not name.startswith("_") and name not in fields
    }

    assert [name for name, value in members.items() if not inspect.getdoc(value)] == []


def test_lambda_handler_is_loaded_from_the_top() -> None:
    assert adapter.lambda_handler is function.lambda_handler


def test_version_is_a_version() -> None:
    assert [part.isdigit() for part in adapter.__version__.split(".")] == [True] * 3


def test_unknown_attribute_is_named() -> None:
    with pytest.raises(AttributeError, match="module 'adapter' has no attribute 'nothing'"):
        _ = adapter.nothing


@pytest.mark.parametrize("thing", exported())
def test_exported_function_is_annotated(thing: Any) -> None:
    signature = inspect.signature(thing)
    annotations = [parameter.annotation for parameter in signature.parameters.values()]

    returns = [] if inspect.isclass(thing) else [signature.return_annotation]

    assert signature.empty not in [*annotations, *returns]
