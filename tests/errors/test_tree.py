import pytest

from adapter import errors
from adapter.errors import (
    AdapterError,
    InvalidOption,
    InvocationError,
    NotSerializable,
    UnknownOption,
    did_you_mean,
)


def test_docstring_draws_the_tree() -> None:
    found = {name: getattr(errors, name) for name in dir(errors)}
    defined = {name: value for name, value in found.items() if isinstance(value, type)}
    mine = {name for name, value in defined.items() if issubclass(value, AdapterError)}

    assert {name for name in mine if name not in str(errors.__doc__)} == set()


@pytest.mark.parametrize(
    ("name", "hint"),
    [("ulr", " Did you mean 'url'?"), ("memory", " Did you mean 'memory_mb'?"), ("xyz", "")],
)
def test_close_name_is_suggested(name: str, hint: str) -> None:
    assert did_you_mean(name, {"url", "memory_mb"}) == hint


def test_unknown_option_is_a_type_error_and_a_value_error() -> None:
    assert issubclass(UnknownOption, InvalidOption)
    assert issubclass(UnknownOption, TypeError)


def test_not_serializable_is_a_type_error() -> None:
    error = NotSerializable(object(), "argument 1")

    assert isinstance(error, TypeError)
    assert str(error).startswith("argument 1 is a builtins.object, which cannot travel between")


def test_invocation_error_keeps_its_facts() -> None:
    error = InvocationError("Model", "TooManyRequestsException", "Rate exceeded", 429)

    assert str(error) == "Model: TooManyRequestsException: Rate exceeded"
    assert (error.function, error.reason, error.status) == (
        "Model",
        "TooManyRequestsException",
        429,
    )


def test_name_that_is_none_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match=r"module 'adapter\.errors' has no attribute 'Own'"):
        getattr(errors, "Own")  # noqa: B009 - mypy knows that it is not there
