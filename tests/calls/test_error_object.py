import pytest

from adapter.calls.error_object import function_error, is_error_object
from adapter.errors import RemoteError


@pytest.mark.parametrize(
    ("body", "error_type", "message"),
    [
        (b'{"errorType": "Broken", "errorMessage": "m"}', "Broken", "m"),
        (b'{"errorType": "os.system", "errorMessage": "m"}', "os.system", "m"),
        (b'{"errorMessage": "2026 Task timed out after 3.00 seconds"}', "Unhandled", "2026 Task"),
        (b'{"errorType": 3, "errorMessage": null, "stackTrace": 5}', "3", "None"),
        (b'{"errorType": "KeyError", "stackTrace": "text"}', "KeyError", ""),
        (b'{"errorType": "Own", "errorBuiltin": ["KeyError"]}', "Own", ""),
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


def test_function_error_is_the_builtin_that_it_derives_from() -> None:
    body = b'{"errorType": "QuotaExceeded", "errorMessage": "m", "errorBuiltin": "ValueError"}'

    assert isinstance(function_error("Model", body), ValueError)


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
