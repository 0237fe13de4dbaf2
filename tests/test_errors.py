import builtins

import pytest

from adapter import errors
from adapter.errors import (
    AdapterError,
    InvocationError,
    NotSerializable,
    RemoteError,
    UnsupportedEvent,
    remote_error,
)

BUILTIN = [
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, Exception)
]
NEVER = {"ExceptionGroup", "StopAsyncIteration", "StopIteration"}


def test_docstring_draws_the_tree() -> None:
    defined = {name: value for name, value in vars(errors).items() if isinstance(value, type)}
    mine = {name for name, value in defined.items() if issubclass(value, AdapterError)}

    assert {name for name in mine if name not in str(errors.__doc__)} == set()


@pytest.mark.parametrize("name", sorted(set(BUILTIN) - NEVER))
def test_remote_error_is_the_builtin_type(name: str) -> None:
    error = remote_error("broken", error_type=name, remote_traceback=["  File x\n"])

    assert isinstance(error, getattr(builtins, name))
    assert isinstance(error, RemoteError)
    assert type(error).__name__ == f"Remote{name}"
    assert (error.args, str(error)) == (("broken",), f"{name}: broken\n\n  File x")


@pytest.mark.parametrize(
    "name",
    [*sorted(NEVER), "SystemExit", "KeyboardInterrupt", "BaseException", "print", "int", "Own", ""],
)
def test_other_remote_error_is_only_ours(name: str) -> None:
    error = remote_error("broken", error_type=name)

    assert type(error) is RemoteError
    assert (error.error_type, error.message) == (name, "broken")


def test_remote_error_names_the_deployment() -> None:
    error = remote_error("broken", error_type="KeyError", deployment="Model")

    assert str(error) == "KeyError in deployment Model: broken"
    assert error.deployment == "Model"
    assert error.remote_traceback == ""


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({"b": 1, "a": 2}, "an object with keys ['a', 'b']."),
        ([1], "[1]."),
        (None, "None."),
        ("x" * 1000, "x" * 299 + "."),
    ],
)
def test_unsupported_event_says_what_was_found(event: object, found: str) -> None:
    message = str(UnsupportedEvent(event))

    assert "this function serves HTTP events and calls" in message
    assert message.endswith(found)


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
