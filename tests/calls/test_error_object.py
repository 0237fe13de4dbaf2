import json
import threading
import tracemalloc
from dataclasses import dataclass
from typing import Any

import fastapi
import numpy as np
import pytest
from pydantic import BaseModel

from adapter.calls.error_object import MOST_STATE, function_error, is_error_object
from adapter.errors import InvocationError, RemoteError, Throttled
from adapter.runtime.protocol import Failure


@pytest.mark.parametrize(
    ("body", "error_type", "message"),
    [
        (b'{"errorType": "Broken", "errorMessage": "m"}', "Broken", "m"),
        (b'{"errorType": "os.system", "errorMessage": "m"}', "os.system", "m"),
        (b'{"errorMessage": "2026 Task timed out after 3.00 seconds"}', "Unhandled", "2026 Task"),
        (b'{"errorType": 3, "errorMessage": null, "stackTrace": 5}', "3", "None"),
        (b'{"errorType": "KeyError", "stackTrace": "text"}', "KeyError", ""),
        (b'{"errorType": "Own", "errorClasses": ["KeyError"]}', "Own", ""),
        (b'{"errorType": "Own", "errorClasses": [["KeyError"], [1, 2], {}, null]}', "Own", ""),
        (b'{"errorType": "Own", "errorClasses": {"builtins": "KeyError"}}', "Own", ""),
        (b'{"errorType": "Own", "errorArgs": {}, "errorAttributes": []}', "Own", ""),
        (b'{"errorType": "Own", "errorArgs": [{"$date": "never"}]}', "Own", ""),
        (b'{"errorType": "Own", "errorAttributes": {"a": {"$date": 1}}}', "Own", ""),
        (b"[1]", "Unhandled", ""),
        (b"no json", "Unhandled", ""),
        (b"\xff", "Unhandled", ""),
        (b"", "Unhandled", ""),
    ],
)
def test_function_error_of_any_shape_is_a_remote_error(
    body: bytes,
    error_type: str,
    message: str,
) -> None:
    error = function_error("Model", body)

    assert isinstance(error, RemoteError)
    assert (error.error_type, error.deployment) == (error_type, "Model")
    assert error.message.startswith(message)


class OutOfOrder(RuntimeError):
    def __init__(self, part: str, *, code: int) -> None:
        super().__init__(part)
        self.code = code

    def __str__(self) -> str:
        return f"{self.args[0]} is out of order"


@dataclass
class Part:
    name: Any


class Shipment(BaseModel):
    lines: list[str]


NOT_REACHED = InvocationError("Other", "ConnectionFailed", "nobody listens")
NOT_REACHED.never_ran = True


def sent(error: BaseException) -> RemoteError:
    """Send an exception over the wire."""
    return function_error("Model", Failure.of(error).body())


def test_exception_of_a_loaded_class_is_caught_as_that() -> None:
    error = sent(OutOfOrder("lamp", code=7))

    assert isinstance(error, OutOfOrder)
    assert (error.args, error.code, error.message) == (("lamp",), 7, "lamp is out of order")
    assert type(error.cause) is OutOfOrder
    assert (str(error.cause), error.cause.code) == ("lamp is out of order", 7)


def test_exception_of_an_unknown_class_is_the_base_class_that_is_known() -> None:
    class Hidden(OutOfOrder):
        pass

    error = sent(Hidden("lamp", code=7))

    assert isinstance(error, OutOfOrder)
    assert (error.error_type, error.cause) == ("Hidden", error)


def test_arguments_of_a_builtin_exception_arrive() -> None:
    cause = sent(KeyError("unknown")).cause

    assert type(cause) is KeyError
    assert cause.args == ("unknown",)


def test_name_of_the_file_that_is_missing_arrives() -> None:
    error = sent(FileNotFoundError(2, "No such file", "a.txt"))

    assert isinstance(error, FileNotFoundError)
    assert (error.errno, error.filename) == (2, "a.txt")


