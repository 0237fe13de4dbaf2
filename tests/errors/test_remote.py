import asyncio
import builtins
from typing import Any

import pydantic_core
import pytest

from adapter.errors import (
    BackPressureError,
    InvalidCall,
    InvocationError,
    Origin,
    RemoteError,
    ServeError,
    Throttled,
    caught_as,
    remote_error,
)

BUILTIN = [
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, Exception)
]
NEVER = {"ExceptionGroup", "StopAsyncIteration", "StopIteration"}


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


class QuotaExceeded(ValueError):
    """One of the user's, which nobody may make but the user."""

    def __new__(cls, *_args: object) -> Any:
        raise AssertionError("made")

    def __init__(self, limit: int) -> None:
        raise AssertionError(limit)

    def __init_subclass__(cls) -> None:
        raise AssertionError("derived from")

    @property
    def deployment(self) -> str:
        return "the user's"

    def __setattr__(self, name: str, value: object) -> None:
        raise AssertionError("set")


def of(kind: type[Exception], *args: Any, **attributes: Any) -> RemoteError:
    origin = Origin((kind,), exact=True, args=args, attributes=attributes, told={"x": 1})
    return remote_error("over", error_type=kind.__name__, origin=origin)


def test_remote_error_is_of_the_callees_class_and_runs_none_of_its_code() -> None:
    error: Any = of(QuotaExceeded, 5, code=7)

    assert {QuotaExceeded, RemoteError} <= set(type(error).__mro__)
    assert (error.args, error.code, error.error_type) == ((5,), 7, "QuotaExceeded")
    assert (error.message, str(error)) == (
        "over",
        "QuotaExceeded in deployment the user's: over",
    )


def test_cause_of_a_remote_error_is_of_the_callees_class_and_runs_none_of_its_code() -> None:
    cause: Any = of(QuotaExceeded, 5, code=7).cause

    assert type(cause).__name__ == "QuotaExceeded"
    assert (cause.args, cause.code) == ((5,), 7)


def test_attribute_of_the_callees_exception_may_be_called_message() -> None:
    error = of(KeyError, "k", message="mine", error_type="mine")

    assert (error.message, error.error_type) == ("mine", "KeyError")
    assert str(error) == "KeyError: over"


def test_error_of_the_operating_system_knows_the_file() -> None:
    error: Any = of(FileNotFoundError, 2, "No such file", "a.txt")

    assert (error.errno, error.filename, error.cause.filename) == (2, "a.txt", "a.txt")


def test_class_that_cannot_be_derived_from_leaves_the_next() -> None:
    final = pydantic_core.ValidationError
    error = remote_error(
        "over",
        error_type="ValidationError",
        origin=Origin((final, ValueError), exact=True, told={"x": 1}),
    )

    assert isinstance(error, ValueError)
    assert error.cause is error


def test_nothing_is_guessed_from_a_name_where_classes_are_told() -> None:
    error = remote_error("over", error_type="KeyError", origin=Origin(told={"x": 1}))

    assert type(error) is RemoteError
    assert error.cause is error


@pytest.mark.parametrize(
    ("kind", "caught"),
    [
        (KeyError, KeyError),
        (QuotaExceeded, QuotaExceeded),
        (Exception, None),
        (BaseException, None),
        (SystemExit, None),
        (asyncio.CancelledError, None),
        (StopIteration, None),
        (ExceptionGroup, None),
        (int, None),
        (ServeError, ServeError),
        (Throttled, BackPressureError),
        (InvocationError, None),
        (RemoteError, None),
    ],
)
def test_only_some_exceptions_are_caught_as_what_they_are(
    kind: type[Any],
    caught: type[Exception] | None,
) -> None:
    assert caught_as(kind) is caught


def test_cause_of_a_remote_error_is_the_builtin_exception() -> None:
    error = remote_error("broken", error_type="ValueError", remote_traceback=["  File x\n"])

    assert type(error.cause) is ValueError
    assert error.cause.args == ("broken",)


@pytest.mark.parametrize("name", ["Own", "StopIteration", "UnicodeDecodeError"])
def test_cause_that_cannot_be_made_here_is_the_remote_error(name: str) -> None:
    error = remote_error("broken", error_type=name)

    assert error.cause is error


def test_remote_error_names_the_deployment() -> None:
    error = remote_error("broken", error_type="KeyError", deployment="Model")

    assert str(error) == "KeyError in deployment Model: broken"
    assert error.deployment == "Model"
    assert error.remote_traceback == ""


def test_remote_error_is_named_in_tracebacks_as_it_is_imported() -> None:
    made = {type(remote_error("x", error_type=name)) for name in ("KeyError", "Own")}

    assert {f"{kind.__module__}.{kind.__qualname__}" for kind in made} == {
        "adapter.errors.RemoteKeyError",
        "adapter.errors.RemoteError",
    }
