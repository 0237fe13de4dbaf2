import builtins

import pytest

from adapter import errors
from adapter.errors import (
    AdapterError,
    InvalidCall,
    InvalidOption,
    InvocationError,
    NotSerializable,
    RemoteError,
    ServeError,
    UnknownOption,
    UnsupportedEvent,
    did_you_mean,
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
    assert isinstance(error.cause, getattr(builtins, name))
    assert type(error).__name__ == f"Remote{getattr(builtins, name).__name__}"
    assert (error.args, str(error)) == (("broken",), f"{name}: broken\n\n  File x\n{name}: broken")


@pytest.mark.parametrize(
    "name",
    [*sorted(NEVER), "SystemExit", "KeyboardInterrupt", "BaseException", "print", "int", "Own", ""],
)
def test_other_remote_error_is_only_ours(name: str) -> None:
    error = remote_error("broken", error_type=name)

    assert type(error) is RemoteError
    assert (error.error_type, error.message) == (name, "broken")


@pytest.mark.parametrize(
    ("name", "own"), [("ServeError", ServeError), ("InvalidCall", InvalidCall)]
)
def test_remote_error_of_wrong_use_is_one_here(name: str, own: type[Exception]) -> None:
    error = remote_error("no such method", error_type=name)

    assert isinstance(error, own)
    assert isinstance(error, ServeError)
    assert isinstance(error, RemoteError)


def test_remote_error_of_an_own_class_is_the_builtin_that_it_derives_from() -> None:
    error = remote_error("over", error_type="QuotaExceeded", builtin="ValueError")

    assert isinstance(error, ValueError)
    assert (error.error_type, type(error).__name__) == ("QuotaExceeded", "RemoteValueError")
    assert str(error) == "QuotaExceeded: over"


@pytest.mark.parametrize("builtin", [*sorted(NEVER), "SystemExit", "print", "Own", ""])
def test_other_bases_of_a_remote_error_are_left_out(builtin: str) -> None:
    assert type(remote_error("over", error_type="Own", builtin=builtin)) is RemoteError


def test_cause_of_a_remote_error_is_the_builtin_exception() -> None:
    error = remote_error("broken", error_type="ValueError", remote_traceback=["  File x\n"])

    assert type(error.cause) is ValueError
    assert error.cause.args == ("broken",)


@pytest.mark.parametrize("name", ["Own", "StopIteration", "UnicodeDecodeError"])
def test_cause_that_cannot_be_made_here_is_the_remote_error(name: str) -> None:
    error = remote_error("broken", error_type=name)

    assert error.cause is error


@pytest.mark.parametrize(
    ("name", "hint"),
    [("ulr", " Did you mean 'url'?"), ("memory", " Did you mean 'memory_mb'?"), ("xyz", "")],
)
def test_close_name_is_suggested(name: str, hint: str) -> None:
    assert did_you_mean(name, {"url", "memory_mb"}) == hint


def test_unknown_option_is_a_type_error_and_a_value_error() -> None:
    assert issubclass(UnknownOption, InvalidOption)
    assert issubclass(UnknownOption, TypeError)


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
        ("x" * 1000, "x...xxxxxxxxxxxxx'."),
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