def test_attributes_arrive_as_the_objects_that_they_were() -> None:
    error = OutOfOrder("lamp", code=7)
    error.part = Part("lamp")  # type: ignore[attr-defined]
    error.add_note("look at the fuse")

    arrived: Any = sent(error)

    assert arrived.part == Part("lamp")
    assert arrived.__notes__ == ["look at the fuse"]


def test_framework_exception_arrives_with_what_its_handler_needs() -> None:
    error = sent(fastapi.HTTPException(404, "gone", {"x-a": "b"}))

    assert isinstance(error, fastapi.HTTPException)
    assert (error.status_code, error.detail, error.headers) == (404, "gone", {"x-a": "b"})


def test_what_cannot_travel_or_is_too_large_is_left_out() -> None:
    error = OutOfOrder("lamp", code=7)
    vars(error).update(lock=threading.Lock(), text="x" * MOST_STATE, small="y")

    arrived = sent(error)

    assert vars(arrived).keys() & {"code", "lock", "text", "small"} == {"code", "small"}
    assert len(Failure.of(error).body()) < 2 * MOST_STATE


@pytest.mark.parametrize(
    "large",
    [
        [bytes(10**6)] * 50,
        {"rows": dict.fromkeys(range(50), ("x" * 10**6,))},
        [[np.zeros((1000, 1000))[:]] * 5],
        [Part(["x" * 10**6] * 50)],
        [Shipment(lines=["x" * 10**6] * 50)],
    ],
)
def test_what_is_far_too_large_is_not_even_written(large: Any) -> None:
    error = ValueError("x")
    vars(error).update(large=large, small=1)
    tracemalloc.start()
    try:
        told = json.loads(Failure.of(error).body())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert told["errorAttributes"] == {"small": 1}
    assert most < 10 * 10**6


def test_what_holds_itself_is_left_out() -> None:
    error = ValueError("x")
    vars(error).update(rows=[error])
    vars(error)["itself"] = vars(error)["rows"]
    vars(error)["rows"].append(vars(error)["rows"])

    assert not hasattr(sent(error), "rows")


def test_arguments_that_cannot_travel_leave_the_text() -> None:
    error = sent(LookupError(threading.Lock()))

    assert error.args == (error.message,)
    assert sent(ValueError()).args == ()


def test_exception_passes_through_a_deployment_that_does_not_know_its_class() -> None:
    body = Failure.of(OutOfOrder("lamp", code=7)).body()
    known = json.loads(body) | {"errorClasses": [["nowhere", "OutOfOrder"], [__name__, "Nobody"]]}
    between = function_error("Model", json.dumps(known).encode())

    passed_on = json.loads(Failure.of(between).body())

    assert type(between) is RemoteError
    assert passed_on["errorClasses"] == known["errorClasses"]
    assert passed_on["errorAttributes"] == {"code": 7}
    assert sent(sent(OutOfOrder("lamp", code=7))).cause.args == ("lamp",)


@pytest.mark.parametrize("error", [Throttled("Other", "TooMany", ""), NOT_REACHED])
def test_that_a_call_of_the_callees_never_ran_is_not_said_of_the_callee(error: Exception) -> None:
    assert error.never_ran  # type: ignore[attr-defined]
    assert not getattr(sent(error), "never_ran", False)


def test_what_tells_no_more_than_lambdas_error_object_is_left_out() -> None:
    assert json.loads(Failure.of(ValueError("x")).body()).keys() == {
        "errorType",
        "errorMessage",
        "stackTrace",
    }


def test_exception_whose_state_cannot_be_read_is_told_all_the_same() -> None:
    class Odd(Exception):
        args = property(lambda _: 1 / 0)

        def __str__(self) -> str:
            return "odd"

    assert sent(Odd()).message == "odd"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"errorType": "E", "errorMessage": "m", "stackTrace": []}', True),
        (b'{"errorType": "E", "errorMessage": "m", "stackTrace": [], "more": 1}', True),
        (b'{"errorType": "E", "errorMessage": "m"}', False),
        (b"[]", False),
        (b"", False),
        (b"[" * 100_000, False),
    ],
)
def test_error_object_is_what_a_python_runtime_posts(body: bytes, *, expected: bool) -> None:
    assert is_error_object(body) is expected
